import type { LiveTree } from "../../model/store";

/** The hues of the most persistent branches: those of --nbl-cat-0… in the style sheet. */
const FIRST = {
  light: "0072b2d55e00009e73b0568fb07d003f8fc4",
  dark: "58b2eaff8f4533c79ae39bc8e6b4439ad0f5",
};
/** Paul Tol's light scheme, made for labelled areas and safe for the colour-blind. */
const OTHERS = "77aaddee8866eedd88ffaabb99ddff44bb99bbcc33aaaa00dddddd";

const rgb = (hex: string) => hex.match(/../g)!.map((byte) => Number.parseInt(byte, 16));

/**
 * Colour of every displayed basin, as an index: the most persistent ones have their own (0…5), the others the first
 * of the remaining ones that no neighbour has, in the order of their persistence.
 */
export function basinColors(
  { branches, basins }: Pick<LiveTree, "branches" | "basins">,
  n1: number,
): Map<number, number> {
  const [own, more] = [FIRST.light.length / 6, OTHERS.length / 6];
  const neighbours = new Map<number, Set<number>>(branches.map((b) => [b.row, new Set()]));
  for (let v = 0; v < basins.length; v++) {
    const here = basins[v]!;
    const near = [v % n1 < n1 - 1 ? v + 1 : -1, v + n1 < basins.length ? v + n1 : -1];
    for (const w of near) {
      const there = w < 0 ? -1 : basins[w]!;
      if (here === there || here < 0 || there < 0) continue;
      neighbours.get(here)?.add(there);
      neighbours.get(there)?.add(here);
    }
  }
  const colors = new Map<number, number>();
  branches.forEach(({ row }, rank) => {
    if (rank < own) {
      colors.set(row, rank);
      return;
    }
    const uses = new Array<number>(more).fill(0);
    for (const near of neighbours.get(row)!) {
      const taken = (colors.get(near) ?? -1) - own;
      if (taken >= 0) uses[taken]!++;
    }
    // Where every colour is taken, the one that the fewest neighbours have.
    colors.set(row, own + uses.indexOf(Math.min(...uses)));
  });
  return colors;
}

/** sRGB bytes of every vertex. */
export function basinTint(
  tree: Pick<LiveTree, "branches" | "basins">,
  n1: number,
  dark: boolean,
): Uint8Array {
  const palette = (dark ? FIRST.dark : FIRST.light) + OTHERS;
  const table = Uint8Array.from(rgb(palette));
  const colors = new Int32Array((tree.branches[tree.branches.length - 1]?.row ?? -1) + 1);
  for (const [row, color] of basinColors(tree, n1)) colors[row] = 3 * color;
  const out = new Uint8Array(3 * tree.basins.length).fill(128);
  for (let vertex = 0; vertex < tree.basins.length; vertex++) {
    const row = tree.basins[vertex]!;
    if (row < 0) continue;
    for (let k = 0; k < 3; k++) out[3 * vertex + k] = table[colors[row]! + k]!;
  }
  return out;
}
