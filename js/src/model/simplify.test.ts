import { describe, expect, it } from "vitest";
import { tree } from "../testing/samples";
import { simplify, survivors } from "./simplify";
import { treeColumns } from "./wire";

const inf = Number.POSITIVE_INFINITY;
// 0 is the deepest; 1 merges into it at 5, 2 into 1 at 3, 3 into 2 at 2.5.
const chain = tree(
  1,
  [2, 4],
  [
    [0, inf, -1],
    [1, 5, 0],
    [1.5, 3, 1],
    [2, 2.5, 2],
  ],
  [0, 0, 1, 1, 2, 3, 3, -1],
);

describe("simplification", () => {
  it("keeps everything at zero", () => {
    const live = simplify(chain, 0);
    expect(live.branches.map((b) => b.persistence)).toEqual([inf, 4, 1.5, 0.5]);
    expect(live).toMatchObject({ total: 4, maxPersistence: 4 });
    expect([...live.basins]).toEqual([0, 0, 1, 1, 2, 3, 3, -1]);
    // First merges: 5 (of branch 1), 3 (of branch 2), 2.5, 2.5.
    expect(live.smad).toBeCloseTo((5 + 2 + 1 + 0.5) / 4, 12);
  });

  it("merges a branch and its basin into the nearest survivor up the chain", () => {
    const live = simplify(chain, 2);
    expect(live.branches.map((b) => b.row)).toEqual([0, 1]);
    expect([...live.basins]).toEqual([0, 0, 1, 1, 1, 1, 1, -1]);
    expect(live.branches.map((b) => b.share)).toEqual([2 / 7, 5 / 7]);
    expect(live.smad).toBeCloseTo((5 + 4) / 2, 12);
  });

  it("keeps a branch whose persistence equals the threshold", () => {
    expect(simplify(chain, 4).branches).toHaveLength(2);
    expect(simplify(chain, 4.0001).branches).toHaveLength(1);
  });

  it("never merges an essential branch away, and gives one leaf no SMAD", () => {
    const live = simplify(chain, 1e9);
    expect(live.branches.map((b) => b.row)).toEqual([0]);
    expect(live.smad).toBe(0);
    expect(live.branches[0]!.share).toBe(1);
  });

  it("is the same in one step as in two", () => {
    const columns = treeColumns(chain);
    const once = survivors(columns, 2);
    const first = survivors(columns, 1);
    expect([...first].map((row) => once[row])).toEqual([...once]);
  });
});
