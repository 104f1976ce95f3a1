import { expect, it } from "vitest";
import { thresholdScale } from "./threshold-scale";

it("is zero at the left, merges everything at the right, and inverts itself between", () => {
  const scale = thresholdScale([4, 1, 0.02], 4);
  expect(scale.toThreshold(0)).toBe(0);
  expect(scale.toThreshold(1)).toBeGreaterThan(4);
  expect(scale.toPosition(0)).toBe(0);
  for (const p of [0.1, 0.5, 0.9]) expect(scale.toPosition(scale.toThreshold(p))).toBeCloseTo(p, 3);
  // The least persistent branch can be told from none at all.
  expect(scale.toPosition(0.02)).toBeGreaterThan(0);
});

it("works for a tree without a finite branch", () => {
  const scale = thresholdScale([], 0);
  expect(scale.toThreshold(1)).toBe(1);
  expect(scale.toPosition(0)).toBe(0);
});
