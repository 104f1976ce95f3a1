import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { source, spec } from "../testing/samples";
import type { OriginData, Recipe, SourceData, Spec } from "./protocol";
import { exploreCode, loadCode } from "./python-point";

interface Case {
  name: string;
  source: Pick<SourceData, "kind" | "variable" | "origins">;
  surface: { spec: Spec; recipe: Recipe };
  coordinates: [number, number];
  code: string;
}

/** pytest writes what the kernel sends and runs the code; the code is written here. */
const PATH = resolve("../tests/data/protocol/points.json");
const { cases } = JSON.parse(readFileSync(PATH, "utf8")) as { cases: Case[] };

if (process.env.NBL_WRITE_FIXTURES === "1") {
  for (const one of cases)
    one.code = loadCode({ ...source(), ...one.source }, one.surface, one.coordinates) ?? "";
  writeFileSync(PATH, `${JSON.stringify({ cases }, null, 1)}\n`);
}

describe.each(cases)("code that loads $name", (sample) => {
  it("is what pytest has run", () => {
    const from = { ...source(), ...sample.source };
    expect(loadCode(from, sample.surface, sample.coordinates)).toBe(sample.code);
  });
});

const step = { largest: 4, smallest: 4, tol: 1e-3, seed: 0 };
const recipe: Recipe = { start: "none", steps: [step] };
const origin = (number: number, parent: number): OriginData => ({
  number,
  kind: "saddle",
  at: [0.5, -0.25],
  spec: spec(parent === 0 ? {} : { origin: parent }),
  loss: 1,
  distance: 2,
  recipe: parent === 0 ? recipe : { start: "parent", steps: [step] },
  kept: true,
});

describe("where there is nothing to load", () => {
  it("offers no code", () => {
    expect(loadCode(source(), null, [0, 0])).toBeNull();
    expect(loadCode(source(), { spec: spec() }, [0, 0])).toBeNull();
    expect(loadCode(source(), { spec: spec(), recipe }, null)).toBeNull();
    // An origin of which nothing is told.
    expect(loadCode(source(), { spec: spec({ origin: 2 }), recipe }, [0, 0])).toBeNull();
  });
});

describe("what cannot be computed again to the last bit", () => {
  it("is said", () => {
    const given = loadCode(source(), { spec: spec(), recipe: { start: "given", steps: [step] } }, [1, 2])!;
    expect(given).toContain("# spectrum: the eigenpairs that were given to nbl.explore(");
    expect(given).toContain("tol=0.001, seed=0, start=spectrum)");
    const earlier = loadCode(source(), { spec: spec(), recipe: { start: "earlier", steps: [step] } }, [1, 2]);
    expect(earlier).toContain("agree within tol");
  });
});

describe("copy as Python at an origin", () => {
  it("makes the objective there first", () => {
    const from = source({ origins: [origin(1, 0), origin(2, 1)] });
    expect(exploreCode(from, spec())).toMatch(/^nbl\.explore\(objective, /);
    const lines = exploreCode(from, spec({ origin: 2 }), { start: "parent", steps: [step] }).split("\n");
    expect(lines).toContain(
      "objective_2 = objective_1.at(objective_1.parameters_at(plane_1, (0.5, -0.25), exact=True))",
    );
    expect(lines[lines.length - 1]).toMatch(/^nbl\.explore\(objective_2, .*, spectrum=spectrum_2\)$/);
    expect(lines.join("\n")).not.toContain("plane_2");
    const saved = source({
      kind: "landscape",
      can_choose_axes: false,
      can_resample: false,
      variable: "landscape",
    });
    expect(exploreCode({ ...saved, origins: from.origins! }, spec({ origin: 2 }))).toBe(
      "nbl.explore(landscape)",
    );
  });
});
