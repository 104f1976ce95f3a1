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
 * Colour of every displayed basin by its row (-1: none), as an index: the most persistent ones have their own (0…5), the others the first
 * of the remaining ones that no neighbour has, in the order of their persistence.
 */
export function basinColors(
  { branches, basins }: Pick<LiveTree, "branches" | "basins">,
  n1: number,
): Int32Array {
  const [own, more] = [FIRST.light.length / 6, OTHERS.length / 6];
  const size = branches.reduce((most, { row }) => Math.max(most, row), -1) + 1;
  // A chain of neighbours per basin, in arrays: a slider's drag comes here with every step.
  const first = new Int32Array(size).fill(-1);
  const [next, beyond] = [new Int32Array(4 * basins.length), new Int32Array(4 * basins.length)];
  let links = 0;
  const link = (from: number, to: number) => {
    // Along a border the same pair comes again and again.
    const before = first[from]!;
    if (before >= 0 && beyond[before] === to) return;
    beyond[links] = to;
    next[links] = before;
    first[from] = links++;
  };
  for (let v = 0, j = 0; v < basins.length; v++, j = j === n1 - 1 ? 0 : j + 1) {
    const here = basins[v]!;
    if (here < 0) continue;
    const right = j < n1 - 1 ? basins[v + 1]! : -1;
    const down = v + n1 < basins.length ? basins[v + n1]! : -1;
    if (right >= 0 && right !== here) {
      link(here, right);
      link(right, here);
    }
    if (down >= 0 && down !== here) {
      link(here, down);
      link(down, here);
    }
  }
  const color = new Int32Array(size).fill(-1);
  const counted = new Int32Array(size).fill(-1);
  const uses = new Int32Array(more);
  branches.forEach(({ row }, rank) => {
    if (rank < own) {
      color[row] = rank;
      return;
    }
    uses.fill(0);
    for (let at = first[row]!; at >= 0; at = next[at]!) {
      const near = beyond[at]!;
      if (counted[near] === row) continue;
      counted[near] = row;
      const taken = color[near]! - own;
      if (taken >= 0) uses[taken]!++;
    }
    // Where every colour is taken, the one that the fewest neighbours have.
    let best = 0;
    for (let k = 1; k < more; k++) if (uses[k]! < uses[best]!) best = k;
    color[row] = own + best;
  });
  return color;
}

/** sRGB bytes of every vertex. */
export function basinTint(
  tree: Pick<LiveTree, "branches" | "basins">,
  n1: number,
  dark: boolean,
): Uint8Array {
  const palette = (dark ? FIRST.dark : FIRST.light) + OTHERS;
  const table = Uint8Array.from(rgb(palette));
  const colors = basinColors(tree, n1);
  const out = new Uint8Array(3 * tree.basins.length).fill(128);
  for (let vertex = 0; vertex < tree.basins.length; vertex++) {
    const row = tree.basins[vertex]!;
    if (row < 0) continue;
    const from = 3 * colors[row]!;
    for (let k = 0; k < 3; k++) out[3 * vertex + k] = table[from + k]!;
  }
  return out;
}
