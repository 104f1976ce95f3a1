import type { TreeData } from "./protocol";
import type { Branch, Evidence, LiveTree } from "./store";
import { ESSENTIAL_VERTEX, type TreeColumns, treeColumns } from "./wire";

/** First row that stays from every row along `next`; a row that leads nowhere always stays. */
function remaining(next: Int32Array, stays: (row: number) => boolean): Int32Array {
  const n = next.length;
  const out = new Int32Array(n).fill(-1);
  for (let row = 0; row < n; row++) {
    let end = row;
    while (out[end] === -1 && next[end]! >= 0 && !stays(end)) end = next[end]!;
    const found = out[end] === -1 ? end : out[end]!;
    for (let at = row; out[at] === -1; at = next[at]!) {
      out[at] = found;
      if (at === end) break;
    }
  }
  return out;
}

/** First surviving row from every row along `next`: up the parents, or across the passes. */
export function survivors(columns: TreeColumns, threshold: number, next = columns.parent): Int32Array {
  return remaining(next, (row) => columns.death[row]! - columns.birth[row]! >= threshold);
}

/**
 * The tree as displayed: branches less persistent than `threshold` go into their parents, while their basins
 * spill over their passes, which keeps the basins that are left connected. The share of a basin is its part of the
 * volume of the finite domain, a vertex standing for the cell around it, as in `MergeTree.basin_volumes`; of the
 * vertices where a tree comes without volumes.
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
  const { volumes } = columns;
  for (let vertex = 0; vertex < basins.length; vertex++) {
    const row = columns.basins[vertex]!;
    const kept = row < 0 ? -1 : spilled[row]!;
    basins[vertex] = kept;
    if (volumes === null && kept >= 0) size[kept]!++;
  }
  volumes?.forEach((volume, row) => {
    size[spilled[row]!]! += volume;
  });
  const whole = size.reduce((sum, part) => sum + part, 0);

  const branches: Branch[] = [];
  let maxPersistence = 0;
  for (let row = 0; row < n; row++) {
    const birth = columns.birth[row]!;
    const essential = columns.parent[row]! < 0 || columns.deathVertex[row] === ESSENTIAL_VERTEX;
    const death = essential ? Number.POSITIVE_INFINITY : columns.death[row]!;
    if (!essential) maxPersistence = Math.max(maxPersistence, death - birth);
    if (survivor[row] !== row) continue;
    const evidence = evidenceOf(columns, row, essential);
    branches.push({
      row,
      birthVertex: columns.birthVertex[row]!,
      birth,
      deathVertex: essential ? -1 : columns.deathVertex[row]!,
      death,
      persistence: death - birth,
      parent: essential ? -1 : survivor[columns.parent[row]!]!,
      share: whole > 0 ? size[row]! / whole : 0,
      ...(evidence && { evidence }),
    });
  }
  const supported = supportedOnly(branches, columns);
  const proposed = tree.proposed ?? null;
  return {
    tree,
    branches,
    total: n,
    maxPersistence,
    basins,
    smad: smad(branches),
    ...(supported && { supported }),
    ...(proposed !== null && { proposal: { value: proposed, reason: tree.reason ?? "" } }),
  };
}

/** The essential class is not in question; without a standard error the residual alone decides. */
function evidenceOf(columns: TreeColumns, row: number, essential: boolean): Evidence | null {
  const { support } = columns;
  if (support === null) return null;
  const stderr = support.stderr?.[row] ?? Number.NaN;
  const residual = support.residual?.[row] ?? Number.NaN;
  const known = Number.isFinite(stderr) || Number.isFinite(residual);
  const margin = known ? (support.factor * stderr || 0) + (residual || 0) : Number.NaN;
  const supported = essential || support.supported[row] === 1;
  // What fails a margin that it exceeds lacks a part of it.
  const unknown = !supported && margin < columns.death[row]! - columns.birth[row]!;
  return {
    supported,
    stderr,
    residual,
    margin: unknown ? Number.NaN : margin,
    frequency: support.frequency?.[row] ?? Number.NaN,
  };
}

/** Number and SMAD of the displayed branches that are supported, the others merged into their parents. */
function supportedOnly(branches: readonly Branch[], columns: TreeColumns): LiveTree["supported"] | null {
  if (columns.support === null) return null;
  const kept = branches.filter((branch) => branch.evidence?.supported);
  const rows = new Set(kept.map((branch) => branch.row));
  const next = remaining(columns.parent, (row) => rows.has(row));
  const tree = kept.map((b) => (b.parent < 0 ? b : { ...b, parent: next[b.parent]! }));
  return { count: kept.length, smad: smad(tree), basis: columns.support.basis };
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
