import { describe, expect, it } from "vitest";
import { commonRange, hasValues, proposeCut } from "./common-scale";

/** A grid of these losses, kept as differences from a base. */
function grid(losses: readonly number[], base = 0) {
  const values = Float32Array.from(losses, (loss) => loss - base);
  const finite = values.filter(Number.isFinite);
  const range: [number, number] = finite.length > 0 ? [Math.min(...finite), Math.max(...finite)] : [0, 0];
  return { values, base, range };
}

const steps = (n: number, most: number) => Array.from({ length: n + 1 }, (_, k) => (most * k) / n);

describe("common scale", () => {
  it("spans all finite losses, whatever they are counted from", () => {
    const nothing = grid([Number.NaN, Number.NaN], 50);
    expect(hasValues(nothing)).toBe(false);
    expect(hasValues(grid([3, 3], 3))).toBe(true);
    expect(commonRange([grid([1, 2], 1), null, grid([-4, 0], -4), nothing])).toEqual([-4, 2]);
    expect(commonRange([null, nothing])).toBeNull();
  });

  it("cuts a spike at the 95 % quantile of the others, and names who has it", () => {
    const [low, spiky] = [grid(steps(100, 10)), grid([...steps(10, 5), 1000])];
    expect(proposeCut([low, spiky])).toEqual({ spike: 1, top: 1000, cut: 9.5, symlog: true });
    expect(proposeCut([spiky, null, low])!.spike).toBe(0);
  });

  it("offers no symmetric logarithm where the others lie in its linear part", () => {
    expect(proposeCut([grid(steps(100, 10)), grid([0, 1e6])])!.symlog).toBe(false);
  });

  it("proposes nothing where all can be seen, or nothing is left to see", () => {
    expect(proposeCut([grid(steps(10, 10)), grid(steps(10, 40))])).toBeNull();
    expect(proposeCut([grid([0, 1000])])).toBeNull();
    expect(proposeCut([grid([2, 2, 2]), grid([2, 1000])])).toBeNull();
    expect(proposeCut([grid([Number.NaN]), grid([0, 1000])])).toBeNull();
  });
});
