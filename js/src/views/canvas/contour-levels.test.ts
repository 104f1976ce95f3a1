import { expect, it } from "vitest";
import { contourLevels } from "./contour-levels";

it("draws at most 16 contour lines at round losses", () => {
  for (const [low, high, base, scale] of [
    [0, 890, 170, "linear"],
    [-0.49, 9, 0.5, "log"],
    [-0.5, -0.4999, 0.5, "linear"],
    [1e-9, 1e6, 0, "log"],
    [-40, 1e4, 0, "symlog"],
    [3, 9, 100, "symlog"],
  ] as const) {
    const { heights, weights } = contourLevels([low, high], base, scale);
    expect(heights.length).toBeLessThanOrEqual(16);
    expect(heights.length).toBeGreaterThan(2);
    expect(weights.length).toBe(heights.length);
    expect(weights.every((w) => w === 0 || w === 1)).toBe(true);
  }
  const decades = contourLevels([0.01 - 5, 100 - 5], 5, "log");
  const majors = decades.heights.filter((_, k) => decades.weights[k] === 1).map((z) => z + 5);
  expect(majors.map((v) => Number(v.toPrecision(6)))).toEqual([0.01, 0.1, 1, 10, 100]);
});
