import { createCamera, setCamera } from "./camera";
import type { Grid, Line, Look, Marker, Surface } from "./engine";
import { paintRelief } from "./flat-relief";
import { fraction } from "./height-map";
import { lut } from "./luts";
import { createLabels } from "./paint-labels";
import { paintLines } from "./paint-lines";
import { paintMarkers } from "./paint-markers";

/** More pixels than this are not worth their time on a processor; while something moves, half as many per side. */
const MAX_PIXELS = 640 * 480;

/**
 * The surface seen from above, without WebGL: a shaded heat map with contour lines and the same markers.
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

  function paint(look: Look, context: CanvasRenderingContext2D, { n0, n1, values }: Grid): void {
    const { width, height } = picture;
    const image = context.createImageData(width, height);
    const { contours, selectedBasin: selected, levelWeights: weights, clipped, background } = look;
    for (let v = 0; v < heights.length; v++) heights[v] = fraction(camera.map, values[v]!);
    const levels = contours ? look.levels.map((z) => fraction(camera.map, z)) : [];
    const band = look.band?.map((z) => fraction(camera.map, z)) ?? null;
    const colors = { table: lut(look.colormap), tint, background };
    const lines = { levels, weights };
    paintRelief(image, {
      n0,
      n1,
      heights,
      ...colors,
      ...lines,
      basins,
      selected,
      band,
      clipped: clipped === true,
    });
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
      const most = look.moving ? MAX_PIXELS / 4 : MAX_PIXELS;
      const shrink = Math.min(1, Math.sqrt(most / (4 * halfWidth * halfHeight)));
      const width = Math.max(1, Math.round(2 * halfWidth * shrink));
      const height = Math.max(1, Math.round(2 * halfHeight * shrink));
      const { colormap, contours, selectedBasin, scale, clipped, range, levels, background } = look;
      const band = look.band ?? [];
      const key = [revision, colormap, contours, selectedBasin, scale, clipped]
        .concat(range, levels, background, band)
        .join(" ");
      const context = picture.getContext("2d");
      const sized = picture.width === width && picture.height === height;
      // What only grows or shrinks is stretched until it rests.
      if (context && (key !== drawn || !(sized || look.moving))) {
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
