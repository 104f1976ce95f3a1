import type { Label } from "../../gl/engine";
import type { LiveGrid } from "../../model/store";
import type { Levels } from "../canvas/contour-levels";
import { fullTexts } from "../parts/ticks";
import { contourLines } from "./contour-lines";

/** Vertices per axis that suffice to place a text. */
const ENOUGH = 64;
const MOST = 28;
/** Lengths in windows: a line shorter than that carries no text; one this long carries another. */
const SHORTEST = 0.3;
const APART = 1.1;

interface Place {
  label: Label;
  length: number;
}

/** Texts on the major contour lines, the longest lines first: who comes first finds room. */
export function contourLabels(grid: LiveGrid, levels: Levels): Label[] {
  const majors = levels.heights.filter((_, k) => levels.weights[k] === 1);
  const heights = majors.length >= 2 ? majors : levels.heights.filter((_, k) => k % 2 === 1);
  const texts = fullTexts(heights.map((z) => Number((z + grid.base).toPrecision(12))));
  const stride = Math.max(1, Math.ceil((Math.max(grid.n0, grid.n1) - 1) / ENOUGH));
  const width = grid.x0[grid.n0 - 1]! - grid.x0[0]! || 1;
  const depth = grid.x1[grid.n1 - 1]! - grid.x1[0]! || 1;
  const places: Place[] = [];
  heights.forEach((z, k) => {
    for (const line of contourLines(grid, z, stride)) {
      const lengths = [0];
      for (let i = 2; i < line.length; i += 2) {
        const step = Math.hypot((line[i]! - line[i - 2]!) / width, (line[i + 1]! - line[i - 1]!) / depth);
        lengths.push(lengths[lengths.length - 1]! + step);
      }
      const length = lengths[lengths.length - 1]!;
      if (!(length >= SHORTEST)) continue;
      const count = Math.max(1, Math.min(3, Math.round(length / APART)));
      for (let n = 0; n < count; n++) {
        const at = lengths.findIndex((s) => s >= (length * (n + 0.5)) / count);
        places.push({ label: { x: line[2 * at]!, y: line[2 * at + 1]!, z, text: texts[k]! }, length });
      }
    }
  });
  places.sort((a, b) => b.length - a.length);
  return places.slice(0, MOST).map((place) => place.label);
}
