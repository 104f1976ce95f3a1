import type { LiveTree } from "../../model/store";
import { basinTint } from "../canvas/basin-map";

/**
 * sRGB and emphasis of every vertex: the hue of its basin (grey where `colored` is off), and less emphasis outside
 * the basin of row `chosen` (-1: all alike).
 */
export function volumeTint(
  tree: LiveTree,
  n2: number,
  dark: boolean,
  colored: boolean,
  chosen: number,
): Uint8Array {
  const { basins } = tree;
  const out = new Uint8Array(4 * basins.length).fill(255);
  if (colored) {
    const colors = basinTint(tree, n2, dark);
    for (let v = 0, from = 0, to = 0; v < basins.length; v++, from += 3, to += 4) {
      out[to] = colors[from]!;
      out[to + 1] = colors[from + 1]!;
      out[to + 2] = colors[from + 2]!;
    }
  }
  if (chosen >= 0) for (let v = 0; v < basins.length; v++) if (basins[v] !== chosen) out[4 * v + 3] = 0;
  return out;
}
