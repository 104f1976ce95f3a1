import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { linspace } from "../../model/preview";
import type { LiveGrid } from "../../model/store";
import { overSurface } from "./lines";
import { fileName } from "./picture-menu";
import { summary } from "./probe-plot";
import { type Ends, firstEnds, profileAlong, within } from "./profile";

function grid(n0: number, n1: number, f: (x: number, y: number) => number, base = 0): LiveGrid {
  const [x0, x1] = [linspace(-2, 2, n0), linspace(-1, 3, n1)];
  const values = new Float32Array(n0 * n1);
  for (let i = 0; i < n0; i++) for (let j = 0; j < n1; j++) values[i * n1 + j] = f(x0[i]!, x1[j]!) - base;
  return { n0, n1, x0, x1, values, base, origin: null } as unknown as LiveGrid;
}

describe("probe line", () => {
  it("is that of scipy's RegularGridInterpolator", () => {
    interface Case {
      x0: number[];
      x1: number[];
      values: number[];
      ends: [[number, number], [number, number]];
      losses: (number | null)[];
    }
    const cases = JSON.parse(readFileSync(resolve("../tests/data/protocol/probe.json"), "utf8")) as Case[];
    expect(cases.length).toBeGreaterThan(2);
    for (const { x0, x1, values, ends, losses } of cases) {
      const field = {
        n0: x0.length,
        n1: x1.length,
        x0: Float64Array.from(x0),
        x1: Float64Array.from(x1),
        values: Float32Array.from(values),
        base: 0,
      } as unknown as LiveGrid;
      const found = profileAlong(field, ends, losses.length).losses;
      losses.forEach((loss, k) => {
        if (loss === null) expect(found[k]).toBeNaN();
        else expect(found[k]).toBeCloseTo(loss, 5);
      });
    }
  });

  it("tells the barrier between two wells, from the lower side of it", () => {
    const wells = grid(65, 9, (x) => (x * x - 1) ** 2 + 0.1 * x, -7);
    const found = profileAlong(wells, [
      [-1, 1],
      [1, 1],
    ]);
    expect(found.s[200]).toBe(2);
    expect(found.x[found.top]).toBeCloseTo(0, 1);
    expect(Math.min(...found.rise)).toBeCloseTo(0.9, 2);
    expect(
      summary(found, [
        [-1, 1],
        [1, 1],
      ]),
    ).toContain("barrier 0.9");
    const down = profileAlong(wells, [
      [-2, 1],
      [-1.2, 1],
    ]);
    expect(
      summary(down, [
        [-2, 1],
        [-1.2, 1],
      ]),
    ).toContain("no barrier");
    const outside = profileAlong(wells, [
      [5, 5],
      [6, 6],
    ]);
    expect(outside.top).toBe(-1);
    expect(
      summary(outside, [
        [5, 5],
        [6, 6],
      ]),
    ).toContain("no finite loss");
  });

  it("is read off within the window, however far its ends are", () => {
    const wells = grid(65, 9, (x) => (x * x - 1) ** 2 + 0.1 * x, -7);
    const far = within(wells, [
      [-1e9, 1],
      [1e9, 1],
    ])!;
    expect(far).toEqual([
      [-2, 1],
      [2, 1],
    ]);
    const found = profileAlong(wells, far);
    expect([...found.losses].some(Number.isNaN)).toBe(false);
    const slanted = within(wells, [
      [0, 0],
      [6, 12],
    ])!;
    expect(slanted[1][0]).toBeCloseTo(1.5);
    expect(slanted[1][1]).toBe(3);
    const inside: Ends = [
      [-1, 0],
      [1, 1],
    ];
    expect(within(wells, inside)).toBe(inside);
    for (const x of [5, -5])
      expect(
        within(wells, [
          [x, 0],
          [x, 1],
        ]),
      ).toBeNull();
  });

  it("has a barrier although an end lies in a hole", () => {
    const holed = grid(65, 9, (x) => (x < -1.1 ? Number.NaN : (x * x - 1) ** 2));
    const ends: Ends = [
      [-2, 1],
      [1, 1],
    ];
    expect(summary(profileAlong(holed, ends), ends)).toContain("barrier");
    expect(summary(profileAlong(holed, ends), ends)).not.toContain("no barrier");
  });

  it("starts between the deepest minima, or across the window", () => {
    const field = grid(5, 5, () => 0);
    const branches = [{ birthVertex: 6 }, { birthVertex: 18 }];
    expect(firstEnds(field, { branches } as never, null)).toEqual([
      [-1, 0],
      [1, 2],
    ]);
    expect(firstEnds(field, { branches } as never, [0.5, 0.5])).toEqual([
      [-1, 0],
      [0.5, 0.5],
    ]);
    expect(firstEnds(field, null, null)).toEqual([
      [-2, 1],
      [2, 1],
    ]);
  });
});

describe("paths", () => {
  it("follow the surface between their points, and have a gap where there is none", () => {
    const bowl = grid(33, 33, (x, y) => x * x + y);
    const way = overSurface(bowl, [-1, 0, 1, 2]);
    expect(way.length / 3).toBeGreaterThan(16);
    for (let k = 0; k < way.length; k += 3) expect(way[k + 2]).toBeCloseTo(way[k]! ** 2 + way[k + 1]!, 1);
    const out = overSurface(bowl, [0, 0, 9, 0]);
    expect(Number.isNaN(out.at(-1)!)).toBe(true);
  });
});

it("makes file names of titles", () => {
  expect(fileName("Tanh network: <b>λ</b>/2")).toBe("Tanh_network_b_b_2");
  expect(fileName("...")).toBe("landscape");
});
