import { type Camera, project } from "../../gl/camera";
import { fraction } from "../../gl/height-map";
import { type ColormapName, lut } from "../../gl/luts";
import type { LiveGrid } from "../../model/store";
import type { Levels } from "../canvas/contour-levels";
import { contourLines } from "./contour-lines";

/** All contour lines of one height, as the data of an SVG path in CSS pixels. */
export interface ContourPath {
  d: string;
  /** 0 to 1, as that of its level. */
  weight: number;
  /** Whether the map is so dark there that the line must be light. */
  light: boolean;
}

/** Below this share of white's luminance, as in the shader. */
const DARK = 0.085;

/** Contour lines of a surface that is seen from above: nothing hides them. */
export function contourPaths(
  grid: LiveGrid,
  { heights, weights }: Levels,
  camera: Camera,
  colormap: ColormapName,
): ContourPath[] {
  const table = lut(colormap);
  const at = new Float64Array(3);
  const number = (x: number) => Math.round((100 * x) / camera.pixelRatio) / 100;
  return heights.flatMap((z, k) => {
    let d = "";
    for (const line of contourLines(grid, z)) {
      for (let i = 0; i < line.length; i += 2) {
        project(camera, line[i]!, line[i + 1]!, z, at);
        d += `${i === 0 ? "M" : "L"}${number(at[0]!)} ${number(at[1]!)}`;
      }
    }
    if (d === "") return [];
    const color = 3 * Math.round(255 * Math.min(1, Math.max(0, fraction(camera.map, z))));
    const [r, g, b] = [table[color]!, table[color + 1]!, table[color + 2]!];
    const light = (0.2126 * r * r + 0.7152 * g * g + 0.0722 * b * b) / 255 ** 2 < DARK;
    return [{ d, weight: weights[k]!, light }];
  });
}
