import { describe, expect, it } from "vitest";
import { tree, view } from "../testing/samples";
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

describe("shares", () => {
  it("are shares of the volume where volumes are known, also of basins that have spilled", () => {
    const measured = { ...chain, volumes: view(Float64Array.of(2, 4, 4, 6)) };
    expect(simplify(measured, 0).branches.map((b) => b.share * 16)).toEqual([2, 4, 4, 6]);
    expect(simplify(measured, 2).branches.map((b) => b.share * 16)).toEqual([2, 14]);
  });
});

describe("support", () => {
  const known = {
    ...chain,
    supported: view(Uint8Array.of(0, 1, 0, 1)),
    stderr: view(Float64Array.of(Number.NaN, 0.5, 0.25, 0.1)),
    residual: view(Float64Array.of(Number.NaN, 0.125, 1, 0)),
    frequency: view(Float64Array.of(1, 0.95, 0.5, 0.75)),
    factor: 2,
    basis: "4 batches",
    proposed: 0.75,
    reason: "a gap",
  };

  it("is told per branch; the essential one is never in question", () => {
    const { branches } = simplify(known, 0);
    expect(branches.map((b) => b.evidence!.supported)).toEqual([true, true, false, true]);
    expect(branches[1]!.evidence).toMatchObject({ stderr: 0.5, margin: 1.125, frequency: 0.95 });
    expect(branches[2]!.evidence!.margin).toBe(1.5);
    expect(branches[3]!.evidence!.margin).toBe(0.2);
  });

  it("leaves unsupported branches out of the supported numbers, whatever merges into them", () => {
    const live = simplify(known, 0);
    // Branch 3 now merges at 2.5 into 1, born at 1: first merges 5 - 0, 2.5 - 1, 2.5 - 2.
    expect(live.supported).toEqual({ count: 3, smad: (5 + 1.5 + 0.5) / 3, basis: "4 batches" });
    expect(live.smad).toBeCloseTo((5 + 2 + 1 + 0.5) / 4, 12);
    expect(simplify(known, 1).supported).toMatchObject({ count: 2, smad: 4.5 });
  });

  it("comes with a proposed threshold, and older trees have neither", () => {
    expect(simplify(known, 0).proposal).toEqual({ value: 0.75, reason: "a gap" });
    const old = simplify(chain, 0);
    expect([old.supported, old.proposal, old.branches[1]!.evidence]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(simplify({ ...known, proposed: null }, 0).proposal).toBeUndefined();
  });

  it("knows the margin from the residual alone, but none where a part of it is missing", () => {
    const nan = Number.NaN;
    const alone = { ...known, stderr: view(Float64Array.of(nan, nan, nan, nan)) };
    const margins = (data: typeof known) => simplify(data, 0).branches.map((b) => b.evidence!.margin);
    // Branch 2 has persistence 1.5: what exceeds its margin of 1 and still is not supported has an unknown one.
    expect(margins(alone)).toEqual([nan, 0.125, nan, 0]);
    expect(margins({ ...alone, residual: alone.stderr })).toEqual([nan, nan, nan, nan]);
  });
});
