import { type Camera, createCamera, project, setCamera } from "../../gl/camera";
import type { Engine, Label, Line, Look, Marker, Surface } from "../../gl/engine";
import { createFlatSurface } from "../../gl/flat-surface";
import { type Hit, pick } from "../../gl/pick";
import type { Selection } from "../../model/protocol";
import { basinOf } from "../../model/selection";
import type { Store } from "../../model/store";
import { type AxisText, createAxes } from "../canvas/axes";
import { basinTint } from "../canvas/basin-map";
import { isDark } from "../canvas/colors";
import type { Elements, Frames } from "../canvas/frames";
import { type Inset, insets } from "../canvas/layout";
import { createLook, followView } from "../canvas/look";
import { createReadOutPlace } from "../canvas/read-out-place";
import { type Spot, setAnchor } from "../canvas/ui";
import { sameParts } from "../parts/same";
import { createAxisTicks } from "./axis-ticks";
import { contourLabels } from "./contour-labels";
import { type CriticalPoint, markersOf } from "./critical";
import { markerAt } from "./marker-at";
import { bandMeets } from "./scene";
import { createShown, type Shown } from "./shown";
import type { SurfaceUi } from "./ui";

/** A full picture slower than this is not drawn for every tile of a running computation, nor in the drag of a threshold. */
const SLOW_MS = 60;
const NO_LABELS: readonly Label[] = [];

/** The picture of a surface, and what lies where in it. */
export interface Drawing {
  readonly shown: Shown;
  draw(context: CanvasRenderingContext2D): void;
  /** How it looks when nothing moves, so many times as large; null: there is none. */
  atRest(enlarged: number): Look | null;
  /** Draws on another canvas; `bare`: the surface without what lies on it. */
  drawInto(context: CanvasRenderingContext2D, look: Look, bare?: boolean): void;
  /** What lies on it, as drawn last. */
  markers(): Marker[];
  labels(): readonly Label[];
  texts(): readonly AxisText[];
  /** Seen from above: for want of WebGL, or because the reader asks for a map. */
  isFlat(): boolean;
  /** Room around the picture as it was drawn last, device pixels; one array for ever. */
  readonly inset: Readonly<Inset>;
  pickAt(at: Spot): Hit | null;
  markedAt(at: Spot): CriticalPoint | null;
  /** Points of the lines that the surface is not cut off below. */
  stops(): CriticalPoint[];
  dispose(): void;
}

