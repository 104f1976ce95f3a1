import { describe, expect, it } from "vitest";
import type { Branch } from "../../model/store";
import { random } from "../../testing/random";
import { layoutTree, neighbour, type Placed } from "./layout";

/** A valid merge tree: a branch dies before its parent and was born above it. */
function randomTree(seed: number): Branch[] {
  const next = random(seed);
  const n = 1 + Math.floor(next() * 40);
  const out: Branch[] = [];
  for (let row = 0; row < n; row++) {
    const parent = row === 0 || next() < 0.04 ? -1 : Math.floor(next() * row);
    const above = out[parent];
    const ceiling = above === undefined || above.death === Number.POSITIVE_INFINITY ? 100 : above.death;
    const floor = above?.birth ?? 0;
    const birth = floor + (ceiling - floor) * next() * 0.9;
    const death = parent < 0 ? Number.POSITIVE_INFINITY : birth + (ceiling - birth) * (0.05 + 0.95 * next());
    const persistence = death - birth;
    out.push({
      row,
      birthVertex: row,
      birth,
      deathVertex: parent < 0 ? -1 : n + row,
      death,
      persistence,
      parent,
      share: 0,
    });
  }
  return out;
}

/** Whether the horizontal line of one branch strictly crosses the vertical line of another. */
function crossings(placed: readonly Placed[]): number {
  let found = 0;
  for (const a of placed) {
    if (a.parentSlot === null) continue;
    const [from, to] = [Math.min(a.slot, a.parentSlot), Math.max(a.slot, a.parentSlot)];
    for (const b of placed) {
      const between = b.slot > from && b.slot < to;
      if (between && b.branch.birth < a.branch.death && b.branch.death > a.branch.death) found++;
    }
  }
  return found;
}

describe("tree layout", () => {
  it("crosses nothing and gives each leaf its own slot, for any merge tree", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const tree = randomTree(seed);
      const placed = layoutTree(tree);
      expect(placed.map((p) => p.slot).sort((a, b) => a - b)).toEqual(tree.map((_, i) => i));
      expect(crossings(placed), `seed ${seed}`).toBe(0);
    }
  });

  it("would notice a crossing", () => {
    const tree = [1, 2, 3, 4].map((_, row) => ({ ...randomTree(1)[0]!, row }));
    const wrong: Placed[] = [
      { branch: { ...tree[0]!, birth: 0, death: 9 }, slot: 0, parentSlot: null, level: 1, children: [] },
      { branch: { ...tree[1]!, birth: 1, death: 8 }, slot: 1, parentSlot: 0, level: 2, children: [] },
      { branch: { ...tree[2]!, birth: 2, death: 4 }, slot: 2, parentSlot: 0, level: 2, children: [] },
    ];
    expect(crossings(wrong)).toBe(1);
  });

  it("leads every key somewhere in the tree or nowhere", () => {
    const placed = layoutTree(randomTree(7));
    const rows = new Set(placed.map((p) => p.branch.row));
    for (const p of placed) {
      for (const key of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"]) {
        const to = neighbour(placed, p.branch.row, key);
        if (to !== null) expect(rows.has(to)).toBe(true);
      }
      expect(neighbour(placed, p.branch.row, "ArrowUp")).toBe(p.parentSlot === null ? null : p.branch.parent);
    }
  });
});
