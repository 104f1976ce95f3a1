import { describe, expect, it } from "vitest";
import { committedGrid } from "../../model/committed";
import { NO_SELECTION } from "../../model/selection";
import { simplify } from "../../model/simplify";
import type { Hover } from "../../model/store";
import { spec, surface, view } from "../../testing/samples";
import { sublevelTree } from "../../testing/sublevel-tree";
import { announce } from "../canvas/marked";
import { criticalPoints, markersOf } from "./critical";
import { surfaceKey } from "./keyboard";

const wanted = spec({ points: [9, 5] });
const drawn = surface(wanted, (a, b) => (a * a - 1) ** 2 + b * b + 0.1 * a, 0);
const grid = committedGrid(drawn, wanted, 1);
const data = sublevelTree(grid.values, 9, 5);
const hover: Hover = { ...NO_SELECTION, kind: "none", from: "surface" };

describe("critical points of an unsupported pair", () => {
  const points = (supported: number[]) =>
    criticalPoints(grid, simplify({ ...data, supported: view(Uint8Array.from(supported)) }, 0));
  const hollow = (supported: number[]) =>
    markersOf(points(supported), NO_SELECTION, hover, 0).map((marker) => [marker.shape, marker.hollow]);

  it("are drawn hollow, the model and the essential minimum never", () => {
    expect(hollow([0, 0])).toEqual([
      ["model", false],
      ["minimum", false],
      ["minimum", true],
      ["saddle", true],
    ]);
    expect(hollow([1, 1]).some(([, is]) => is)).toBe(false);
    const unknown = markersOf(criticalPoints(grid, simplify(data, 0)), NO_SELECTION, hover, 0);
    expect(unknown.some((marker) => marker.hollow)).toBe(false);
  });

  it("are announced as such", () => {
    expect(announce(points([1, 0])[2]!, [1, 0])).toContain("not supported by the data");
    expect(announce(points([1, 1])[2]!, [1, 0])).not.toContain("supported");
  });
});

it("has a key for the basin map", () => {
  const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
  expect(surfaceKey({ key: "b", ...none })).toEqual({ do: "basins" });
  expect(surfaceKey({ key: "b", ...none, ctrlKey: true })).toBeNull();
});
