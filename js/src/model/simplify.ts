import type { TreeData } from "./protocol";
import type { Branch, LiveTree } from "./store";
import { ESSENTIAL_VERTEX, type TreeColumns, treeColumns } from "./wire";

/** First surviving row from every row along `next`: up the parents, or across the passes. */
export function survivors(columns: TreeColumns, threshold: number, next = columns.parent): Int32Array {
  const n = columns.birth.length;
  const out = new Int32Array(n).fill(-1);
  for (let row = 0; row < n; row++) {
    const path: number[] = [];
    let at = row;
    while (out[at] === -1) {
      path.push(at);
      const further = next[at]!;
      if (further < 0 || columns.death[at]! - columns.birth[at]! >= threshold) {
        out[at] = at;
        break;
      }
      at = further;
    }
    for (const passed of path) out[passed] = out[at]!;
  }
  return out;
}

/**
 * The tree as displayed: branches less persistent than `threshold` go into their parents, while their basins
 * spill over their passes, which keeps the basins that are left connected.
 * SMAD is the mean over the leaves left of (height of the first merge - depth of the minimum).
 */
export function simplify(
  tree: TreeData,
  threshold: number,
  columns: TreeColumns = treeColumns(tree),
): LiveTree {
  const n = columns.birth.length;
  const survivor = survivors(columns, threshold);
  const spilled = survivors(columns, threshold, columns.beside);
  const size = new Float64Array(n);
  const basins = new Int32Array(columns.basins.length);
  let finite = 0;
  columns.basins.forEach((row, vertex) => {
    const kept = row < 0 ? -1 : spilled[row]!;
    basins[vertex] = kept;
    if (kept < 0) return;
    finite++;
    size[kept]! += 1;
  });

  const branches: Branch[] = [];
  let maxPersistence = 0;
  for (let row = 0; row < n; row++) {
    const birth = columns.birth[row]!;
    const essential = columns.parent[row]! < 0 || columns.deathVertex[row] === ESSENTIAL_VERTEX;
    const death = essential ? Number.POSITIVE_INFINITY : columns.death[row]!;
    if (!essential) maxPersistence = Math.max(maxPersistence, death - birth);
    if (survivor[row] !== row) continue;
    branches.push({
      row,
      birthVertex: columns.birthVertex[row]!,
      birth,
      deathVertex: essential ? -1 : columns.deathVertex[row]!,
      death,
      persistence: death - birth,
      parent: essential ? -1 : survivor[columns.parent[row]!]!,
      share: finite > 0 ? size[row]! / finite : 0,
    });
  }
  return { tree, branches, total: n, maxPersistence, basins, smad: smad(branches) };
}

/** A leaf's first merge is its own death or, if sooner, the death of a branch that merges into it. */
function smad(branches: readonly Branch[]): number {
  if (branches.length < 2) return 0;
  const first = new Map(branches.map((b) => [b.row, b.death]));
  for (const b of branches) {
    if (b.parent >= 0) first.set(b.parent, Math.min(first.get(b.parent)!, b.death));
  }
  let sum = 0;
  let count = 0;
  for (const b of branches) {
    const merge = first.get(b.row)!;
    if (!Number.isFinite(merge)) continue;
    sum += merge - b.birth;
    count++;
  }
  return count > 0 ? sum / count : 0;
}
