import { type Camera, createCamera, HALF_HEIGHT, project, setCamera } from "../../gl/camera";
import type { Engine } from "../../gl/engine";
import { createFlatVolume, type FlatVolume } from "../../gl/flat-volume";
import { MARKER_LIFT, MARKER_RADIUS } from "../../gl/paint-markers";
import type { Volume, VolumeGrid, VolumeLook } from "../../gl/volume";
import { pickVolume, type VolumeHit } from "../../gl/volume-pick";
import { createWebglVolume } from "../../gl/webgl-volume";
import { basinOf } from "../../model/selection";
import type { LiveTree, Store } from "../../model/store";
import { drawnAt, endsOf, type LiveVolume, type Place, volumeOf } from "../../model/volume-data";
import { type AxisTicks, createAxes, tickCounts } from "../canvas/axes";
import { isDark } from "../canvas/colors";
import { contourLevels, type Levels } from "../canvas/contour-levels";
import type { Elements, Frames } from "../canvas/frames";
import { type Inset, insets } from "../canvas/layout";
import { createLook, followView } from "../canvas/look";
import { createReadOutPlace } from "../canvas/read-out-place";
import { type Spot, setAnchor } from "../canvas/ui";
import { num } from "../parts/format";
import { sameParts } from "../parts/same";
import { linearTicks } from "../parts/ticks";
import { type Grip, gripAt } from "./grab";
import { fits, flatMarks, type VolumePoint, volumeMarkers, volumePoints } from "./points";
import { isColored, nestedLevels, type Scale, scaleOf, sliceIndices, slicesOf } from "./state";
import { volumeTint } from "./tint";
import type { VolumeUi } from "./ui";

const HIT_RADIUS = 14;

/** What is drawn of the store, as it was read last. */
interface Shown {
  readonly volume: LiveVolume | null;
  readonly tree: LiveTree | null;
  readonly points: readonly VolumePoint[];
  readonly scale: Scale | null;
}

/** The picture of a volume, and what lies where in it. */
export interface Drawing {
  /** Reads the store; what it still holds is not read again. */
  read(): Shown;
  draw(context: CanvasRenderingContext2D): void;
  /** Room around the picture as it was drawn last, device pixels; one array for ever. */
  readonly inset: Readonly<Inset>;
  markedAt(at: Spot): VolumePoint | null;
  pickAt(at: Spot): VolumeHit | null;
  /** The slice whose edge lies there, unless a marked point does. */
  edgeAt(at: Spot): Grip | null;
  dispose(): void;
}

