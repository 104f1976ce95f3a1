import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { view } from "../testing/samples";
import { layoutTree } from "../views/merge-tree/layout";
import { arcsByRow } from "../views/topology/profile-path";
import { placeArcs, profileArcs } from "./profile";
import type { TreeData } from "./protocol";
import { simplify } from "./simplify";
import { cellVolumes } from "./volumes";

interface Case {
  name: string;
  shape: [number, number];
  axes: [number[], number[]];
  values: (number | null)[];
  pairs: {
    birth_vertex: number[];
    death_vertex: number[];
    birth: number[];
    death: (number | null)[];
    parent: number[];
  };
  beside: number[];
  basins: number[];
  order: number[];
  simplified: {
    threshold: number;
    rows: number[];
    basins: number[];
    smad: number;
    volumes: number[];
    /** Row, height, volume of the component of the sublevel set. */
    halves: [number, number, number][];
    smad_every_other: number;
  }[];
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

  it.each(sample.simplified)(
    "at threshold $threshold has Python's volumes and supported numbers",
    (expected) => {
      const [x0, x1] = sample.axes.map((axis) => Float64Array.from(axis)) as [Float64Array, Float64Array];
      const areas = cellVolumes([x0, x1]);
      const sizes = new Float64Array(sample.pairs.birth.length);
      sample.basins.forEach((row, vertex) => {
        if (row >= 0) sizes[row]! += areas[vertex]!;
      });
      const data = { ...wire(sample, "uint16"), volumes: view(sizes) };
      const values = Float32Array.from(sample.values, (value) => value ?? Number.NaN);
      const chosen = new Set(expected.rows.filter((_, k) => k % 2 === 0));
      const supported = view(Uint8Array.from(sample.pairs.birth, (_, row) => (chosen.has(row) ? 1 : 0)));
      const live = simplify({ ...data, supported }, expected.threshold);
      const whole = expected.volumes.reduce((sum, volume) => sum + volume);
      live.branches.forEach((branch, k) => {
        expect(branch.share * whole).toBeCloseTo(expected.volumes[k]!, 9);
      });
      expect(live.supported!.smad).toBeCloseTo(expected.smad_every_other, 9);

      const pieces = arcsByRow(placeArcs(profileArcs(live, { values }, areas), new Map()));
      for (const [row, height, volume] of expected.halves) {
        let found = 0;
        for (const { arc } of [...pieces.get(row)!].reverse()) {
          arc.heights.forEach((h, k) => {
            if (h <= height) found = arc.volumes[k]!;
          });
        }
        expect(found, `row ${row} at ${height}`).toBeCloseTo(volume, 9);
      }
    },
  );

  it("stands in Python's planar order", () => {
    const placed = layoutTree(simplify(wire(sample, "uint16"), 0).branches);
    const rows = placed.sort((a, b) => a.slot - b.slot).map((p) => p.branch.row);
    expect(rows).toEqual(sample.order);
  });
});
