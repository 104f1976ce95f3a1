import type { Branch } from "../../model/store";

/** A branch with its place: `slot` counts leaves from the left. */
export interface Placed {
  branch: Branch;
  slot: number;
  parentSlot: number | null;
  /** 1 for a root. */
  level: number;
  /** Rows of the branches that merge into this one, from the lowest merge up. */
  children: number[];
}

/**
 * Orders the leaves so that nothing crosses. A branch is a vertical line from its minimum to its saddle and a
 * horizontal one to its parent. Children lie beside their parent, those that merge lower nearer to it: the
 * horizontal line of a later one then passes above everything that an earlier one's subtree reaches.
 */
export function layoutTree(branches: readonly Branch[]): Placed[] {
  const children = new Map<number, Branch[]>();
  const roots: Branch[] = [];
  const rows = new Set(branches.map((b) => b.row));
  for (const branch of branches) {
    if (branch.parent < 0 || !rows.has(branch.parent)) roots.push(branch);
    else children.set(branch.parent, [...(children.get(branch.parent) ?? []), branch]);
  }
  for (const list of children.values())
    list.sort((a, b) => a.death - b.death || a.birthVertex - b.birthVertex);

  const order = (branch: Branch): Branch[] => {
    let left: Branch[] = [];
    let right: Branch[] = [];
    for (const child of children.get(branch.row) ?? []) {
      const subtree = order(child);
      if (right.length <= left.length) right = [...right, ...subtree];
      else left = [...subtree, ...left];
    }
    return [...left, branch, ...right];
  };

  const slots = new Map(roots.flatMap(order).map((branch, i) => [branch.row, i]));
  const parents = new Map(branches.map((b) => [b.row, b.parent]));
  const level = (row: number): number => {
    let depth = 1;
    for (let at = parents.get(row) ?? -1; at >= 0 && rows.has(at); at = parents.get(at) ?? -1) depth++;
    return depth;
  };
  return branches.map((branch) => ({
    branch,
    slot: slots.get(branch.row)!,
    parentSlot: slots.get(branch.parent) ?? null,
    level: level(branch.row),
    children: (children.get(branch.row) ?? []).map((c) => c.row),
  }));
}

/** Where an arrow key leads: up to the parent, down to the first child, sideways to the neighbouring leaf. */
export function neighbour(placed: readonly Placed[], row: number, key: string): number | null {
  const here = placed.find((p) => p.branch.row === row);
  if (here === undefined) return null;
  const bySlot = (slot: number) => placed.find((p) => p.slot === slot)?.branch.row ?? null;
  switch (key) {
    case "ArrowUp":
      return here.parentSlot === null ? null : bySlot(here.parentSlot);
    case "ArrowDown":
      return here.children[here.children.length - 1] ?? null;
    case "ArrowLeft":
      return bySlot(here.slot - 1);
    case "ArrowRight":
      return bySlot(here.slot + 1);
    case "Home":
      return bySlot(0);
    case "End":
      return bySlot(placed.length - 1);
    default:
      return null;
  }
}