export function createDrawing(
  store: Store,
  { root, canvas, svg }: Elements,
  ui: VolumeUi,
  engine: Engine | null,
  frames: Frames,
): Drawing {
  const solid: Volume | null = engine ? engine.attach(createWebglVolume) : null;
  const flat: FlatVolume | null = engine ? null : createFlatVolume();
  const camera: Camera = createCamera();
  const axes = createAxes(svg);
  const placeReadOut = createReadOutPlace(root, ui);
  const projected = new Float64Array(3);
  const axisLines: [readonly number[], readonly number[], readonly number[]] = [[], [], []];
  const inset: Inset = [0, 0, 0, 0];
  const picture: VolumeLook = {
    ...createLook({ ticks: axisLines, inset }),
    // A cube, as wide as it is deep: no axis is the height of another.
    exaggeration: 1 / HALF_HEIGHT,
    stretch: 1,
    extent: { x0: [0, 1], x1: [0, 1] },
    level: Number.NaN,
    outer: Number.NaN,
    slices: [null, null, null],
    heights: { range: [0, 1], scale: "linear", base: 0 },
  };
  const shown: { -readonly [key in keyof Shown]: Shown[key] } = {
    volume: null,
    tree: null,
    points: [],
    scale: null,
  };
  let grid: VolumeGrid | null = null;
  let scaledFor: readonly unknown[] = [];
  let sliced: unknown = null;
  let levels: Levels = { heights: [], weights: [] };
  let ticks: AxisTicks = { x: [], y: [], z: [], losses: [] };
  let ticked = false;
  const counts = new Int32Array(3);
  const lastCounts = new Int32Array(3);
  let tinted: readonly unknown[] = [];
  let marked: readonly unknown[] = [];

  function read(): Shown {
    const next = volumeOf(store);
    const tree = store.tree.value;
    const wanted = store.spec.value?.scale ?? "linear";
    if (next !== shown.volume) {
      shown.volume = next;
      shown.tree = null;
      shown.points = [];
      tinted = [];
      sliced = null;
      grid = next && { shape: next.shape, values: next.values };
      if (next && grid) {
        solid?.setGrid(grid);
        const { labels } = next.data;
        flat?.setVolume({
          ...grid,
          labels,
          ends: labels.map((_, k) => endsOf(next, k).map((x) => num(x)) as [string, string]),
        });
        picture.extent = { x0: endsOf(next, 0), x1: endsOf(next, 1) };
        picture.range = endsOf(next, 2);
        ticked = false;
      }
    }
    if (next && (tree !== shown.tree || shown.points.length === 0)) shown.points = volumePoints(next, tree);
    shown.tree = tree;
    if (!next || (scaledFor[0] === next && scaledFor[1] === wanted)) return shown;
    scaledFor = [next, wanted];
    const scale = scaleOf(next, wanted);
    shown.scale = scale;
    levels = contourLevels(scale.range, next.base, scale.kind);
    picture.heights = { range: scale.range, scale: scale.kind, base: next.base };
    return shown;
  }

  /** The picture that is wanted now. */
  function look(moving: boolean, of: LiveVolume): VolumeLook {
    followView(picture, store.view.value);
    picture.levels = levels.heights;
    picture.levelWeights = levels.weights;
    axisLines[0] = ticks.x;
    axisLines[1] = ticks.y;
    axisLines[2] = ticks.z;
    picture.moving = moving;
    picture.width = canvas.width;
    picture.height = canvas.height;
    picture.pixelRatio = frames.pixelRatio();
    const [level, outer] = nestedLevels(store, of);
    picture.level = level - of.base;
    picture.outer = outer - of.base;
    const slices = slicesOf(store);
    if (slices !== sliced) picture.slices = sliceIndices(of, slices);
    sliced = slices;
    return picture;
  }

  function draw(context: CanvasRenderingContext2D): void {
    const { volume, scale } = read();
    if (!volume || !scale) {
      context.clearRect(0, 0, canvas.width, canvas.height);
      axes.clear();
      ui.anchor.value = null;
      return;
    }
    const moving = frames.moving();
    const { ink, background } = frames.colors();
    picture.ink = ink;
    picture.background = background;
    setMarkers(volume);
    const { width, height } = ui.size.peek();
    insets(width, height, frames.pixelRatio(), flat !== null, inset);
    if (flat !== null) {
      axes.clear();
      const [selection, hover, pointed] = [
        store.selection.value,
        store.hover.value,
        ui.pointer.peek() !== null,
      ];
      const [marks, through] = flatMarks(shown.points, selection, hover, volume, pointed);
      flat.draw(look(moving, volume), context, marks, through);
      placeTooltip();
      placeCard(volume);
      return;
    }
    if (solid === null) return;
    setCamera(camera, look(moving, volume), picture.extent);
    setTicks(volume);
    setTint(volume);
    solid.draw(look(moving, volume), context);
    if (solid.pending) frames.invalidate();
    const [x, y, z] = volume.data.labels;
    axes.draw({ camera, ticks, labels: [x, y], upright: z, bottom: picture.range[0] });
    placeTooltip();
    if (!moving) placeCard(volume);
  }

  /** The card about the selection, where it covers least. */
  function placeCard(of: LiveVolume): void {
    const busy = (x: number, y: number) => pickAt({ x, y }) !== null;
    placeReadOut([store.selection.value, store.view.value, of], axes.texts, busy, null);
  }

  /** Round coordinates, as many as the box has room for; the same arrays while their numbers stay the same. */
  function setTicks(of: LiveVolume): void {
    tickCounts(camera, counts);
    if (ticked && sameParts(counts, lastCounts)) return;
    lastCounts.set(counts);
    ticked = true;
    const [x, y, z] = [0, 1, 2].map((k) => linearTicks(...endsOf(of, k), counts[k]!)) as [
      number[],
      number[],
      number[],
    ];
    ticks = { x, y, z, losses: z };
  }

  /** The hues of the basins, and the emphasis on the one that is selected or pointed at in the tree. */
  function setTint(of: LiveVolume): void {
    if (solid === null) return;
    const { tree } = shown;
    const known = fits(of, tree) ? tree : null;
    const colored = isColored(store) && known !== null && known.branches.length > 1;
    const chosen = basinOf(store.selection.value, known);
    const hovered = store.hover.value.from === "tree" ? basinOf(store.hover.value, known) : -1;
    const row = known === null || known.branches.length < 2 ? -1 : chosen >= 0 ? chosen : hovered;
    const dark = colored && isDark(picture.background);
    const key = [colored || row >= 0 ? known : null, colored, row, dark];
    if (sameParts(key, tinted)) return;
    tinted = key;
    const wanted = colored || row >= 0;
    solid.setTint(wanted ? volumeTint(known!, of.shape[2], dark, colored, row) : null, colored);
  }

  function setMarkers(of: LiveVolume): void {
    const [selection, hover] = [store.selection.value, store.hover.value];
    const key = [shown.points, selection, hover, of];
    if (sameParts(key, marked)) return;
    marked = key;
    solid?.setMarkers(volumeMarkers(shown.points, selection, hover, of));
  }

  function placeTooltip(): void {
    const { kind, vertex, from } = store.hover.value;
    const { volume, points } = shown;
    const pointer = from === "surface" ? ui.pointer.peek() : null;
    if (kind === "none" || pointer || !volume) {
      setAnchor(ui, kind === "none" ? null : pointer);
      return;
    }
    const at = points.find((p) => p.vertex === vertex && (p.kind === kind || p.kind === "model"))?.at;
    setAnchor(ui, at ? spotOf(at, volume) : null);
  }

  /** Where grid indices are drawn; null: on none of the maps. */
  function spotOf(at: Place, of: LiveVolume): Spot | null {
    if (flat !== null) {
      const found = flat.spotOf(at);
      return found && { x: found[0] / frames.pixelRatio(), y: found[1] / frames.pixelRatio() };
    }
    return projectedOf(at, of);
  }

  function projectedOf(at: Place, of: LiveVolume): Spot {
    project(camera, drawnAt(of, 0, at[0]), drawnAt(of, 1, at[1]), drawnAt(of, 2, at[2]), projected);
    return { x: projected[0]! / camera.pixelRatio, y: projected[1]! / camera.pixelRatio };
  }

  function markedAt(at: Spot): VolumePoint | null {
    const { volume, points } = shown;
    if (volume === null) return null;
    if (flat !== null) return flat.markerAt(at.x * frames.pixelRatio(), at.y * frames.pixelRatio(), points);
    let best: VolumePoint | null = null;
    let nearest = HIT_RADIUS;
    for (const p of points) {
      const { x, y } = projectedOf(p.at, volume);
      const distance = Math.hypot(x - at.x, y - MARKER_LIFT[p.kind] * MARKER_RADIUS - at.y);
      if (distance < nearest) [best, nearest] = [p, distance];
    }
    return best;
  }

  function pickAt(at: Spot): VolumeHit | null {
    const [x, y] = [at.x * frames.pixelRatio(), at.y * frames.pixelRatio()];
    if (flat !== null) return flat.pick(x, y);
    return grid && pickVolume(grid, camera, x, y, picture.level, picture.slices);
  }

  function edgeAt(at: Spot): Grip | null {
    const { volume } = shown;
    if (volume === null || flat !== null || markedAt(at)) return null;
    return gripAt(volume.shape, picture.slices, (place) => projectedOf(place, volume), at);
  }

  return { read, draw, inset, markedAt, pickAt, edgeAt, dispose: () => solid?.dispose() };
}
