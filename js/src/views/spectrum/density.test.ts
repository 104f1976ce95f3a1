import { expect, it } from "vitest";
import { densityCounts, densityPath } from "./density";

const place = (value: number) => 100 - 50 * value;

it("counts a node as its share of all eigenvalues, where the axis has it", () => {
  const counts = densityCounts({ nodes: [-0.5, 1], weights: [0.99, 0.01] }, 1000, place, 0, 150);
  const at = (y: number) => counts.find((c) => Math.abs(c.y - y) < 0.01)!.count;
  expect(at(124)).toBeCloseTo(990 * Math.exp(-0.5 / 16), 6);
  expect(at(50)).toBeCloseTo(10, 6);
  expect(at(84)).toBeLessThan(1e-3);
});

it("draws a single eigenvalue and the bulk on one logarithmic scale", () => {
  const path = densityPath(
    [
      { y: 0, count: 1 },
      { y: 2, count: 99 },
      { y: 4, count: 1e9 },
    ],
    99,
    10,
    100,
  );
  const xs = [...path.matchAll(/L([\d.]+),/g)].map((m) => Number(m[1]));
  expect(xs[0]).toBeCloseTo(10 + (100 * Math.log(2)) / Math.log(100), 1);
  // More than all cannot be: it stays inside.
  expect(xs.slice(1, 3)).toEqual([110, 110]);
  expect(path.endsWith("Z")).toBe(true);
});
