import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { view } from "../testing/samples";
import type { TreeData } from "./protocol";
import { simplify } from "./simplify";

interface Case {
  name: string;
  shape: [number, number];
  pairs: {
    birth_vertex: number[];
    death_vertex: number[];
    birth: number[];
    death: (number | null)[];
    parent: number[];
  };
  beside: number[];
  basins: number[];
  simplified: { threshold: number; rows: number[]; basins: number[]; smad: number }[];
}

/** Trees with Python's own simplification, written and read by both halves' tests. */
const { cases } = JSON.parse(readFileSync(resolve("../tests/data/protocol/tree.json"), "utf8")) as {
  cases: Case[];
};

function wire(sample: Case, type: "uint16" | "uint32"): TreeData {
  const { pairs } = sample;
  const Labels = type === "uint16" ? Uint16Array : Uint32Array;
  return {
    id: 1,
    shape: sample.shape,
    birth_vertex: view(Uint32Array.from(pairs.birth_vertex)),
    death_vertex: view(Uint32Array.from(pairs.death_vertex)),
    birth: view(Float64Array.from(pairs.birth)),
    death: view(Float64Array.from(pairs.death, (d) => d ?? Number.POSITIVE_INFINITY)),
    parent: view(Int32Array.from(pairs.parent)),
    beside: view(Int32Array.from(sample.beside)),
    // -1 (hole) becomes all bits set in both types.
    basins: view(Labels.from(sample.basins)),
    basins_type: type,
  };
}

describe.each(cases)("tree of $name", (sample) => {
  it.each(sample.simplified)("at threshold $threshold is what Python says", (expected) => {
    for (const type of ["uint16", "uint32"] as const) {
      const live = simplify(wire(sample, type), expected.threshold);
      expect(live.branches.map((b) => b.row)).toEqual(expected.rows);
      expect([...live.basins]).toEqual(expected.basins);
      expect(live.smad).toBeCloseTo(expected.smad, 9);
    }
  });
});
