import { describe, expect, it } from "vitest";
import type { Branch } from "../../model/store";
import { barRows, STRIP, stripRuns } from "./bar-layout";
import { type Frame, nearestDot, persistenceLine, placeDots } from "./diagram-layout";
import { stepInList } from "./links";
import { lossScale } from "./loss-scale";

const inf = Number.POSITIVE_INFINITY;
const branch = (row: number, birth: number, death: number): Branch => ({
  row,
  birthVertex: row,
  birth,
  deathVertex: death === inf ? -1 : 100 + row,
  death,
  persistence: death - birth,
  parent: death === inf ? -1 : 0,
  share: 0.1,
});
const branches = [branch(0, 1, inf), branch(1, 2, 9), branch(2, 4, 5)];
const frame: Frame = { left: 10, right: 110, top: 20, bottom: 220 };

describe("loss scale", () => {
  it("holds all births and deaths, linear and logarithmic, and inverts itself", () => {
    for (const kind of ["linear", "log"] as const) {
      const scale = lossScale(branches, null, kind);
      expect(scale.log).toBe(kind === "log");
      expect(scale.at(1)).toBe(0);
      expect(scale.at(9)).toBeLessThan(1);
      expect(scale.at(9)).toBeGreaterThan(0.8);
      for (const at of [0, 0.3, 1]) expect(scale.at(scale.value(at))).toBeCloseTo(at, 12);
    }
  });

  it("spreads losses that hardly differ over the whole picture", () => {
    for (const kind of ["linear", "log", "symlog"] as const)
      expect(
        lossScale([branch(0, 2.3, inf), branch(1, 2.3005, 2.301)], null, kind).at(2.301),
      ).toBeGreaterThan(0.8);
  });

  it("is linear where there is a loss that has no logarithm", () => {
    expect(lossScale([branch(0, 0, inf), branch(1, 1, 2)], null, "log").log).toBe(false);
  });
});

describe("persistence diagram", () => {
  it("puts births to the right, deaths up, and what never dies on its own line", () => {
    const scale = lossScale(branches, null, "linear");
    const [essential, deep, shallow] = placeDots(branches, scale, frame, 8);
    expect(essential).toMatchObject({ x: 10, y: 8 });
    expect(deep!.x).toBeLessThan(shallow!.x);
    expect(deep!.y).toBeLessThan(shallow!.y);
    // The height above the diagonal is the persistence, in the units of the scale.
    for (const dot of [deep!, shallow!]) {
      const [a, b] = [(dot.x - 10) / 100, (220 - dot.y) / 200];
      expect(scale.value(b) - scale.value(a)).toBeCloseTo(dot.branch.persistence, 9);
    }
  });

  it("finds the nearest pair within reach, the most persistent of equals", () => {
    const dots = [
      { branch: branches[0]!, x: 0, y: 0 },
      { branch: branches[1]!, x: 10, y: 0 },
      { branch: branches[2]!, x: 10, y: 0 },
    ];
    expect(nearestDot(dots, 7, 1, 5)?.branch.row).toBe(1);
    expect(nearestDot(dots, 2, 1, 5)?.branch.row).toBe(0);
    expect(nearestDot(dots, 40, 0, 5)).toBeNull();
  });

  it("draws equal persistence as a parallel of the diagonal that ends at the top", () => {
    const numbers = (path: string) =>
      path
        .slice(1)
        .split("L")
        .map((p) => p.split(",").map(Number));
    const scale = lossScale(branches, null, "linear");
    expect(numbers(persistenceLine(scale, frame, 0))).toEqual([
      [10, 220],
      [110, 20],
    ]);
    const [start, end] = numbers(persistenceLine(scale, frame, 2)) as [number[], number[]];
    expect(end[1]).toBe(20);
    expect((220 - start[1]!) / 200).toBeCloseTo(scale.at(3), 2);
    expect((110 - end[0]!) / 100).toBeCloseTo(scale.at(3), 2);
    expect(persistenceLine(scale, frame, 1e6)).toBe("");
    const bent = numbers(persistenceLine(lossScale(branches, null, "log"), frame, 2));
    expect(bent.length).toBeGreaterThan(20);
    for (const [x, y] of bent) {
      expect(x).toBeGreaterThanOrEqual(10);
      expect(y).toBeGreaterThanOrEqual(20);
    }
  });
});

describe("barcode", () => {
  it("gives few bars room and keeps within the height", () => {
    expect(barRows(3, 200)).toEqual({ count: 3, pitch: 22 });
    for (const n of [1, 5, 30, 31, 200, 5000]) {
      const { count, pitch } = barRows(n, 180);
      const rest = count < n ? STRIP : 0;
      expect(count * pitch + rest).toBeLessThanOrEqual(180 + 1e-9);
      expect(pitch).toBeGreaterThanOrEqual(5 - 1e-9);
      expect(count).toBeGreaterThanOrEqual(Math.min(n, 20));
    }
    expect(barRows(5, 0).count).toBeGreaterThan(0);
  });

  it("stands for every collapsed branch once", () => {
    const hidden = Array.from({ length: 1003 }, (_, i) => branch(i, 1 + (i % 7), 9 - i / 1003));
    const scale = lossScale(hidden, null, "linear");
    const runs = stripRuns(hidden, 16, scale);
    expect(runs).toHaveLength(16);
    expect(runs.reduce((sum, run) => sum + run.count, 0)).toBe(1003);
    expect(runs[0]).toMatchObject({ first: hidden[0], from: 0 });
    expect(runs[0]!.to).toBeCloseTo(scale.at(9), 12);
    expect(stripRuns(hidden.slice(0, 4), 16, scale)).toHaveLength(4);
    expect(stripRuns([], 16, scale)).toEqual([]);
  });
});

it("walks a list with the arrow keys, and no further than its ends", () => {
  const rows = [4, 7, 2];
  expect(stepInList(rows, 7, "ArrowDown")).toBe(2);
  expect(stepInList(rows, 7, "ArrowLeft")).toBe(4);
  expect(stepInList(rows, 2, "ArrowRight")).toBeNull();
  expect(stepInList(rows, 2, "Home")).toBe(4);
  expect(stepInList(rows, 4, "End")).toBe(2);
  expect(stepInList(rows, 5, "End")).toBeNull();
});
