import { expect, it } from "vitest";
import { crowding } from "./paint-markers";

it("shrinks marks that stand close together, by no more than half, and leaves lonely ones alone", () => {
  expect(crowding(Infinity, 7)).toBe(1);
  expect(crowding(30, 7)).toBe(1);
  expect(crowding(14, 7)).toBeGreaterThan(0.5);
  expect(crowding(14, 7)).toBeLessThan(1);
  expect(crowding(14, 7)).toBeLessThan(crowding(16, 7));
  expect(crowding(2, 7)).toBe(0.5);
  // In device pixels of a fine screen the same.
  expect(crowding(28, 14)).toBe(crowding(14, 7));
});
