import { createCamera, setCamera } from "./camera";
import type { Grid, Line, Look, Marker, Surface } from "./engine";
import { fraction } from "./height-map";
import { lut } from "./luts";
import { createLabels } from "./paint-labels";
import { paintLines } from "./paint-lines";
import { paintMarkers } from "./paint-markers";

/** More pixels than this are not worth their time on a processor. */
const MAX_PIXELS = 640 * 480;

/**
 * The surface seen from above, without WebGL: a shaded heat map with contour lines and the same markers.
 * Heights are interpolated bilinearly; a pixel is a hole when one of its four vertices is.
 */
export function createFlatSurface(): Surface {
  const camera = createCamera(true);
  const picture = document.createElement("canvas");
  let grid: Grid | null = null;
  let basins: Int32Array | null = null;
  let tint: Uint8Array | null = null;
  let markers: readonly Marker[] = [];
  let lines: readonly Line[] = [];
  const labels = createLabels();
  let heights = new Float32Array(0);
  let revision = 0;
  let drawn = "";

  function accept(next: Grid): void {
    if (heights.length !== next.values.length) {
      heights = new Float32Array(next.values.length);
      basins = tint = null;
    }
    grid = next;
    revision++;
  }

  function paint(look: Look, context: CanvasRenderingContext2D, g: Grid): void {
    const { n0, n1, values } = g;
    const { width, height } = picture;
    const image = context.createImageData(width, height);
    const table = lut(look.colormap);
    for (let v = 0; v < heights.length; v++) heights[v] = fraction(camera.map, values[v]!);
    const levels = look.contours ? look.levels.map((z) => fraction(camera.map, z)) : [];
    const below = new Float32Array(width);
    const band = look.band?.map((z) => fraction(camera.map, z));
    const relief = Math.min(n0, n1) / 6;
    for (let py = height - 1; py >= 0; py--) {
      const gy = (1 - (py + 0.5) / height) * (n1 - 1);
      const j = Math.min(n1 - 2, Math.floor(gy));
      const fy = gy - j;
      let left = Number.NaN;
      for (let px = 0; px < width; px++) {
        const gx = ((px + 0.5) / width) * (n0 - 1);
        const i = Math.min(n0 - 2, Math.floor(gx));
        const fx = gx - i;
        const v = i * n1 + j;
        const [a, b, c, d] = [heights[v]!, heights[v + n1]!, heights[v + 1]!, heights[v + n1 + 1]!];
        const t = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy;
        const previous = Number.isNaN(left) ? t : left;
        const under = py === height - 1 || Number.isNaN(below[px]!) ? t : below[px]!;
        left = below[px] = t;
        if (Number.isNaN(t) || (look.clipped && t > 1)) continue;
        const slopeX = (b - a) * (1 - fy) + (d - c) * fy;
        const slopeY = (c - a) * (1 - fx) + (d - b) * fx;
        let shade = 1 + Math.max(-0.28, Math.min(0.22, (slopeY - slopeX) * relief));
        for (const level of levels) {
          if (t > level !== previous > level || t > level !== under > level) shade *= 0.62;
        }
        let grey = 0;
        const vertex = v + (fx > 0.5 ? n1 : 0) + (fy > 0.5 ? 1 : 0);
        if (basins && look.selectedBasin >= 0) grey = basins[vertex] === look.selectedBasin ? 0 : 0.7;
        if (band && (t < band[0]! || t > band[1]!)) grey = Math.max(grey, 0.8);
        const clamped = Math.min(1, Math.max(0, t));
        const colors = tint ?? table;
        const at = tint ? vertex * 3 : Math.round(clamped * 255) * 3;
        if (tint) shade *= 0.72 + 0.36 * clamped;
        const mean = (colors[at]! + colors[at + 1]! + colors[at + 2]!) / 3;
        const out = (py * width + px) * 4;
        for (let k = 0; k < 3; k++) {
          const plain = colors[at + k]! * (1 - grey) + grey * (0.6 * mean + 0.4 * 255 * look.background[k]!);
          image.data[out + k] = plain * shade;
        }
        image.data[out + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }

  return {
    stride: 1,
    setGrid: accept,
    updateGrid: accept,
    setBasins(next) {
      basins = next;
      revision++;
    },
    setTint(next) {
      tint = next;
      revision++;
    },
    setMarkers(next) {
      markers = next;
    },
    setLines(next) {
      lines = next;
    },
    setLabels: labels.set,
    draw(look, target) {
      if (!grid || grid.n0 < 2 || grid.n1 < 2) return 0;
      const started = performance.now();
      setCamera(camera, look, grid);
      const halfWidth = camera.focal / 8;
      const halfHeight = camera.focalY / 8;
      const shrink = Math.min(1, Math.sqrt(MAX_PIXELS / (4 * halfWidth * halfHeight)));
      const width = Math.max(1, Math.round(2 * halfWidth * shrink));
      const height = Math.max(1, Math.round(2 * halfHeight * shrink));
      const { colormap, contours, selectedBasin, scale, clipped, range, levels, background } = look;
      const band = look.band ?? [];
      const key = [revision, width, height, colormap, contours, selectedBasin, scale, clipped]
        .concat(range, levels, background, band)
        .join(" ");
      const context = picture.getContext("2d");
      if (context && key !== drawn) {
        picture.width = width;
        picture.height = height;
        paint(look, context, grid);
        drawn = key;
      }
      target.setTransform(1, 0, 0, 1, 0, 0);
      target.clearRect(0, 0, look.width, look.height);
      target.globalAlpha = look.ghost ? 0.5 : 1 - 0.6 * look.fade;
      const [x, y] = [camera.centerX - halfWidth, camera.centerY - halfHeight];
      target.drawImage(picture, x, y, 2 * halfWidth, 2 * halfHeight);
      target.globalAlpha = 1;
      paintLines(target, camera, look, lines);
      labels.paint(target, camera, look, grid);
      paintMarkers(target, camera, look, grid, markers);
      return performance.now() - started;
    },
    dispose() {
      grid = null;
      picture.width = picture.height = 0;
    },
  };
}
