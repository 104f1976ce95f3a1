import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { unpacked } from "../testing/samples";
import { committedGrid } from "./committed";
import type { SurfaceData } from "./protocol";

/** A surface with holes as `nblandscape/widgets/_wire.py` sends it. */
const stored = unpacked<SurfaceData>(
  JSON.parse(readFileSync(resolve("../tests/data/protocol/surface.json"), "utf8")),
);

it("reads the surface that the kernel sends, with what is to be said of it", () => {
  const grid = committedGrid(stored, stored.spec, 1);
  expect([grid.n0, grid.n1]).toEqual([3, 5]);
  expect([...grid.x1]).toEqual([0, 0.5, 1, 1.5, 2]);
  expect([...grid.values.keys()].filter((v) => Number.isNaN(grid.values[v]))).toEqual([8, 9]);
  expect(grid.data!.holes).toBe(2);
  expect(grid.data!.concerns).toHaveLength(1);
  expect(grid.data!.concerns![0]).toContain("2 of 15 points are not finite");
});
