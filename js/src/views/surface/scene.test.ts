import { describe, expect, it } from "vitest";
import type { Scale } from "../../gl/engine";
import { basinOf } from "../../model/selection";
import type { Branch, Hover, LiveGrid, LiveTree } from "../../model/store";
import { announce } from "../canvas/marked";
import { criticalPoints, markersOf } from "./critical";
import { describe as inWords } from "./describe";
import { bandShare, vertexPoint, verticalRange } from "./scene";

const NONE = { kind: "none", vertex: null, coordinates: null, loss: null } as const;
const NO_HOVER: Hover = { ...NONE, from: "surface" };

/** Two valleys at vertices 1 and 3 of a 2 x 3 grid, the ridge at 2, a hole at 5. */
function grid(): LiveGrid {
  const values = Float32Array.of(3, 0, 2, 1, 4, Number.NaN);
  return {
    spec: {} as LiveGrid["spec"],
    n0: 2,
    n1: 3,
    x0: Float64Array.of(-1, 1),
    x1: Float64Array.of(10, 20, 30),
    values,
    base: 0.5,
    origin: 4,
    labels: ["displacement along v₁ (λ = 12.3)", "y"],
    quantity: "loss",
    state: "final",
    range: [0, 4],
    revision: 1,
    known: 1,
  };
}

function tree(): LiveTree {
  const branch = (row: number, birthVertex: number, birth: number, more: Partial<Branch>): Branch => ({
    row,
    birthVertex,
    birth,
    deathVertex: -1,
    death: Infinity,
    persistence: Infinity,
    parent: -1,
    share: 0.5,
    ...more,
  });
  const branches = [
    branch(0, 1, 0.5, {}),
    branch(7, 3, 1.5, { deathVertex: 2, death: 2.5, persistence: 1, parent: 0 }),
  ];
  const basins = Int32Array.of(0, 0, 0, 7, 7, -1);
  return { tree: {} as LiveTree["tree"], branches, total: 2, maxPersistence: 1, basins, smad: 1 };
}

describe("critical points", () => {
  it("come as model, minima, saddles, at the coordinates of their vertices", () => {
    const points = criticalPoints(grid(), tree());
    expect(points.map((p) => [p.kind, p.vertex, p.x, p.y, p.loss])).toEqual([
      ["model", 4, 1, 20, 4.5],
      ["minimum", 1, -1, 20, 0.5],
      ["minimum", 3, 1, 10, 1.5],
      ["saddle", 2, -1, 30, 2.5],
    ]);
    expect(points[2]!.size).toBeLessThanOrEqual(points[1]!.size);
    expect(announce(points[2]!, [points[2]!.x, points[2]!.y])).toBe(
      "Minimum 2 of 2: loss 1.5 at (1, 10), persistence 1.",
    );
  });

  it("ignore a tree of another grid and a model in a hole", () => {
    const other = { ...tree(), basins: new Int32Array(99) };
    expect(criticalPoints(grid(), other).map((p) => p.kind)).toEqual(["model"]);
    expect(criticalPoints({ ...grid(), origin: 5 }, null)).toEqual([]);
    expect(criticalPoints(null, null)).toEqual([]);
  });

  it("become markers that know what is selected and pointed at", () => {
    const points = criticalPoints(grid(), tree());
    const selection = { kind: "saddle", vertex: 2, coordinates: [-1, 30], loss: 2.5 } as const;
    const hover: Hover = { kind: "minimum", vertex: 1, coordinates: [-1, 20], loss: 0.5, from: "tree" };
    const markers = markersOf(points, { ...selection, coordinates: [-1, 30] }, hover, 0.5);
    expect(markers.filter((m) => m.selected).map((m) => m.shape)).toEqual(["saddle"]);
    expect(markers.filter((m) => m.hovered).map((m) => [m.shape, m.z])).toEqual([["minimum", 0]]);
    const free = markersOf([], { kind: "point", vertex: null, coordinates: [0, 15], loss: 3 }, NO_HOVER, 0.5);
    expect(free).toMatchObject([{ shape: "point", x: 0, y: 15, z: 2.5, selected: true }]);
  });

  it("stand for basins: a minimum for its own, a saddle for the one that ends there, a point for none", () => {
    const t = tree();
    expect(basinOf({ kind: "minimum", vertex: 3, coordinates: null, loss: null }, t)).toBe(7);
    expect(basinOf({ kind: "saddle", vertex: 2, coordinates: null, loss: null }, t)).toBe(7);
    expect(basinOf({ ...NO_HOVER, kind: "vertex", vertex: 5 }, t)).toBe(-1);
    expect(basinOf({ kind: "point", vertex: null, coordinates: [0, 0], loss: 1 }, t)).toBe(-1);
    expect(basinOf({ ...NO_HOVER, kind: "vertex", vertex: 0 }, t)).toBe(0);
    expect(basinOf(NONE, t)).toBe(-1);
  });
});

describe("scene", () => {
  it("uses the whole finite range, and its positive part on a logarithmic scale", () => {
    const g = grid();
    const shown = (base: number, scale: Scale, clip?: number) => verticalRange({ ...g, base }, scale, clip);
    const plain = { clipped: false };
    expect(shown(g.base, "linear")).toEqual({ range: [0, 4], scale: "linear", ...plain });
    expect(shown(g.base, "log")).toEqual({ range: [0, 4], scale: "log", ...plain });
    expect(shown(-1.5, "log")).toEqual({ range: [2, 4], scale: "log", ...plain });
    expect(shown(-10, "log")).toEqual({ range: [0, 4], scale: "linear", ...plain });
    expect(shown(-10, "symlog")).toEqual({ range: [0, 4], scale: "symlog", ...plain });
    expect(verticalRange({ ...g, range: [Infinity, -Infinity] }, "linear").range).toEqual([0, 1]);
  });

  it("is cut off above a loss, unless nothing or everything lies above it", () => {
    const g = { ...grid(), base: 10 };
    for (const scale of ["linear", "log", "symlog"] as const) {
      expect(verticalRange(g, scale, 11.5)).toEqual({ range: [0, 1.5], scale, clipped: true });
      expect(verticalRange(g, scale, 14)).toEqual({ range: [0, 4], scale, clipped: false });
      expect(verticalRange(g, scale, 10)).toEqual({ range: [0, 4], scale, clipped: false });
    }
  });

  it("tells which share of the window lies in a band of losses, by area and without holes", () => {
    const values = Float32Array.of(0, 1, 2, Number.NaN);
    const areas = [1, 2, 1, 5];
    expect(bandShare({ values, base: 10 }, areas, [10.5, 11.5])).toBe(0.5);
    expect(bandShare({ values, base: 10 }, areas, [0, 20])).toBe(1);
    expect(bandShare({ values: Float32Array.of(Number.NaN), base: 0 }, [1], [0, 1])).toBe(0);
  });

  it("describes the picture", () => {
    expect(vertexPoint(grid(), 4)).toEqual({ x: 1, y: 20, z: 4 });
    expect(inWords(grid(), tree())).toBe(
      "Surface of the loss over displacement along v₁ (λ = 12.3) from −1 to 1 and y from 10 to 30, " +
        "2 by 3 points. Lowest 0.5, highest 4.5. 2 minima.",
    );
    expect(inWords({ ...grid(), state: "predicted" }, null)).toContain("not measured");
  });
});
