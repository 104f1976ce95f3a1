import type { LiveGrid, LiveTree } from "./store";
import { ESSENTIAL_VERTEX, type TreeColumns, treeColumns } from "./wire";

/**
 * A piece of the merge tree between two merges: the part of a basin that holds water at its heights.
 * `heights` rise; `volumes[k]` is the volume of the component at `heights[k]`.
 */
export interface Arc {
  /** Row of the branch that it is a part of. */
  row: number;
  heights: number[];
  volumes: number[];
  /** The two arcs that meet at its lower end, the older one first; none in a minimum. */
  below: readonly [Arc, Arc] | null;
}

/** Vertices that are no holes by rising height. */
export function byHeight(values: Float32Array): Uint32Array {
  const finite = new Uint32Array(values.length);
  let n = 0;
  for (let v = 0; v < values.length; v++) if (!Number.isNaN(values[v]!)) finite[n++] = v;
  return finite.subarray(0, n).sort((a, b) => values[a]! - values[b]!);
}

/**
 * Volume of every component of the sublevel sets, as arcs between the merges of the displayed branches. Minima that
 * are not displayed are filled up to their saddles. Heights are loss - base. One root per component of the domain.
 *
 * A vertex enters at its height on the branch found by climbing from its basin until the branch is still alive.
 */
export function profileArcs(
  { tree, branches }: Pick<LiveTree, "tree" | "branches">,
  { values }: Pick<LiveGrid, "values">,
  areas: Float64Array,
  order: Uint32Array = byHeight(values),
  columns: TreeColumns = treeColumns(tree),
): Arc[] {
  const n = columns.birth.length;
  const shown = new Uint8Array(n);
  for (const branch of branches) shown[branch.row] = 1;
  // Deaths by the heights that are drawn, not by the exact losses: rounding keeps their order.
  const deathHeight = (row: number) => values[columns.deathVertex[row]!]!;
  const deaths = Array.from({ length: n }, (_, row) => row)
    .filter((row) => columns.parent[row]! >= 0 && columns.deathVertex[row] !== ESSENTIAL_VERTEX)
    .sort((a, b) => deathHeight(a) - deathHeight(b) || b - a);

  const into = Int32Array.from({ length: n }, (_, row) => row);
  const alive = (row: number): number => {
    let root = row;
    while (into[root] !== root) root = into[root]!;
    for (let at = row; at !== root; ) {
      const up = into[at]!;
      into[at] = root;
      at = up;
    }
    return root;
  };
  const volume = new Float64Array(n);
  const arcs: Arc[] = Array.from({ length: n }, (_, row) => ({ row, heights: [], volumes: [], below: null }));
  const mark = (row: number, height: number) => {
    const { heights, volumes } = arcs[row]!;
    const last = heights.length - 1;
    if (heights[last] === height) volumes[last] = volume[row]!;
    else {
      heights.push(height);
      volumes.push(volume[row]!);
    }
  };
  const die = (row: number) => {
    const height = deathHeight(row);
    const parent = alive(columns.parent[row]!);
    if (shown[row]) {
      mark(row, height);
      mark(parent, height);
      arcs[parent] = { row: parent, heights: [], volumes: [], below: [arcs[parent]!, arcs[row]!] };
    }
    into[row] = parent;
    volume[parent]! += volume[row]!;
    if (shown[parent]) mark(parent, height);
  };

  let next = 0;
  for (const vertex of order) {
    const basin = columns.basins[vertex]!;
    if (basin < 0) continue;
    const height = values[vertex]!;
    while (next < deaths.length && deathHeight(deaths[next]!) <= height) die(deaths[next++]!);
    const row = alive(basin);
    volume[row]! += areas[vertex]!;
    if (shown[row]) mark(row, height);
  }
  while (next < deaths.length) die(deaths[next++]!);
  return branches.filter((b) => b.parent < 0).map((b) => arcs[b.row]!);
}

/** Volume of an arc's component just below its upper end. */
export const arcVolume = (arc: Arc): number => arc.volumes[arc.volumes.length - 1] ?? 0;

/** An arc with its place: at its upper end it covers [left, left + its volume]. */
export interface PlacedArc {
  arc: Arc;
  left: number;
  /** Volumes below which the arc is as wide as what is below it. */
  below: readonly PlacedArc[];
}

/**
 * Places arcs inside each other, each in the middle of what is above it, in the order of `slots` (that of the leaves of
 * the merge tree, so that both pictures have the same order).
 */
export function placeArcs(roots: readonly Arc[], slots: ReadonlyMap<number, number>): PlacedArc[] {
  const slot = (arc: Arc) => slots.get(arc.row) ?? 0;
  const place = (arc: Arc, left: number): PlacedArc => {
    if (arc.below === null) return { arc, left, below: [] };
    const pair = [...arc.below].sort((a, b) => slot(a) - slot(b));
    let at = left + (arcVolume(arc) - arcVolume(pair[0]!) - arcVolume(pair[1]!)) / 2;
    const below = pair.map((part) => {
      const placed = place(part, at);
      at += arcVolume(part);
      return placed;
    });
    return { arc, left, below };
  };
  let at = 0;
  return [...roots]
    .sort((a, b) => slot(a) - slot(b))
    .map((root) => {
      const placed = place(root, at);
      at += arcVolume(root);
      return placed;
    });
}

/** Lowest arc whose interval holds a place along the volume axis, or null beside all. */
export function arcAt(placed: readonly PlacedArc[], at: number): PlacedArc | null {
  for (const one of placed) {
    if (at >= one.left && at <= one.left + arcVolume(one.arc)) return arcAt(one.below, at) ?? one;
  }
  return null;
}
