import { effect, type Signal } from "@preact/signals";
import { type Camera, createCamera, project, setCamera } from "../../gl/camera";
import type { Engine, Grid, Label, Line, Look, Marker, Scale, Surface } from "../../gl/engine";
import { getEngine } from "../../gl/engine-registry";
import { createFlatSurface } from "../../gl/flat-surface";
import { css } from "../../gl/paint-box";
import { createLabels } from "../../gl/paint-labels";
import { paintLines } from "../../gl/paint-lines";
import { paintMarkers } from "../../gl/paint-markers";
import { pick } from "../../gl/pick";
import type { Selection, Spec } from "../../model/protocol";
import { samplingKey } from "../../model/spec";
import type { LiveGrid, LiveTree, Store } from "../../model/store";
import { zoomOf } from "../parts/zoom";
import { watchAttention } from "./attention";
import { type AxisText, type AxisTicks, createAxes } from "./axes";
import { basinTint } from "./basin-map";
import { colorsOf, type Rgb } from "./colors";
import { contourLabels } from "./contour-labels";
import { type ContourPath, contourPaths } from "./contour-paths";
import { announce, basinOf, type CriticalPoint, criticalPoints, markersOf, samePoint } from "./critical";
import { type Corner, freeCorner } from "./free-corner";
import { surfaceKey } from "./keyboard";
import { barPlace, createAxisTicks, type Inset, insets } from "./layout";
import { markerAt } from "./marker-at";
import { eased, PRESETS, type Preset, panned, rotated, zoomed } from "./navigate";
import { listenToPointers } from "./pointer";
import { bandMeets, contourLevels, engineGrid, type Levels, spanned, verticalRange } from "./scene";

/** Heights at the ends of the colour bar, and the scale that is drawn. */
export interface Bar {
  low: number;
  high: number;
  scale: Scale;
  /** Whether the surface is cut off at the upper end. */
  clipped: boolean;
}

/** A picture, and what lies on it: CSS pixels of the panel. */
export interface Capture {
  canvas: HTMLCanvasElement;
  /** Where the contour lines are apart: what lies above them. */
  over: HTMLCanvasElement | null;
  contours: readonly ContourPath[];
  width: number;
  height: number;
  texts: readonly AxisText[];
  ink: Rgb;
  background: Rgb;
}

/** What the controller tells the components around the canvas. */
export interface SurfaceUi {
  /** Where the tooltip points, CSS pixels; null = hidden. */
  anchor: Signal<{ x: number; y: number } | null>;
  bar: Signal<Bar | null>;
  size: Signal<{ width: number; height: number }>;
  /** Where the read-out of the selection covers least. */
  corner: Signal<Corner>;
  /** Whether the surface is drawn from above for want of WebGL. */
  flat: Signal<boolean>;
  /** Counts wheel turns that were left to the page. */
  declined: Signal<number>;
  /** Of the theme, as the picture uses them. */
  colors: Signal<{ ink: Rgb; background: Rgb }>;
  /** CSS pixels at the lower edge that something else covers. */
  covered: Signal<number>;
  /** Drawn on the surface beside what belongs to it. */
  lines: Signal<readonly Line[]>;
  marks: Signal<readonly Marker[]>;
  /** Points of the lines that can be pointed at and selected. */
  stops: Signal<readonly CriticalPoint[]>;
  /** The same; of several in one place that comes first which a key has reached. */
  named(): readonly CriticalPoint[];
  /** Takes clicked places while it is set, in place of the selection. */
  pick: Signal<((at: readonly [number, number]) => void) | null>;
  /** A key that the surface itself has no use for; true = taken. */
  key(key: string): boolean;
  /**
   * The picture as it is at rest, so many times as large; the caller paints texts on it. With `apart` the
   * contour lines of a map are no part of it.
   */
  capture(enlarged: number, apart?: boolean): Capture | null;
  /** Moves the camera to a preset. */
  fly(to: Preset): void;
}

export interface SurfaceElements {
  root: HTMLElement;
  canvas: HTMLCanvasElement;
  svg: SVGSVGElement;
}

const REST_MS = 160;
/** A full picture slower than this is not drawn for every tile of a running computation, nor in the drag of a threshold. */
const SLOW_MS = 60;
const DOUBLE_CLICK_MS = 350;
const FLIGHT_MS = 260;

