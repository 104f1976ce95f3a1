/** A height field as the pixels of a shaded map. */

export interface Relief {
  n0: number;
  n1: number;
  /** Fractions of the box; NaN = hole. */
  heights: Float32Array;
  /** RGB by height, 256 of them; with a tint, RGB of every vertex instead. */
  table: Uint8Array;
  tint: Uint8Array | null;
  /** Contour lines: their heights, ascending, and how strong each is (0 to 1). */
  levels: readonly number[];
  weights: readonly number[];
  /** Basin of every vertex, and the one that keeps its colours; -1 = all do. */
  basins: Int32Array | null;
  selected: number;
  /** Heights between which the map keeps its colours. */
  band: readonly number[] | null;
  /** Whether nothing is drawn above the box. */
  clipped: boolean;
  background: readonly [number, number, number];
}

export type Pixels = Pick<ImageData, "width" | "height" | "data">;

/** How much the slope towards the light brightens, and how steep is steep. */
const LIGHT = 0.62;
const STEEP = 6;

/**
 * How much each vertex faces the light, which comes from the upper left. From both neighbours of a vertex, so
 * that it goes on smoothly from cell to cell; at borders and holes from the one that there is.
 */
function facing({ n0, n1, heights }: Relief): Float32Array {
  const light = new Float32Array(heights.length);
  const slope = (v: number, step: number, at: number, count: number): number => {
    const here = heights[v]!;
    const before = at > 0 ? here - heights[v - step]! : Number.NaN;
    const after = at < count - 1 ? heights[v + step]! - here : Number.NaN;
    const rise = Number.isNaN(before) ? after : Number.isNaN(after) ? before : (before + after) / 2;
    return Number.isNaN(rise) ? 0 : (rise * (count - 1)) / STEEP;
  };
  for (let v = 0; v < light.length; v++) {
    const i = Math.floor(v / n1);
    const s = slope(v, n1, i, n0) - slope(v, 1, v - i * n1, n1);
    light[v] = 1 + (LIGHT * s) / (1 + Math.abs(s));
  }
  return light;
}

/** Heights are interpolated bilinearly; a pixel is a hole when one of its four vertices is. */
export function paintRelief({ width, height, data }: Pixels, relief: Relief): void {
  const { n0, n1, heights, table, tint, levels, weights, basins, selected, band, clipped } = relief;
  const light = facing(relief);
  const [red, green, blue] = relief.background.map((c) => 0.4 * 255 * c) as [number, number, number];
  // Of the present row of pixels, at every column of vertices: height, its rise over one pixel, light.
  const [h, rise, l] = [new Float64Array(n0), new Float64Array(n0), new Float64Array(n0)];
  const [acrossX, acrossY] = [(n0 - 1) / width, (n1 - 1) / height];
  /** First level that is no lower than the present pixel: along a row it seldom changes. */
  let next = 0;
  for (let py = 0; py < height; py++) {
    const gy = (height - py - 0.5) * acrossY;
    const j = Math.min(n1 - 2, Math.floor(gy));
    const fy = gy - j;
    for (let i = 0, v = j; i < n0; i++, v += n1) {
      const up = heights[v + 1]! - heights[v]!;
      h[i] = heights[v]! + fy * up;
      rise[i] = up * acrossY;
      l[i] = light[v]! + fy * (light[v + 1]! - light[v]!);
    }
    for (let px = 0, out = py * width * 4; px < width; px++, out += 4) {
      const gx = (px + 0.5) * acrossX;
      const i = Math.min(n0 - 2, Math.floor(gx));
      const fx = gx - i;
      const along = h[i + 1]! - h[i]!;
      const t = h[i]! + fx * along;
      if (Number.isNaN(t) || (clipped && t > 1)) continue;
      const dx = along * acrossX;
      const dy = rise[i]! + fx * (rise[i + 1]! - rise[i]!);
      const step = Math.sqrt(dx * dx + dy * dy);
      let line = 0;
      while (next < levels.length && levels[next]! < t) next++;
      while (next > 0 && levels[next - 1]! >= t) next--;
      for (let k = Math.max(0, next - 1); k <= next && k < levels.length; k++) {
        const away = Math.abs(t - levels[k]!);
        if (away >= 1.4 * step) continue;
        const covered = Math.min(1, 0.9 + 0.5 * weights[k]! - away / step);
        line = Math.max(line, covered * (0.34 + 0.28 * weights[k]!));
      }
      let shade = (l[i]! + fx * (l[i + 1]! - l[i]!)) * (1 - line);
      const vertex = (i + (fx > 0.5 ? 1 : 0)) * n1 + j + (fy > 0.5 ? 1 : 0);
      const clamped = t < 0 ? 0 : t > 1 ? 1 : t;
      const colors = tint ?? table;
      const at = tint ? vertex * 3 : Math.round(clamped * 255) * 3;
      if (tint) shade *= 0.72 + 0.36 * clamped;
      let [r, g, b] = [colors[at]!, colors[at + 1]!, colors[at + 2]!];
      let grey = basins && selected >= 0 && basins[vertex] !== selected ? 0.7 : 0;
      if (band && (t < band[0]! || t > band[1]!)) grey = 0.8;
      if (grey > 0) {
        const mean = 0.2 * (r + g + b);
        r += grey * (mean + red - r);
        g += grey * (mean + green - g);
        b += grey * (mean + blue - b);
      }
      data[out] = r * shade;
      data[out + 1] = g * shade;
      data[out + 2] = b * shade;
      data[out + 3] = 255;
    }
  }
}
