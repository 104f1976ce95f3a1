import { describe, expect, it } from "vitest";
import { createLod, FRAME_BUDGET, levelIndices, measured, movingDetail } from "./lod";

describe("levels of detail", () => {
  it("starts with everything and keeps it while it is fast", () => {
    const lod = createLod(257, 257);
    expect(movingDetail(lod)).toEqual({ stride: 1, scale: 1 });
    measured(lod, movingDetail(lod), 12);
    expect(movingDetail(lod).stride).toBe(1);
  });

  it("goes to a coarser level after a slow picture and settles at the finest fast one", () => {
    const lod = createLod(513, 513);
    const cost = [400, 150, 60, 20, 8, 4, 3];
    for (let k = 0; k < 12; k++) {
      const detail = movingDetail(lod);
      measured(lod, detail, cost[lod.details.indexOf(detail)]!);
    }
    expect(lod.details.indexOf(movingDetail(lod))).toBe(3);
  });

  it("returns to finer levels when the machine has become fast", () => {
    const lod = createLod(513, 513);
    measured(lod, lod.details[0]!, 50);
    for (let k = 0; k < 60; k++) measured(lod, movingDetail(lod), 3);
    expect(movingDetail(lod)).toBe(lod.details[0]);
    expect(lod.cost[0]).toBeLessThan(FRAME_BUDGET);
  });

  it("has strides that are nested and leave enough of a small grid", () => {
    for (const [n0, n1] of [
      [2, 2],
      [5, 300],
      [129, 129],
      [1001, 801],
    ] as const) {
      const { details } = createLod(n0, n1);
      details.slice(1).forEach((detail, k) => {
        expect(detail.stride % details[k]!.stride).toBe(0);
      });
      if (Math.min(n0, n1) < 49) expect(details.every((d) => d.stride === 1)).toBe(true);
    }
  });

  it.each([
    [5, 5, 1],
    [6, 9, 2],
    [10, 4, 4],
    [2, 2, 1],
  ])("covers a %i x %i grid at stride %i exactly once", (n0, n1, stride) => {
    const indices = levelIndices(n0, n1, stride);
    let area = 0;
    for (let k = 0; k < indices.length; k += 3) {
      const [a, b, c] = [0, 1, 2].map((m) => {
        const v = indices[k + m]!;
        return [Math.floor(v / n1), v % n1] as const;
      }) as [readonly [number, number], readonly [number, number], readonly [number, number]];
      const twice = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
      // Counter-clockwise from above, or the upper side would be culled.
      expect(twice).toBeGreaterThan(0);
      area += twice / 2;
    }
    expect(area).toBe((n0 - 1) * (n1 - 1));
  });
});