/** Connects the store with one canvas: draws on change, only while visible; turns gestures into actions. */
export function createController(store: Store, elements: SurfaceElements, ui: SurfaceUi): () => void {
  const { root, canvas, svg } = elements;
  const context = canvas.getContext("2d");
  const engine: Engine | null = getEngine();
  const surface: Surface = engine ? engine.createSurface() : createFlatSurface();
  const camera: Camera = createCamera(!engine);
  const projected = new Float64Array(3);
  ui.flat.value = !engine;

  let grid: Grid | null = null;
  let live: LiveGrid | null = null;
  let revision = -1;
  let tree: LiveTree | null = null;
  let points: CriticalPoint[] = [];
  let stepped: CriticalPoint | null = null;
  let range: [number, number] = [0, 1];
  let levels: Levels = { heights: [], weights: [] };
  let scale: Scale = "linear";
  let clipped = false;
  let ticks: AxisTicks = { x: [], y: [], z: [], losses: [] };
  let ink: Rgb = [0.1, 0.1, 0.12];
  let background: Rgb = [1, 1, 1];
  const inset: Inset = [0, 0, 0, 0];
  let pointer: { x: number; y: number } | null = null;
  let pointerMoved = false;
  let visible = true;
  let dirty = true;
  let frame = 0;
  let movingUntil = 0;
  let restTimer = 0;
  let fullCost = 0;
  let lastClick = Number.NEGATIVE_INFINITY;
  let beforeClick: Selection | null = null;
  let cornerOf: readonly unknown[] = [];
  /** The wanted state that `stale` speaks of, and the scale that range and levels are for. */
  let checked: Spec | null = null;
  let stale = false;
  let drawnScale: readonly unknown[] = [];
  let labelled: readonly unknown[] = [];
  let flight = 0;
  const NO_LABELS: readonly Label[] = [];
  let marked: readonly unknown[] = [];
  let lined: readonly Line[] = [];
  let covered = 0;
  /** Seen from above: for want of WebGL, or because the reader asks for a map. */
  const isFlat = () => !engine || store.view.value.map === true;
  let tinted: readonly unknown[] = [];
  const axes = createAxes(svg);
  const axisTicks = createAxisTicks();
  const axisLines: [readonly number[], readonly number[], readonly number[]] = [[], [], []];
  const picture: Look = {
    yaw: 0,
    pitch: 0,
    zoom: 1,
    pan: [0, 0],
    exaggeration: 1,
    range,
    scale: "linear",
    base: 0,
    colormap: "viridis",
    contours: true,
    levels: [],
    levelWeights: [],
    ticks: axisLines,
    selectedBasin: -1,
    hoverBasin: -1,
    fade: 0,
    ghost: false,
    background,
    ink,
    moving: false,
    width: 1,
    height: 1,
    pixelRatio: 1,
    inset,
  };

  const invalidate = () => {
    dirty = true;
    if (frame === 0 && visible) frame = requestAnimationFrame(onFrame);
  };
  const keepMoving = () => {
    movingUntil = performance.now() + REST_MS;
    clearTimeout(restTimer);
    restTimer = window.setTimeout(invalidate, REST_MS + 20);
  };

  function onFrame(): void {
    frame = 0;
    if (pointerMoved) {
      pointerMoved = false;
      hoverAt(pointer);
    }
    if (dirty && visible) draw();
  }

  /** Grid, tree, range and ticks as they are now in the store. */
  function readModel(): void {
    const next = store.grid.value;
    const nextTree = store.tree.value;
    const wanted = store.spec.value;
    const asked = wanted?.scale ?? "linear";
    const clip = store.view.value.clip ?? null;
    const changed = next !== live || (next !== null && next.revision !== revision);
    if (next && changed) {
      const fresh = engineGrid(next);
      if (grid && grid.n0 === fresh.n0 && grid.n1 === fresh.n1) surface.updateGrid(fresh);
      else {
        surface.setGrid(fresh);
        tree = null;
        tinted = [];
      }
      grid = fresh;
    }
    if (!next) grid = null;
    live = next;
    revision = next?.revision ?? -1;
    if (next && (nextTree !== tree || changed)) {
      const fits = nextTree !== null && nextTree.basins.length === next.values.length;
      if (nextTree !== tree) surface.setBasins(fits ? nextTree.basins : null);
      points = criticalPoints(next, fits ? nextTree : null);
    }
    tree = nextTree;
    if (!next) return;
    if (wanted !== checked || changed) {
      checked = wanted;
      stale = wanted !== null && samplingKey(next.spec) !== samplingKey(wanted);
    }
    const common = store.range?.value ?? null;
    if (!changed && asked === drawnScale[0] && clip === drawnScale[1] && common === drawnScale[2]) return;
    drawnScale = [asked, clip, common];
    ({ range, scale, clipped } = verticalRange(spanned(next, common), asked, clip));
    levels = contourLevels(range, next.base, scale);
    const bar = ui.bar.peek();
    const [low, high] = range;
    if (!bar || bar.low !== low || bar.high !== high || bar.scale !== scale || bar.clipped !== clipped) {
      ui.bar.value = { low, high, scale, clipped };
    }
  }

  /** How much larger than its own pixels the surface is shown; the browser is asked when the size changes. */
  let zoom = zoomOf(root);
  function pixelRatio(): number {
    return Math.min(3, (window.devicePixelRatio || 1) * zoom);
  }

  /** The picture that is wanted now; one object, written anew for every frame. */
  function look(moving: boolean): Look {
    const view = store.view.value;
    picture.yaw = view.yaw;
    picture.pitch = view.pitch;
    picture.zoom = view.zoom;
    picture.pan = view.pan;
    picture.exaggeration = view.exaggeration;
    picture.range = range;
    picture.scale = scale;
    picture.base = live?.base ?? 0;
    picture.flat = isFlat();
    picture.clipped = clipped;
    picture.floor = view.floor === true;
    picture.band = bandOf(view.brush ?? null, range, picture.base);
    picture.colormap = view.colormap;
    picture.contours = view.contours;
    picture.levels = levels.heights;
    picture.levelWeights = levels.weights;
    axisLines[0] = ticks.x;
    axisLines[1] = ticks.y;
    axisLines[2] = ticks.z;
    picture.selectedBasin = basinOf(store.selection.value, tree);
    picture.hoverBasin = tree && tree.branches.length > 1 ? basinOf(store.hover.value, tree) : -1;
    picture.fade = stale ? 0.6 : 0;
    picture.ghost = live?.state === "predicted";
    picture.background = background;
    picture.ink = ink;
    picture.moving = moving;
    picture.width = canvas.width;
    picture.height = canvas.height;
    picture.pixelRatio = pixelRatio();
    picture.inset = inset;
    return picture;
  }

  function draw(): void {
    const { width, height } = ui.size.value;
    if (!context || width < 2 || height < 2 || !canvas.isConnected) return;
    dirty = false;
    const [drawnRevision, drawnTree] = [revision, tree];
    readModel();
    const streamed = revision !== drawnRevision && live?.state !== "final";
    const simplified = revision === drawnRevision && tree !== drawnTree;
    const ratio = pixelRatio();
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    if (!grid || !live) {
      context.clearRect(0, 0, w, h);
      axes.clear();
      ui.anchor.value = null;
      return;
    }
    let moving = performance.now() < movingUntil;
    if (!moving) {
      const now = colorsOf(root);
      if (css(now.ink) !== css(ink) || css(now.background) !== css(background)) {
        ({ ink, background } = now);
        ui.colors.value = now;
      }
    }
    if ((streamed || simplified) && fullCost > SLOW_MS) {
      moving = true;
      keepMoving();
    }
    insets(width, height, ratio, isFlat(), inset);
    inset[2] += covered * ratio;
    setCamera(camera, look(moving), grid);
    ticks = axisTicks(camera, grid, range, live.base, scale);
    setMarkers(live.base);
    setTint();
    setLabels(moving);
    if (ui.lines.value !== lined) {
      lined = ui.lines.value;
      surface.setLines(lined);
    }
    const cost = surface.draw(look(moving), context);
    if (!moving) fullCost = cost;
    axes.draw({ camera, ticks, labels: live.labels, bottom: range[0] });
    placeTooltip();
    if (!moving) placeReadOut();
  }

  /** The colours of the basins, on a surface that has their tree. */
  function setTint(): void {
    const { n0, n1 } = grid!;
    const wanted = store.view.value.basin_map === true && tree?.basins.length === n0 * n1 ? tree : null;
    const dark = background[0] + background[1] + background[2] < 1.2;
    const key = [wanted?.basins, n1, wanted && dark];
    if (key.every((part, k) => part === tinted[k])) return;
    tinted = key;
    surface.setTint(wanted && basinTint(wanted, n1, dark));
  }

  function setMarkers(base: number): void {
    const key = [
      points,
      store.selection.value,
      store.hover.value,
      clipped && range[1],
      ui.marks.value,
    ] as const;
    if (key.every((part, k) => part === marked[k])) return;
    marked = key;
    surface.setMarkers(shownMarkers(base));
  }

  function shownMarkers(base: number): Marker[] {
    const all = [...markersOf(points, store.selection.value, store.hover.value, base), ...ui.marks.value];
    return clipped ? all.filter((marker) => marker.z <= range[1]) : all;
  }

  /** Losses on the contour lines; while the surface changes there are none. */
  function setLabels(moving: boolean): void {
    const { contours, contour_labels: wanted } = store.view.value;
    const shown = contours && wanted !== false && live?.state === "final";
    const key = [shown && live?.values, shown && levels, shown && live?.revision];
    if (key.every((part, k) => part === labelled[k])) return;
    if (moving && shown) {
      // A tile or a drag: text of the last surface would lie.
      if (labelled.length > 0) surface.setLabels(NO_LABELS);
      labelled = [];
      return;
    }
    labelled = key;
    surface.setLabels(shown && live ? contourLabels(live, levels) : NO_LABELS);
  }

  const band: [number, number] = [0, 0];
  function bandOf(
    losses: readonly [number, number] | null,
    shown: readonly [number, number],
    base: number,
  ): [number, number] | null {
    if (losses === null || !bandMeets(losses, shown, base)) return null;
    band[0] = losses[0] - base;
    band[1] = losses[1] - base;
    return band;
  }

  /** To a preset, in a short move unless the reader asks for none. */
  function fly(to: Preset): void {
    cancelAnimationFrame(flight);
    const { yaw, pitch } = store.view.value;
    const target = PRESETS[to](store.surface.value?.facing);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      store.setView(target);
      return;
    }
    const start = performance.now();
    const step = (now: number) => {
      keepMoving();
      const done = Math.min(1, Math.max(0, (now - start) / FLIGHT_MS));
      store.setView(eased({ yaw, pitch }, target, done));
      if (done < 1) flight = requestAnimationFrame(step);
    };
    flight = requestAnimationFrame(step);
  }

  function placeTooltip(): void {
    const { kind, coordinates, loss, from } = store.hover.value;
    let anchor: { x: number; y: number } | null = null;
    if (kind !== "none" && pointer && from === "surface") anchor = pointer;
    else if (kind !== "none" && coordinates && loss !== null && live) {
      project(camera, coordinates[0], coordinates[1], loss - live.base, projected);
      anchor = { x: projected[0]! / camera.pixelRatio, y: projected[1]! / camera.pixelRatio };
    }
    const last = ui.anchor.peek();
    if (anchor?.x !== last?.x || anchor?.y !== last?.y) ui.anchor.value = anchor;
  }

  /** At rest only, and only when something has changed that decides it. */
  function placeReadOut(): void {
    const chosen = store.selection.value;
    const key = [chosen, store.view.value, ui.size.value, live?.revision, scale];
    if (chosen.kind === "none" || key.every((part, k) => part === cornerOf[k])) return;
    const card = root.parentElement?.querySelector<HTMLElement>(".nbl-readout");
    if (!card) return;
    cornerOf = key;
    const { width, height } = ui.size.value;
    const size = { width: card.offsetWidth, height: card.offsetHeight };
    const busy = (x: number, y: number) => pickAt({ x, y }) !== null;
    const place = barPlace(width, height);
    const panel = { width, height };
    ui.corner.value = freeCorner(panel, size, axes.texts(), busy, place, ui.corner.value, spotOf(chosen));
  }

  /** Where the selected point is drawn. */
  function spotOf({ coordinates, loss }: Selection): { x: number; y: number } | null {
    if (coordinates === null || loss === null || live === null) return null;
    project(camera, coordinates[0], coordinates[1], loss - live.base, projected);
    return { x: projected[0]! / camera.pixelRatio, y: projected[1]! / camera.pixelRatio };
  }

  function pickAt(at: { x: number; y: number }) {
    return grid ? pick(grid, camera, at.x * camera.pixelRatio, at.y * camera.pixelRatio) : null;
  }

  /** Those that the surface is not cut off below. */
  const shownStops = () => ui.stops.value.filter((stop) => !clipped || stop.z <= range[1]);

  function markedAt(at: { x: number; y: number }): CriticalPoint | null {
    return grid && markerAt([...points, ...shownStops()], grid, camera, at);
  }

  const vertexOf = ({ vertex }: CriticalPoint) => (vertex < 0 ? null : vertex);

  function hoverPoint(point: CriticalPoint): void {
    store.hover.value = {
      kind: point.kind === "model" || point.kind === "point" ? "vertex" : point.kind,
      vertex: vertexOf(point),
      coordinates: [point.x, point.y],
      loss: point.loss,
      from: "surface",
    };
  }

  function clearHover(): void {
    const { kind, from } = store.hover.peek();
    if (kind !== "none" && from === "surface") {
      store.hover.value = { kind: "none", vertex: null, coordinates: null, loss: null, from: "surface" };
    }
  }

  function hoverAt(at: { x: number; y: number } | null): void {
    const marker = at && markedAt(at);
    canvas.style.cursor = marker ? "pointer" : "";
    if (marker) {
      hoverPoint(marker);
      return;
    }
    const hit = at && live ? pickAt(at) : null;
    if (!hit || !live) {
      clearHover();
      return;
    }
    store.hover.value = {
      kind: "vertex",
      vertex: hit.vertex,
      coordinates: [hit.x, hit.y],
      loss: hit.z + live.base,
      from: "surface",
    };
  }

  function select(point: CriticalPoint): void {
    const { kind, x, y, loss } = point;
    store.select({ kind, vertex: vertexOf(point), coordinates: [x, y], loss });
  }

  function clearSelection(): void {
    store.select({ kind: "none", vertex: null, coordinates: null, loss: null });
  }

  function stepTo(by: 1 | -1, among: () => readonly CriticalPoint[]): void {
    readModel();
    const all = among();
    if (all.length === 0) return;
    const here = stepped;
    const same = (p: CriticalPoint) =>
      p.kind === here?.kind && p.vertex === here.vertex && p.told?.title === here.told?.title;
    const at = all.findIndex(same);
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
    stepped = all[next]!;
    pointer = null;
    hoverPoint(stepped);
    store.announcement.value = announce(stepped);
  }

  const room = () => {
    const { width, height } = ui.size.value;
    const ratio = pixelRatio();
    return Math.min(width - (inset[1] + inset[3]) / ratio, height - (inset[0] + inset[2]) / ratio);
  };

  function zoomAt(factor: number, x: number, y: number): void {
    const ratio = pixelRatio();
    const { width, height } = ui.size.value;
    const middleX = (inset[3] / ratio + width - inset[1] / ratio) / 2;
    const middleY = (inset[0] / ratio + height - inset[2] / ratio) / 2;
    keepMoving();
    store.setView(zoomed(store.view.value, factor, x - middleX, y - middleY, room()));
  }

  const gestures = {
    rotate(dx: number, dy: number) {
      cancelAnimationFrame(flight);
      keepMoving();
      if (!isFlat()) store.setView(rotated(store.view.value, dx, dy));
      else gestures.pan(dx, dy);
    },
    pan(dx: number, dy: number) {
      keepMoving();
      store.setView(panned(store.view.value, dx, dy, room()));
    },
    zoom: zoomAt,
    point(at: { x: number; y: number } | null) {
      pointer = at;
      pointerMoved = true;
      if (frame === 0 && visible) frame = requestAnimationFrame(onFrame);
    },
    click(x: number, y: number) {
      if (!live || !grid) return;
      if (ui.pick.value) {
        const marker = markedAt({ x, y });
        const at = marker ?? pickAt({ x, y });
        if (at) ui.pick.value([at.x, at.y]);
        return;
      }
      // The second click of a double click resets the view and must not select as well.
      const now = performance.now();
      const second = now - lastClick < DOUBLE_CLICK_MS;
      lastClick = now;
      if (second) return;
      beforeClick = store.selection.value;
      const marker = markedAt({ x, y });
      if (marker) {
        stepped = marker;
        if (samePoint(marker, store.selection.value)) clearSelection();
        else select(marker);
        return;
      }
      const hit = pickAt({ x, y });
      if (!hit) {
        clearSelection();
        return;
      }
      store.select({ kind: "point", vertex: null, coordinates: [hit.x, hit.y], loss: hit.z + live.base });
    },
    reset() {
      if (beforeClick && beforeClick !== store.selection.value) store.select(beforeClick);
      beforeClick = null;
      store.resetView();
    },
    declined: () => {
      ui.declined.value++;
    },
  };

  function onKey(event: KeyboardEvent): void {
    const key = surfaceKey(event);
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!key && !(plain && ui.key(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    if (!key) return;
    const { width, height } = ui.size.value;
    if (key.do === "rotate") gestures.rotate(key.dx, key.dy);
    else if (key.do === "pan") gestures.pan(key.dx, key.dy);
    else if (key.do === "zoom") zoomAt(key.factor, width / 2, height / 2);
    else if (key.do === "step") stepTo(key.by, () => points);
    else if (key.do === "stop") stepTo(key.by, shownStops);
    else if (key.do === "reset") store.resetView();
    else if (key.do === "select") {
      if (stepped) select(stepped);
    } else if (key.do === "contours") store.setView({ contours: !store.view.value.contours });
    else if (key.do === "basins") store.setView({ basin_map: !store.view.value.basin_map });
    else if (key.do === "floor") store.setView({ floor: !store.view.value.floor });
    else if (key.do === "labels")
      store.setView({ contour_labels: store.view.value.contour_labels === false });
    else if (key.do === "map") store.setView({ map: !store.view.value.map });
    else if (key.do === "preset") {
      if (!isFlat()) ui.fly(key.to);
    } else if (store.view.value.brush) store.setView({ brush: null });
    else {
      stepped = null;
      clearHover();
      clearSelection();
    }
  }

  ui.named = () => (stepped?.told ? [stepped, ...ui.stops.value] : ui.stops.value);
  ui.fly = fly;
  ui.capture = (enlarged, apart = false) => {
    if (!grid || !live) return null;
    const { width, height } = ui.size.value;
    // The picture has all of the panel, whatever lies over it on the page.
    covered = 0;
    draw();
    const sheet = () => {
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(width * enlarged);
      canvas.height = Math.round(height * enlarged);
      return canvas.getContext("2d");
    };
    const into = sheet();
    const above = apart && isFlat() && store.view.value.contours ? sheet() : null;
    if (!into) return null;
    const [w, h] = [into.canvas.width, into.canvas.height];
    const large = {
      ...look(false),
      width: w,
      height: h,
      pixelRatio: enlarged,
      inset: insets(width, height, enlarged, isFlat()),
    };
    let contours: readonly ContourPath[] = [];
    if (above) {
      setCamera(camera, large, grid);
      contours = contourPaths(live, levels, camera, large.colormap);
      const labels = createLabels();
      if (live.state === "final" && store.view.value.contour_labels !== false)
        labels.set(contourLabels(live, levels));
      paintLines(above, camera, large, ui.lines.value);
      labels.paint(above, camera, large, grid);
      paintMarkers(above, camera, large, grid, shownMarkers(live.base));
      surface.setLines([]);
      surface.setLabels([]);
      surface.setMarkers([]);
      large.contours = false;
      // To be set again by the next draw.
      [marked, labelled, lined] = [[], [], []];
    }
    surface.draw(large, into);
    const texts = axes.texts().map((text) => ({ ...text }));
    covered = ui.covered.value;
    invalidate();
    return {
      canvas: into.canvas,
      over: above?.canvas ?? null,
      contours,
      width,
      height,
      texts,
      ink,
      background,
    };
  };
  const stopPointers = listenToPointers(root, gestures);
  root.addEventListener("keydown", onKey);
  const stopEffect = effect(() => {
    // Whatever a picture depends on.
    void [store.grid.value, store.tree.value, store.view.value, store.selection.value];
    void store.range?.value;
    void [store.hover.value, store.spec.value, ui.size.value, ui.lines.value, ui.marks.value];
    covered = ui.covered.value;
    invalidate();
  });
  const stopRestore = engine?.onRestore(invalidate);
  const stopAttention = watchAttention(root, ui.size, {
    resized(changed) {
      zoom = zoomOf(root);
      // At once: a resized canvas is blank until it is drawn.
      if (changed && visible) draw();
    },
    seen(now) {
      visible = now;
      // Hosts blank canvases that were scrolled away or re-attached.
      if (visible) invalidate();
    },
    recolored: invalidate,
  });

  return () => {
    cancelAnimationFrame(frame);
    cancelAnimationFrame(flight);
    clearTimeout(restTimer);
    stopPointers();
    root.removeEventListener("keydown", onKey);
    stopEffect();
    stopRestore?.();
    stopAttention();
    surface.dispose();
  };
}
