import { expect, it } from "vitest";
import { cellVolumes } from "./volumes";

it("gives end vertices half a cell and the whole axis its length", () => {
  expect([...cellVolumes([[0, 1, 3, 7]])]).toEqual([0.5, 1.5, 3, 2]);
  expect([...cellVolumes([[4]])]).toEqual([1]);
});

it("covers the window exactly, the rim and its corners with less", () => {
  const areas = cellVolumes([
    [0, 1, 2],
    [0, 4, 6],
  ]);
  expect([...areas]).toEqual([1, 1.5, 0.5, 2, 3, 1, 1, 1.5, 0.5]);
  expect(areas.reduce((sum, area) => sum + area)).toBe(12);
  expect([
    ...cellVolumes([
      [0, 2],
      [0, 4],
      [0, 1, 3],
    ]),
  ]).toEqual([1, 3, 2, 1, 3, 2, 1, 3, 2, 1, 3, 2]);
});
