import { expect, it } from "vitest";
import { simplify } from "../../model/simplify";
import { random } from "../../testing/random";
import { sublevelTree } from "../../testing/sublevel-tree";
import { basinColors, basinTint } from "./basin-map";

const n = 41;
const next = random(11);
const live = simplify(sublevelTree(Float32Array.from({ length: n * n }, next), n, n), 0);

it("gives neighbouring basins different colours, also among hundreds", () => {
  const { basins, branches } = live;
  expect(branches.length).toBeGreaterThan(100);
  const colors = basinColors(live, n);
  let borders = 0;
  for (let v = 0; v < basins.length; v++) {
    for (const w of [v % n < n - 1 ? v + 1 : v, v + n < basins.length ? v + n : v]) {
      if (basins[v] === basins[w]) continue;
      borders++;
      expect(colors[basins[v]!]).not.toBe(colors[basins[w]!]);
    }
  }
  expect(borders).toBeGreaterThan(500);
  expect(branches.slice(0, 6).map(({ row }) => colors[row])).toEqual([0, 1, 2, 3, 4, 5]);
  expect(Math.min(...branches.slice(6).map(({ row }) => colors[row]!))).toBe(6);
});

it("tints the most persistent basins in the hues of the tree, and leaves holes grey", () => {
  const basins = live.basins.slice();
  basins[5] = -1;
  const tint = basinTint({ branches: live.branches, basins }, n, false);
  const vertex = live.branches[1]!.birthVertex;
  expect([...tint.subarray(3 * vertex, 3 * vertex + 3)]).toEqual([0xd5, 0x5e, 0x00]);
  expect([...tint.subarray(15, 18)]).toEqual([128, 128, 128]);
  const dark = basinTint(live, n, true);
  expect([...dark.subarray(3 * vertex, 3 * vertex + 3)]).toEqual([0xff, 0x8f, 0x45]);
});
