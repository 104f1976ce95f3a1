import { expect, it } from "vitest";
import type { Place } from "../../model/volume-data";
import { dragged, gripAt } from "./grab";

/** Seen from the side and a little from above: the first axis goes right, the third up, the second backwards. */
const screen = ([i, j, k]: Place) => ({ x: 100 + 20 * i + 5 * j, y: 300 - 5 * j - 20 * k });
const SHAPE = [11, 5, 6] as const;

it("takes the slice whose edge is pointed at, and no slice by its inside", () => {
  const slices = [4, null, 2] as const;
  // The left edge of the slice across the third axis; its inside; the front edge of that across the first.
  expect(gripAt(SHAPE, slices, screen, { x: 104, y: 258 })).toMatchObject({ axis: 2, at: 2 });
  expect(gripAt(SHAPE, slices, screen, { x: 240, y: 250 })).toBeNull();
  expect(gripAt(SHAPE, slices, screen, { x: 183, y: 210 })).toMatchObject({ axis: 0, at: 4 });
  expect(gripAt(SHAPE, [null, null, null], screen, { x: 183, y: 210 })).toBeNull();
});

it("follows the pointer along the axis, and stays in the box", () => {
  const grip = gripAt(SHAPE, [4, null, null], screen, { x: 181, y: 210 })!;
  expect(grip.way).toEqual({ x: 200, y: 0 });
  expect(dragged(grip, 40, 13, 10)).toBe(6);
  expect(dragged(grip, 4000, 0, 10)).toBe(10);
  expect(dragged(grip, -4000, 0, 10)).toBe(0);
});

it("is not taken along an axis that is seen from its end", () => {
  const front = ([i, , k]: Place) => ({ x: 20 * i, y: 20 * k });
  expect(gripAt(SHAPE, [null, 2, null], front, { x: 0, y: 50 })).toBeNull();
});
