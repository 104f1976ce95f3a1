import type { Selection } from "./protocol";
import type { Branch, Hover, LiveGrid, LiveTree } from "./store";

export const NO_SELECTION: Selection = { kind: "none", vertex: null, coordinates: null, loss: null };

/** A hover that ends where it began. */
export const nothing = (from: Hover["from"]): Hover => ({ ...NO_SELECTION, kind: "none", from });

export function coordinatesOf(grid: LiveGrid, vertex: number): [number, number] {
  return [grid.x0[Math.floor(vertex / grid.n1)]!, grid.x1[vertex % grid.n1]!];
}

/** A branch's minimum or saddle. A tree without a grid (of another dimension) has no coordinates. */
export function featureOf(grid: LiveGrid | null, branch: Branch, kind: "minimum" | "saddle") {
  const saddle = kind === "saddle" && branch.deathVertex >= 0;
  const vertex = saddle ? branch.deathVertex : branch.birthVertex;
  return {
    kind: saddle ? ("saddle" as const) : ("minimum" as const),
    vertex,
    coordinates: grid === null ? null : coordinatesOf(grid, vertex),
    loss: saddle ? branch.death : branch.birth,
  } satisfies Selection;
}

/** Branch whose minimum or saddle is selected, or in whose basin the selected point lies. */
export function selectedBranch(selection: Selection, tree: LiveTree | null): Branch | null {
  if (tree === null || selection.vertex === null) return null;
  const { kind, vertex } = selection;
  if (kind === "minimum") return tree.branches.find((b) => b.birthVertex === vertex) ?? null;
  if (kind === "saddle") return tree.branches.find((b) => b.deathVertex === vertex) ?? null;
  const row = tree.basins[vertex] ?? -1;
  return tree.branches.find((b) => b.row === row) ?? null;
}

/** Row of the basin that a selection or a hover stands for, or -1. */
export function basinOf(at: Selection | Hover, tree: LiveTree | null): number {
  if (!tree || at.vertex === null || at.kind === "none" || at.kind === "model" || at.kind === "point")
    return -1;
  if (at.kind === "saddle") return tree.branches.find((b) => b.deathVertex === at.vertex)?.row ?? -1;
  return tree.basins[at.vertex] ?? -1;
}

/** The same feature on another grid: the nearest one of its kind within two cells, else just the point. */
export function relocate(selection: Selection, tree: LiveTree | null, grid: LiveGrid | null): Selection {
  const { kind, coordinates } = selection;
  if (tree === null || grid === null || coordinates === null) return selection;
  if (kind !== "minimum" && kind !== "saddle") return selection;
  const cell = [grid.x0[1]! - grid.x0[0]!, grid.x1[1]! - grid.x1[0]!] as const;
  let best: Branch | null = null;
  let nearest = 2;
  for (const branch of tree.branches) {
    const vertex = kind === "minimum" ? branch.birthVertex : branch.deathVertex;
    if (vertex < 0) continue;
    const at = coordinatesOf(grid, vertex);
    const distance = Math.max(
      Math.abs(at[0] - coordinates[0]) / cell[0],
      Math.abs(at[1] - coordinates[1]) / cell[1],
    );
    if (distance <= nearest) [best, nearest] = [branch, distance];
  }
  if (best === null) return { ...selection, kind: "point", vertex: null };
  return featureOf(grid, best, kind);
}
