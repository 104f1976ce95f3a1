import { describe, expect, it } from "vitest";
import {
  duration,
  estimate,
  num,
  parseNumber,
  percent,
  plainNum,
  reasonOf,
  shortLabel,
  squeezed,
  whole,
} from "./format";
import { symlogScale } from "./scales";

describe("numbers", () => {
  it("are short, with a real minus", () => {
    expect([0, 1234.5678, -0.00012345, 1e9, Number.POSITIVE_INFINITY].map((x) => num(x))).toEqual([
      "0",
      "1235",
      "−1.23e−4",
      "1.00e9",
      "∞",
    ]);
    expect(whole(1234567)).toBe("1\u202f234\u202f567");
    expect([0, 0.0004, 0.1234, 1].map(percent)).toEqual(["0 %", "< 0.1 %", "12.3 %", "100 %"]);
    expect([3.2, 80, 7500].map(duration)).toEqual(["4 s", "1 min 20 s", "2 h 05 min"]);
    expect([0.03, 0.31, 12.4, 250, 9000].map(estimate)).toEqual([
      "0.1 s",
      "0.31 s",
      "12 s",
      "4.2 min",
      "2.5 h",
    ]);
  });

  it("are squeezed beside an axis where they are too long for it", () => {
    expect([squeezed("0.51", 36), squeezed("0.512345", 36)]).toEqual([undefined, 36]);
  });

  it("read back what they write", () => {
    for (const x of [0, 16, -2.31, 1.234e-7, 65536, -123456]) {
      expect(parseNumber(num(x, 7))).toBeCloseTo(x, 6);
      expect(parseNumber(plainNum(x, 7))).toBeCloseTo(x, 6);
    }
    expect([" 1,5 ", "", "abc", "1e3"].map(parseNumber)).toEqual([1.5, null, null, 1000]);
  });
});

describe("errors", () => {
  it("are named by the line that says why", () => {
    expect(reasonOf("ValueError: 3 is even")).toBe("ValueError: 3 is even");
    expect(reasonOf("two\nlines")).toBe("two");
    const trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n';
    expect(reasonOf(`${trace}RuntimeError: no\n`)).toBe("RuntimeError: no");
    expect(reasonOf(`${trace}RuntimeError: no,\nsince x\n`)).toBe("RuntimeError: no,");
  });
});

it("names axes briefly", () => {
  expect(shortLabel("displacement along v₋₁ (λ = −0.4)", "axis 1")).toBe("v₋₁");
  expect(shortLabel("x", "axis 1")).toBe("x");
  expect(shortLabel("vₙ (λ = −0.176)", "axis 2")).toBe("vₙ");
  expect(shortLabel("a direction with a long name", "axis 2")).toBe("axis 2");
});

describe("ticks", () => {
  it("of a symmetric log axis hold zero", () => {
    const scale = symlogScale(-3, 60, 0.08);
    expect(scale.ticks(7)).toContain(0);
    expect(scale.at(-3)).toBe(0);
    expect(scale.at(60)).toBe(1);
    expect(scale.at(0)).toBeGreaterThan(0);
  });

  it("of a symmetric log axis stand on both sides of zero, however small one side is", () => {
    for (const low of [-0.049, -0.0003, -2]) {
      const ticks = symlogScale(low, 5.3, 0.01).ticks(7);
      const below = ticks.filter((t) => t < 0);
      expect(below.length).toBeGreaterThan(0);
      for (const t of below) expect(t).toBeGreaterThanOrEqual(low);
      expect(ticks.some((t) => t > 0)).toBe(true);
      expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
    }
    expect(
      symlogScale(0, 5.3, 0.01)
        .ticks(7)
        .every((t) => t >= 0),
    ).toBe(true);
  });
});