export function createDrawing(
  store: Store,
  { root, canvas, svg }: Elements,
  ui: SurfaceUi,
  engine: Engine | null,
  frames: Frames,
): Drawing {
  const surface: Surface = engine ? engine.createSurface() : createFlatSurface();
  const shown = createShown(store, surface, ui);
  const camera: Camera = createCamera(!engine);
  const axes = createAxes(svg);
  const axisTicks = createAxisTicks();
  const placeReadOut = createReadOutPlace(root, ui);
  const projected = new Float64Array(3);
  const axisLines: [readonly number[], readonly number[], readonly number[]] = [[], [], []];
  const inset: Inset = [0, 0, 0, 0];
  const picture = createLook({ ticks: axisLines, inset });
  let fullCost = 0;
  /** What the engine has been given, to be given again only where it differs. */
  let labelled: readonly unknown[] = [];
  let marked: readonly unknown[] = [];
  let tinted: readonly unknown[] = [];
  let lined: readonly Line[] = [];

  const isFlat = () => !engine || store.view.value.map === true;

  /** The picture that is wanted now. */
  function look(moving: boolean): Look {
    const view = store.view.value;
    const { live, tree, range, levels } = shown;
    followView(picture, view);
    picture.exaggeration = view.exaggeration;
    picture.range = range;
    picture.scale = shown.scale;
    picture.base = live?.base ?? 0;
    picture.flat = isFlat();
    picture.clipped = shown.clipped;
    picture.floor = view.floor === true;
    picture.band = bandOf(view.brush ?? null, range, picture.base);
    picture.levels = levels.heights;
    picture.levelWeights = levels.weights;
    picture.selectedBasin = basinOf(store.selection.value, tree);
    picture.hoverBasin = tree && tree.branches.length > 1 ? basinOf(store.hover.value, tree) : -1;
    picture.fade = shown.stale ? 0.6 : 0;
    picture.ghost = live?.state === "predicted";
    picture.moving = moving;
    picture.width = canvas.width;
    picture.height = canvas.height;
    picture.pixelRatio = frames.pixelRatio();
    return picture;
  }

  function draw(context: CanvasRenderingContext2D): void {
    shown.read();
    const { grid, live, range } = shown;
    if (!grid || !live) {
      context.clearRect(0, 0, canvas.width, canvas.height);
      axes.clear();
      ui.anchor.value = null;
      return;
    }
    let moving = frames.moving();
    const colors = frames.colors();
    picture.ink = colors.ink;
    picture.background = colors.background;
    ui.colors.value = colors;
    if ((shown.streamed || shown.simplified) && fullCost > SLOW_MS) {
      moving = true;
      frames.keepMoving();
    }
    const { width, height } = ui.size.peek();
    const ratio = frames.pixelRatio();
    insets(width, height, ratio, isFlat(), inset);
    const wanted = look(moving);
    setCamera(camera, wanted, grid);
    const ticks = axisTicks(camera, grid, range, live.base, shown.scale);
    axisLines[0] = ticks.x;
    axisLines[1] = ticks.y;
    axisLines[2] = ticks.z;
    setMarkers();
    setTint();
    setLabels(moving);
    if (ui.lines.value !== lined) {
      lined = ui.lines.value;
      surface.setLines(lined);
    }
    const cost = surface.draw(wanted, context);
    if (!moving) fullCost = cost;
    axes.draw({ camera, ticks, labels: live.labels, bottom: range[0] });
    placeTooltip();
    const chosen = store.selection.value;
    if (moving || chosen.kind === "none") return;
    const busy = (x: number, y: number) => pickAt({ x, y }) !== null;
    placeReadOut([chosen, store.view.value, live.revision, shown.scale], axes.texts, busy, spotOf(chosen));
  }

  /** The colours of the basins, on a surface that has their tree. */
  function setTint(): void {
    const { n0, n1 } = shown.grid!;
    const { tree, mesh } = shown;
    const wanted = store.view.value.basin_map === true && tree?.basins.length === n0 * n1 ? tree : null;
    const dark = isDark(picture.background);
    const key = [wanted?.basins, mesh, wanted && dark];
    if (sameParts(key, tinted)) return;
    tinted = key;
    surface.setTint(wanted && basinTint(wanted, n1, dark));
  }

  function setMarkers(): void {
    const { points, clipped, range } = shown;
    const key = [points, store.selection.value, store.hover.value, clipped && range[1], ui.marks.value];
    if (sameParts(key, marked)) return;
    marked = key;
    surface.setMarkers(markers());
  }

  function markers(): Marker[] {
    const { points, clipped, range, live } = shown;
    const base = live?.base ?? 0;
    const all = [...markersOf(points, store.selection.value, store.hover.value, base), ...ui.marks.value];
    return clipped ? all.filter((marker) => marker.z <= range[1]) : all;
  }

  /** Losses on the contour lines; while the surface changes there are none. */
  function labels(): readonly Label[] {
    const { contours, contour_labels: wanted } = store.view.value;
    const { live, levels } = shown;
    return contours && wanted !== false && live?.state === "final" ? contourLabels(live, levels) : NO_LABELS;
  }

  function setLabels(moving: boolean): void {
    const { live, levels } = shown;
    const { contours, contour_labels: wanted } = store.view.value;
    const visible = contours && wanted !== false && live?.state === "final";
    const key = [visible && live?.values, visible && levels, visible && live?.revision];
    if (sameParts(key, labelled)) return;
    if (moving && visible) {
      // A tile or a drag: text of the last surface would lie.
      if (labelled.length > 0) surface.setLabels(NO_LABELS);
      labelled = [];
      return;
    }
    labelled = key;
    surface.setLabels(labels());
  }

  const band: [number, number] = [0, 0];
  function bandOf(
    losses: readonly [number, number] | null,
    range: readonly [number, number],
    base: number,
  ): [number, number] | null {
    if (losses === null || !bandMeets(losses, range, base)) return null;
    band[0] = losses[0] - base;
    band[1] = losses[1] - base;
    return band;
  }

  function placeTooltip(): void {
    const hover = store.hover.value;
    const pointer = ui.pointer.peek();
    if (hover.kind === "none") setAnchor(ui, null);
    else setAnchor(ui, pointer && hover.from === "surface" ? pointer : spotOf(hover));
  }

  /** Where a place is drawn. */
  function spotOf({ coordinates, loss }: Pick<Selection, "coordinates" | "loss">): Spot | null {
    const { live } = shown;
    if (coordinates === null || loss === null || live === null) return null;
    project(camera, coordinates[0], coordinates[1], loss - live.base, projected);
    return { x: projected[0]! / camera.pixelRatio, y: projected[1]! / camera.pixelRatio };
  }

  const pickAt = ({ x, y }: Spot) =>
    shown.grid && pick(shown.grid, camera, x * camera.pixelRatio, y * camera.pixelRatio);

  function atRest(enlarged: number): Look | null {
    if (!shown.grid) return null;
    frames.drawNow();
    frames.invalidate();
    if (!shown.grid) return null;
    const { width, height } = ui.size.peek();
    return {
      ...look(false),
      width: Math.round(width * enlarged),
      height: Math.round(height * enlarged),
      pixelRatio: enlarged,
      inset: insets(width, height, enlarged, isFlat()),
    };
  }

  function drawInto(context: CanvasRenderingContext2D, look: Look, bare = false): void {
    if (bare) {
      surface.setLines([]);
      surface.setLabels([]);
      surface.setMarkers([]);
      // To be set again by the next draw.
      [marked, labelled, lined] = [[], [], []];
    }
    surface.draw(look, context);
  }

  const stops = () => ui.stops.value.filter((stop) => !shown.clipped || stop.z <= shown.range[1]);

  return {
    shown,
    draw,
    atRest,
    drawInto,
    markers,
    labels,
    texts: axes.texts,
    isFlat,
    inset,
    pickAt,
    markedAt: (at) => shown.grid && markerAt([...shown.points, ...stops()], shown.grid, camera, at),
    stops,
    dispose: () => surface.dispose(),
  };
}
