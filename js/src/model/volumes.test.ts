import { expect, it } from "vitest";
import { cellAreas, cellLengths } from "./volumes";

it("gives end vertices half a cell and the whole axis its length", () => {
  expect([...cellLengths([0, 1, 3, 7])]).toEqual([0.5, 1.5, 3, 2]);
  expect([...cellLengths([4])]).toEqual([1]);
});

it("covers the window exactly, the rim and its corners with less", () => {
  const areas = cellAreas({ x0: Float64Array.of(0, 1, 2), x1: Float64Array.of(0, 4, 6) });
  expect([...areas]).toEqual([1, 1.5, 0.5, 2, 3, 1, 1, 1.5, 0.5]);
  expect(areas.reduce((sum, area) => sum + area)).toBe(12);
});
