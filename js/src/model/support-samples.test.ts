import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { unpacked } from "../testing/samples";
import type { TreeData } from "./protocol";
import { simplify } from "./simplify";

interface Stored {
  wire: Record<string, unknown>;
  supported: boolean[];
  stderr: (number | null)[];
  residual: (number | null)[];
  frequency: number[];
}

/** A tree with its support as `nblandscape/widgets/_wire.py` sends it. */
const stored = JSON.parse(readFileSync(resolve("../tests/data/protocol/support.json"), "utf8")) as Stored;

const decoded = () => unpacked<TreeData>(stored.wire);

it("reads the support that the kernel sends, row by row", () => {
  const { branches, supported, proposal } = simplify(decoded(), 0);
  const evidence = branches.map((branch) => branch.evidence!);
  expect(evidence.map((e) => e.supported)).toEqual(stored.supported);
  const number = (value: number) => (Number.isFinite(value) ? value : null);
  expect(evidence.map((e) => number(e.stderr))).toEqual(stored.stderr);
  expect(evidence.map((e) => number(e.residual))).toEqual(stored.residual);
  expect(evidence.map((e) => e.frequency)).toEqual(stored.frequency);
  for (const [k, branch] of branches.entries()) {
    if (!Number.isFinite(branch.persistence)) continue;
    expect(branch.persistence > evidence[k]!.margin).toBe(stored.supported[k]);
  }
  expect(supported).toMatchObject({ count: 2 });
  expect(supported!.basis).toContain("24 batches");
  expect(proposal!.reason.length).toBeGreaterThan(10);
  // Just above the unsupported pair, which is more persistent than one that is supported.
  expect(simplify(decoded(), proposal!.value).branches.map((b) => b.row)).toEqual([0]);
});
