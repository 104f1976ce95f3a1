import { describe, expect, it } from "vitest";
import { random } from "../../testing/random";
import { num } from "./format";
import { digitsIn, tickNote } from "./offset";
import { fullTexts, linearTicks, logTicks, lossTicks, niceStep, symlogTicks, tickTexts } from "./ticks";

describe("ticks", () => {
  it("are round, within the range, and about as many as asked for", () => {
    const next = random(7);
    for (let k = 0; k < 300; k++) {
      const low = (next() - 0.5) * 10 ** (8 * next() - 4);
      const high = low + 10 ** (8 * next() - 4);
      const ticks = linearTicks(low, high, 6);
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(10);
      const step = niceStep(high - low, 6);
      for (const v of ticks) {
        expect(v).toBeGreaterThanOrEqual(low - 1e-5 * step);
        expect(v).toBeLessThanOrEqual(high + 1e-5 * step);
        expect(Math.abs(v / step - Math.round(v / step))).toBeLessThan(1e-5);
      }
    }
    expect(linearTicks(0, 890, 6)).toEqual([0, 200, 400, 600, 800]);
    expect(linearTicks(-0.3, 0.3, 6)).toEqual([-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
    expect(linearTicks(2, 2, 5)).toEqual([2]);
    expect(linearTicks(Number.NaN, Number.NaN, 5)).toEqual([]);
  });

  it("of a logarithmic scale thin out with the number of decades", () => {
    expect(logTicks(0.012, 9, 9)).toEqual([0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]);
    expect(logTicks(0.001, 1000, 7)).toEqual([0.001, 0.01, 0.1, 1, 10, 100, 1000]);
    expect(logTicks(1e-12, 1e12, 6).length).toBeLessThanOrEqual(7);
    expect(logTicks(2, 3, 5)).toEqual([2, 2.2, 2.4, 2.6, 2.8, 3]);
    expect(logTicks(0, 5, 4)).toEqual([5]);
  });

  it("have as many decimals as they need", () => {
    expect(tickTexts([-0.5, 0, 0.5])).toEqual(["−0.5", "0.0", "0.5"]);
    expect(tickTexts([0, 200, 400])).toEqual(["0", "200", "400"]);
    expect(tickTexts([0.01, 0.1, 1, 10])).toEqual(["0.01", "0.1", "1", "10"]);
    expect(tickTexts([0, 2e-5, 4e-5])).toEqual(["0", "2×10⁻⁵", "4×10⁻⁵"]);
    expect(tickTexts([1e5, 1e6, 1e7])).toEqual(["10⁵", "10⁶", "10⁷"]);
    expect(tickTexts([1e-6, 1, 1e3])).toEqual(["10⁻⁶", "1", "1000"]);
    expect(tickTexts([1.0005, 1.001])).toEqual(["1.0005", "1.0010"]);
    expect(tickTexts([1e6, 1e6 + 1, 1e6 + 2])).toEqual(["0", "1", "2"]);
    expect(fullTexts([1e6, 1e6 + 1, 1e6 + 2])).toEqual(["10⁶", "1.000001×10⁶", "1.000002×10⁶"]);
  });

  it("of a symmetric logarithm hold 0, decades on both sides, and are in order", () => {
    expect(symlogTicks(-100, 100, 9)).toEqual([-100, -10, -1, -0.1, 0, 0.1, 1, 10, 100]);
    expect(symlogTicks(0.05, 0.78, 6)).toEqual([0.05, 0.1, 0.2, 0.5]);
    const next = random(3);
    for (let k = 0; k < 300; k++) {
      const [a, b] = [(next() - 0.5) * 10 ** (8 * next() - 4), (next() - 0.5) * 10 ** (8 * next() - 4)];
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const ticks = symlogTicks(low, high, 7);
      expect(ticks.length).toBeGreaterThanOrEqual(1);
      expect(ticks.length).toBeLessThanOrEqual(14);
      expect(ticks).toEqual([...new Set(ticks)].sort((p, q) => p - q));
      for (const v of ticks)
        expect(v >= low - 1e-9 * Math.abs(low) && v <= high + 1e-9 * Math.abs(high)).toBe(true);
    }
  });
});

it("two decades have texts of their own, though they are one distance apart", () => {
  expect(tickTexts([0.01, 1])).toEqual(["0.01", "1"]);
  expect(tickTexts([0.1, 10])).toEqual(["0.1", "10"]);
  expect(tickTexts([-10, -0.1])).toEqual(["−10", "−0.1"]);
  expect(tickTexts([0.5, 1])).toEqual(["0.5", "1.0"]);
});

describe("losses that differ in the eighth digit", () => {
  it("have ticks that count from what they have in common", () => {
    const [low, high] = [2.41258509, 2.41258517];
    for (const count of [3, 5, 9]) {
      const ticks = lossTicks(low, high, "linear", count);
      expect(tickNote(ticks)).toBe("2.412585 + 10⁻⁸ ×");
      const texts = tickTexts(ticks);
      expect(new Set(texts).size).toBe(ticks.length);
      texts.forEach((text, k) => {
        expect(text.length).toBeLessThanOrEqual(4);
        expect(2.412585 + 1e-8 * Number(text)).toBeCloseTo(ticks[k]!, 12);
      });
    }
    expect(num(low, digitsIn(low, high, 4))).toBe("2.41258509");
  });

  it("below zero and among large ones too, and others keep their digits", () => {
    const below = lossTicks(-2.41258517, -2.41258509, "linear", 5);
    expect(tickNote(below)).toBe("−2.4125852 + 10⁻⁸ ×");
    expect(tickTexts(below).every((text) => Number(text) >= 0 && Number(text) <= 12)).toBe(true);
    const large = lossTicks(1e6, 1e6 + 2, "linear", 5);
    expect(tickNote(large)).toBe("1000000 + 10⁰ ×");
    expect(tickNote(lossTicks(2.3, 2.4, "linear", 5))).toBe("");
    expect(tickNote(lossTicks(-1e-9, 1e-9, "linear", 5))).toBe("");
  });
});
