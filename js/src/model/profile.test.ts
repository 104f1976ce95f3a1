import { describe, expect, it } from "vitest";
import { random } from "../testing/random";
import { sublevelTree } from "../testing/sublevel-tree";
import { type Arc, arcAt, arcVolume, type PlacedArc, placeArcs, profileArcs } from "./profile";
import { simplify } from "./simplify";
import { treeColumns } from "./wire";

/** Area of the component of {f <= height} that holds a vertex, by flooding. */
function flooded(
  f: ArrayLike<number>,
  areas: Float64Array,
  n1: number,
  from: number,
  height: number,
): number {
  const seen = new Set([from]);
  const stack = [from];
  const n0 = f.length / n1;
  let sum = 0;
  while (stack.length > 0) {
    const v = stack.pop()!;
    sum += areas[v]!;
    const [i, j] = [Math.floor(v / n1), v % n1];
    for (let a = Math.max(0, i - 1); a <= Math.min(n0 - 1, i + 1); a++) {
      for (let b = Math.max(0, j - 1); b <= Math.min(n1 - 1, j + 1); b++) {
        const w = a * n1 + b;
        if (seen.has(w) || !(f[w]! <= height)) continue;
        seen.add(w);
        stack.push(w);
      }
    }
  }
  return sum;
}

function* all(arc: Arc): Generator<Arc> {
  yield arc;
  for (const part of arc.below ?? []) yield* all(part);
}

function sample(seed: number, holes: boolean) {
  const next = random(seed);
  const [n0, n1] = [9, 7];
  const values = Float32Array.from({ length: n0 * n1 }, () => Math.round(next() * 50));
  if (holes) for (let i = 0; i < n0; i++) values[i * n1 + 3] = Number.NaN;
  const areas = Float64Array.from(values, () => 0.5 + next());
  return { values, areas, n0, n1, data: sublevelTree(values, n0, n1) };
}

describe("landscape profile", () => {
  it("has the volumes of the sublevel components, by flooding", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { values, areas, n1, data } = sample(seed, seed % 3 === 0);
      const live = simplify(data, 0);
      const { birthVertex } = treeColumns(data);
      let checked = 0;
      for (const root of profileArcs(live, { values }, areas)) {
        for (const arc of all(root)) {
          arc.heights.forEach((height, k) => {
            // The last volume of an arc is that just below the merge.
            if (k === arc.heights.length - 1 && arc !== root) return;
            const expected = flooded(values, areas, n1, birthVertex[arc.row]!, height);
            expect(arc.volumes[k], `seed ${seed}, row ${arc.row} at ${height}`).toBeCloseTo(expected, 9);
            checked++;
          });
        }
      }
      expect(checked).toBeGreaterThan(20);
    }
  });

  it("fills minima that are not displayed up to their saddles", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { values, areas, n1, data } = sample(seed, false);
      const threshold = 20;
      const live = simplify(data, threshold);
      const columns = treeColumns(data);
      expect(live.branches.length).toBeLessThan(live.total);
      // The simplified function: the pit of each pruned branch is as high as its saddle.
      const filled = Float32Array.from(values);
      for (let row = columns.birth.length - 1; row >= 0; row--) {
        if (columns.parent[row]! < 0 || columns.death[row]! - columns.birth[row]! >= threshold) continue;
        const level = columns.death[row]!;
        const seen = new Set<number>();
        const visit = (v: number) => {
          if (seen.has(v) || values[v]! >= level) return;
          seen.add(v);
          filled[v] = Math.max(filled[v]!, level);
          const [i, j] = [Math.floor(v / n1), v % n1];
          for (let a = i - 1; a <= i + 1; a++)
            for (let b = j - 1; b <= j + 1; b++)
              if (a >= 0 && b >= 0 && a < values.length / n1 && b < n1) visit(a * n1 + b);
        };
        visit(columns.birthVertex[row]!);
      }
      for (const root of profileArcs(live, { values }, areas)) {
        for (const arc of all(root)) {
          arc.heights.forEach((height, k) => {
            if (k === arc.heights.length - 1 && arc !== root) return;
            const expected = flooded(filled, areas, n1, columns.birthVertex[arc.row]!, height);
            expect(arc.volumes[k], `seed ${seed}, row ${arc.row} at ${height}`).toBeCloseTo(expected, 9);
          });
        }
      }
    }
  });

  it("has the whole domain as its width, one arc per leaf and per merge, nested without overlap", () => {
    const { values, areas, data } = sample(3, true);
    const live = simplify(data, 3);
    const roots = profileArcs(live, { values }, areas);
    expect(roots).toHaveLength(2);
    const whole = values.reduce((sum, value, v) => sum + (Number.isNaN(value) ? 0 : areas[v]!), 0);
    expect(roots.reduce((sum, root) => sum + arcVolume(root), 0)).toBeCloseTo(whole, 9);
    const arcs = roots.flatMap((root) => [...all(root)]);
    expect(arcs).toHaveLength(2 * live.branches.length - 2);
    const slots = new Map(live.branches.map((b, k) => [b.row, k]));
    const check = (placed: readonly PlacedArc[], from: number, to: number) => {
      let at = from;
      for (const one of placed) {
        expect(one.left).toBeGreaterThanOrEqual(at - 1e-9);
        at = one.left + arcVolume(one.arc);
        check(one.below, one.left, at);
      }
      expect(at).toBeLessThanOrEqual(to + 1e-9);
    };
    check(placeArcs(roots, slots), 0, whole);
  });

  it("finds what is at a place", () => {
    const { values, areas, data } = sample(1, false);
    const live = simplify(data, 10);
    const placed = placeArcs(profileArcs(live, { values }, areas), new Map());
    expect(arcAt(placed, -1)).toBeNull();
    const found = new Set<number>();
    const whole = arcVolume(placed[0]!.arc);
    for (let k = 0; k <= 2000; k++) found.add(arcAt(placed, (whole * k) / 2000)!.arc.row);
    expect(found.size).toBe(live.branches.length);
  });

  it("is quick enough for every move of the slider on a fine grid", () => {
    const n = 129;
    const next = random(5);
    const values = Float32Array.from({ length: n * n }, () => next());
    const live = simplify(sublevelTree(values, n, n), 0.2);
    const areas = new Float64Array(n * n).fill(1);
    const started = performance.now();
    profileArcs(live, { values }, areas);
    expect(performance.now() - started).toBeLessThan(400);
  });
});
