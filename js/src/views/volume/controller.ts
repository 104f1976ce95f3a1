import { effect, type Signal } from "@preact/signals";
import { type Camera, createCamera, HALF_HEIGHT, project, setCamera } from "../../gl/camera";
import type { Engine } from "../../gl/engine";
import { getEngine } from "../../gl/engine-registry";
import { createFlatVolume, type FlatVolume } from "../../gl/flat-volume";
import { MARKER_LIFT, MARKER_RADIUS } from "../../gl/paint-markers";
import type { Volume, VolumeGrid, VolumeLook } from "../../gl/volume";
import { pickVolume, type VolumeHit } from "../../gl/volume-pick";
import { createWebglVolume } from "../../gl/webgl-volume";
import type { LiveTree, Store } from "../../model/store";
import {
  coordinateAt,
  drawnAt,
  endsOf,
  type LiveVolume,
  type Place,
  placeOf,
  volumeOf,
} from "../../model/volume-data";
import { num } from "../parts/format";
import { zoomOf } from "../parts/zoom";
import { watchAttention } from "../surface/attention";
import { type AxisTicks, createAxes, tickCounts } from "../surface/axes";
import { colorsOf, type Rgb } from "../surface/colors";
import { basinOf } from "../surface/critical";
import { type Corner, freeCorner } from "../surface/free-corner";
import { barPlace, type Inset, insets } from "../surface/layout";
import { panned, rotated, zoomed } from "../surface/navigate";
import { listenToPointers } from "../surface/pointer";
import { contourLevels, type Levels } from "../surface/scene";
import { linearTicks } from "../surface/ticks";
import { dragged, type Grip, gripAt } from "./grab";
import { volumeKey } from "./keyboard";
import {
  announcePoint,
  fits,
  levelText,
  lowestOf,
  samePoint,
  type VolumePoint,
  volumeMarkers,
  volumePoints,
} from "./points";
import {
  change,
  firstSecond,
  isColored,
  levelOf,
  lossAt,
  nestedLevels,
  nextMerge,
  positionOf,
  restingPlace,
  rounded,
  type Scale,
  scaleOf,
  secondOf,
  sliceIndices,
  slicesOf,
} from "./state";
import { volumeTint } from "./tint";

/** What the controller tells the components around the canvas. */
export interface VolumeUi {
  anchor: Signal<{ x: number; y: number } | null>;
  /** What is pointed at: on what it lies, and in which basin. */
  pointed: Signal<VolumeHit | null>;
  size: Signal<{ width: number; height: number }>;
  flat: Signal<boolean>;
  declined: Signal<number>;
  /** Where the read-out of the selection covers least. */
  corner: Signal<Corner>;
  /** A hand is on the level or a slice: draw what is quick. */
  moving: Signal<number>;
}

export interface VolumeElements {
  root: HTMLElement;
  canvas: HTMLCanvasElement;
  svg: SVGSVGElement;
}

const REST_MS = 160;
const DOUBLE_CLICK_MS = 350;
const HIT_RADIUS = 14;
const LEVEL_STEP = 0.01;

/** Connects the store with one canvas: draws on change, only while visible; turns gestures into actions. */
export function createVolumeController(store: Store, elements: VolumeElements, ui: VolumeUi): () => void {
  const { root, canvas, svg } = elements;
  const context = canvas.getContext("2d");
  const engine: Engine | null = getEngine();
  const solid: Volume | null = engine ? engine.attach(createWebglVolume) : null;
  const flat: FlatVolume | null = engine ? null : createFlatVolume();
  const camera: Camera = createCamera();
  const projected = new Float64Array(3);
  ui.flat.value = !engine;

  let volume: LiveVolume | null = null;
  let grid: VolumeGrid | null = null;
  let tree: LiveTree | null = null;
  let points: VolumePoint[] = [];
  let stepped: VolumePoint | null = null;
  let scale: Scale | null = null;
  let scaled: unknown[] = [];
  let sliced: unknown = null;
  let levels: Levels = { heights: [], weights: [] };
  let ticks: AxisTicks = { x: [], y: [], z: [], losses: [] };
  let ticked = false;
  const counts = new Int32Array(3);
  const lastCounts = new Int32Array(3);
  let tinted: unknown[] = [];
  let marked: unknown[] = [];
  let cornerOf: unknown[] = [];
  let ink: Rgb = [0.1, 0.1, 0.12];
  let background: Rgb = [1, 1, 1];
  let inset: Inset = [0, 0, 0, 0];
  let pointer: { x: number; y: number } | null = null;
  let pointerMoved = false;
  let lastAxis: 0 | 1 | 2 = 2;
  let visible = true;
  let dirty = true;
  let frame = 0;
  let movingUntil = 0;
  let restTimer = 0;
  let lastClick = Number.NEGATIVE_INFINITY;
  const axes = createAxes(svg);
  const axisLines: [readonly number[], readonly number[], readonly number[]] = [[], [], []];
  const picture: VolumeLook = {
    yaw: 0,
    pitch: 0,
    zoom: 1,
    pan: [0, 0],
    // A cube, as wide as it is deep: no axis is the height of another.
    exaggeration: 1 / HALF_HEIGHT,
    stretch: 1,
    range: [0, 1],
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
    extent: { x0: [0, 1], x1: [0, 1] },
    level: Number.NaN,
    outer: Number.NaN,
    slices: [null, null, null],
    heights: { range: [0, 1], scale: "linear", base: 0 },
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

  function readModel(): void {
    const next = volumeOf(store);
    const nextTree = store.tree.value;
    const wanted = store.spec.value?.scale ?? "linear";
    if (next !== volume) {
      volume = next;
      tree = null;
      tinted = [];
      points = [];
      sliced = null;
      grid = next && { shape: next.shape, values: next.values };
      if (next && grid) {
        solid?.setGrid(grid);
        flat?.setVolume(next);
        picture.extent = { x0: endsOf(next, 0), x1: endsOf(next, 1) };
        picture.range = endsOf(next, 2);
        ticked = false;
      }
    }
    if (next && (nextTree !== tree || points.length === 0)) points = volumePoints(next, nextTree);
    tree = nextTree;
    if (!next) return;
    if (scaled[0] === next && scaled[1] === wanted) return;
    scaled = [next, wanted];
    scale = scaleOf(next, wanted);
    levels = contourLevels(scale.range, next.base, scale.kind);
    picture.heights = { range: scale.range, scale: scale.kind, base: next.base };
  }

  /** How much larger than its own pixels the volume is shown; the browser is asked when the size changes. */
  let zoom = zoomOf(root);
  const pixelRatio = () => Math.min(3, (window.devicePixelRatio || 1) * zoom);

  function look(moving: boolean, of: LiveVolume): VolumeLook {
    const view = store.view.value;
    picture.yaw = view.yaw;
    picture.pitch = view.pitch;
    picture.zoom = view.zoom;
    picture.pan = view.pan;
    picture.colormap = view.colormap;
    picture.contours = view.contours;
    picture.levels = levels.heights;
    picture.levelWeights = levels.weights;
    axisLines[0] = ticks.x;
    axisLines[1] = ticks.y;
    axisLines[2] = ticks.z;
    picture.background = background;
    picture.ink = ink;
    picture.moving = moving;
    picture.width = canvas.width;
    picture.height = canvas.height;
    picture.pixelRatio = pixelRatio();
    picture.inset = inset;
    const [level, outer] = nestedLevels(store, of);
    picture.level = level - of.base;
    picture.outer = outer - of.base;
    const slices = slicesOf(store);
    if (slices !== sliced) picture.slices = sliceIndices(of, slices);
    sliced = slices;
    return picture;
  }

  /** Round coordinates, as many as the box has room for; the same arrays while their numbers stay the same. */
  function setTicks(of: LiveVolume): void {
    tickCounts(camera, counts);
    if (ticked && counts.every((count, k) => count === lastCounts[k])) return;
    lastCounts.set(counts);
    ticked = true;
    const [x, y, z] = [0, 1, 2].map((k) => linearTicks(...endsOf(of, k), counts[k]!)) as [
      number[],
      number[],
      number[],
    ];
    ticks = { x, y, z, losses: z };
  }

  function draw(): void {
    const { width, height } = ui.size.value;
    if (!context || width < 2 || height < 2 || !canvas.isConnected) return;
    dirty = false;
    readModel();
    const ratio = pixelRatio();
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    if (!volume || !scale) {
      context.clearRect(0, 0, w, h);
      axes.clear();
      ui.anchor.value = null;
      return;
    }
    const moving = performance.now() < movingUntil;
    if (!moving) ({ ink, background } = colorsOf(root));
    setMarkers(volume);
    inset = insets(width, height, ratio, flat !== null);
    if (flat !== null) {
      axes.clear();
      flat.draw(look(moving, volume), context, points);
      placeTooltip();
      return;
    }
    if (solid === null) return;
    setCamera(camera, look(moving, volume), picture.extent);
    setTicks(volume);
    setTint(volume);
    solid.draw(look(moving, volume), context);
    if (solid.pending) invalidate();
    const [x, y, z] = volume.data.labels;
    axes.draw({ camera, ticks, labels: [x, y], upright: z, bottom: picture.range[0] });
    placeTooltip();
    if (!moving) placeReadOut();
  }

  /** At rest only, and only when something has changed that decides it. */
  function placeReadOut(): void {
    const key = [store.selection.value, store.view.value, ui.size.value, volume];
    if (key.every((part, k) => part === cornerOf[k])) return;
    const card = root.parentElement?.querySelector<HTMLElement>(".nbl-readout");
    if (!card) return;
    cornerOf = key;
    const { width, height } = ui.size.value;
    const size = { width: card.offsetWidth, height: card.offsetHeight };
    const busy = (x: number, y: number) => pickAt({ x, y }) !== null;
    const bar = barPlace(width, height);
    ui.corner.value = freeCorner({ width, height }, size, axes.texts(), busy, bar, ui.corner.value);
  }

  /** The hues of the basins, and the emphasis on the one that is selected or pointed at in the tree. */
  function setTint(of: LiveVolume): void {
    if (solid === null) return;
    const known = fits(of, tree) ? tree : null;
    const colored = isColored(store) && known !== null && known.branches.length > 1;
    const chosen = basinOf(store.selection.value, known);
    const hovered = store.hover.value.from === "tree" ? basinOf(store.hover.value, known) : -1;
    const row = known === null || known.branches.length < 2 ? -1 : chosen >= 0 ? chosen : hovered;
    const dark = colored && background[0] + background[1] + background[2] < 1.2;
    const key = [colored || row >= 0 ? known : null, colored, row, dark];
    if (key.every((part, k) => part === tinted[k])) return;
    tinted = key;
    const wanted = colored || row >= 0;
    solid.setTint(wanted ? volumeTint(known!, of.shape[2], dark, colored, row) : null, colored);
  }

  function setMarkers(of: LiveVolume): void {
    const [selection, hover] = [store.selection.value, store.hover.value];
    const key = [points, selection, hover, of];
    if (key.every((part, k) => part === marked[k])) return;
    marked = key;
    solid?.setMarkers(volumeMarkers(points, selection, hover, of));
  }

  function placeTooltip(): void {
    const { kind, vertex, from } = store.hover.value;
    let anchor: { x: number; y: number } | null = null;
    if (kind !== "none" && pointer && from === "surface") anchor = pointer;
    else if (kind !== "none" && flat === null && volume) {
      const at = points.find((p) => p.vertex === vertex && (p.kind === kind || p.kind === "model"));
      if (at) anchor = screenAt(at.at, volume);
    }
    const last = ui.anchor.peek();
    if (anchor?.x !== last?.x || anchor?.y !== last?.y) ui.anchor.value = anchor;
  }

  /** Where grid indices are drawn, CSS pixels. */
  function screenAt(at: Place, of: LiveVolume): { x: number; y: number } {
    project(camera, drawnAt(of, 0, at[0]), drawnAt(of, 1, at[1]), drawnAt(of, 2, at[2]), projected);
    return { x: projected[0]! / camera.pixelRatio, y: projected[1]! / camera.pixelRatio };
  }

  function markerAt(at: { x: number; y: number }): VolumePoint | null {
    if (flat !== null) return flat.markerAt(at.x * pixelRatio(), at.y * pixelRatio(), points);
    let best: VolumePoint | null = null;
    let nearest = HIT_RADIUS;
    for (const p of points) {
      const { x, y } = screenAt(p.at, volume!);
      const distance = Math.hypot(x - at.x, y - MARKER_LIFT[p.kind] * MARKER_RADIUS - at.y);
      if (distance < nearest) [best, nearest] = [p, distance];
    }
    return best;
  }

  function pickAt(at: { x: number; y: number }): VolumeHit | null {
    const [x, y] = [at.x * pixelRatio(), at.y * pixelRatio()];
    if (flat !== null) return flat.pick(x, y);
    return grid && pickVolume(grid, camera, x, y, picture.level, picture.slices);
  }

  /** The slice whose edge lies there, unless a marked point does. */
  function edgeAt(at: { x: number; y: number }): Grip | null {
    const of = volume;
    if (of === null || flat !== null || markerAt(at)) return null;
    return gripAt(of.shape, picture.slices, (place) => screenAt(place, of), at);
  }

  function hoverPoint(p: VolumePoint): void {
    ui.pointed.value = null;
    const { kind, vertex, place, loss } = p;
    const of = kind === "model" ? "vertex" : kind;
    store.hover.value = { kind: of, vertex, coordinates: place, loss, from: "surface" };
  }

  function clearHover(): void {
    ui.pointed.value = null;
    const { kind, from } = store.hover.peek();
    if (kind !== "none" && from === "surface")
      store.hover.value = { kind: "none", vertex: null, coordinates: null, loss: null, from: "surface" };
  }

  function hoverAt(at: { x: number; y: number } | null): void {
    const marker = at && volume ? markerAt(at) : null;
    canvas.style.cursor = marker ? "pointer" : at && edgeAt(at) ? "move" : "";
    if (marker) {
      hoverPoint(marker);
      return;
    }
    const hit = at && volume ? pickAt(at) : null;
    if (!hit || !volume) {
      clearHover();
      return;
    }
    ui.pointed.value = hit;
    const [i, j, k] = hit.at.map(Math.round) as Place;
    store.hover.value = {
      kind: "vertex",
      vertex: (i * volume.shape[1] + j) * volume.shape[2] + k,
      coordinates: placeOf(volume, hit.at),
      loss: hit.value + volume.base,
      from: "surface",
    };
  }

  const select = ({ kind, vertex, place, loss }: VolumePoint) =>
    store.select({ kind, vertex, coordinates: place, loss });
  const clearSelection = () => store.select({ kind: "none", vertex: null, coordinates: null, loss: null });

  function stepTo(by: 1 | -1): void {
    if (points.length === 0) return;
    const at = points.findIndex((p) => p.kind === stepped?.kind && p.vertex === stepped.vertex);
    const next = at < 0 ? (by > 0 ? 0 : points.length - 1) : (at + by + points.length) % points.length;
    stepped = points[next]!;
    pointer = null;
    hoverPoint(stepped);
    store.announcement.value = announcePoint(stepped);
  }

  function setLevel(loss: number): void {
    keepMoving();
    change(store, { level: loss });
    store.announcement.value = levelText(tree, loss);
  }

  function switchSecond(of: LiveVolume): void {
    const second = secondOf(store) === null ? firstSecond(store, of) : null;
    change(store, { second });
    store.announcement.value = second === null ? "Second level off" : `Second: ${levelText(tree, second)}`;
  }

  function setSlice(axis: 0 | 1 | 2, at: number | null): void {
    keepMoving();
    lastAxis = axis;
    const slices = [...slicesOf(store)] as ReturnType<typeof slicesOf>;
    slices[axis] = at;
    change(store, { slices });
    const name = volume?.data.labels[axis] ?? "";
    store.announcement.value = at === null ? `Slice along ${name} off` : `Slice at ${name} = ${num(at)}`;
  }

  const room = () => {
    const { width, height } = ui.size.value;
    const ratio = pixelRatio();
    return Math.min(width - (inset[1] + inset[3]) / ratio, height - (inset[0] + inset[2]) / ratio);
  };

  function zoomAt(factor: number, x: number, y: number): void {
    if (flat !== null) return;
    const ratio = pixelRatio();
    const { width, height } = ui.size.value;
    const middleX = (inset[3] / ratio + width - inset[1] / ratio) / 2;
    const middleY = (inset[0] / ratio + height - inset[2] / ratio) / 2;
    keepMoving();
    store.setView(zoomed(store.view.value, factor, x - middleX, y - middleY, room()));
  }

  const gestures = {
    rotate(dx: number, dy: number) {
      if (flat !== null) return;
      keepMoving();
      store.setView(rotated(store.view.value, dx, dy));
    },
    pan(dx: number, dy: number) {
      if (flat !== null) return;
      keepMoving();
      store.setView(panned(store.view.value, dx, dy, room()));
    },
    grab(x: number, y: number) {
      const [of, grip] = [volume, edgeAt({ x, y })];
      if (of === null || grip === null) return null;
      const { axis } = grip;
      return (toX: number, toY: number) => {
        const index = dragged(grip, toX - x, toY - y, of.shape[axis] - 1);
        setSlice(axis, Number(coordinateAt(of.axes[axis], index).toPrecision(5)));
      };
    },
    zoom: zoomAt,
    point(at: { x: number; y: number } | null) {
      pointer = at;
      pointerMoved = true;
      if (frame === 0 && visible) frame = requestAnimationFrame(onFrame);
    },
    click(x: number, y: number) {
      if (!volume) return;
      // The second click of a double click resets the view and must not select as well.
      const now = performance.now();
      const second = now - lastClick < DOUBLE_CLICK_MS;
      lastClick = now;
      if (second) return;
      const marker = markerAt({ x, y });
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
      const coordinates = placeOf(volume, hit.at);
      store.select({ kind: "point", vertex: null, coordinates, loss: hit.value + volume.base });
    },
    reset: store.resetView,
    declined: () => {
      ui.declined.value++;
    },
  };

  function onKey(event: KeyboardEvent): void {
    const key = volumeKey(event);
    if (!key) return;
    event.preventDefault();
    event.stopPropagation();
    readModel();
    const { width, height } = ui.size.value;
    if (key.do === "rotate") gestures.rotate(key.dx, key.dy);
    else if (key.do === "pan") gestures.pan(key.dx, key.dy);
    else if (key.do === "zoom") zoomAt(key.factor, width / 2, height / 2);
    else if (key.do === "step") stepTo(key.by);
    else if (key.do === "reset") store.resetView();
    else if (key.do === "select") {
      if (stepped) select(stepped);
    } else if (key.do === "contours") store.setView({ contours: !store.view.value.contours });
    else if (key.do === "basins") store.setView({ basin_map: !isColored(store) });
    else if (key.do === "clear") {
      stepped = null;
      clearHover();
      clearSelection();
    } else if (volume && scale) onVolumeKey(key, volume, scale);
  }

  function onVolumeKey(key: NonNullable<ReturnType<typeof volumeKey>>, of: LiveVolume, scale: Scale): void {
    if (key.do === "level") {
      const share = positionOf(scale, of, levelOf(store, of)) + key.by * LEVEL_STEP;
      setLevel(rounded(of, lossAt(scale, of, Math.min(1, Math.max(0, share)))));
    } else if (key.do === "merge") {
      const next = nextMerge(store, of, key.by);
      if (next !== null) setLevel(next);
    } else if (key.do === "second") {
      switchSecond(of);
    } else if (key.do === "slice") {
      const shown = slicesOf(store)[key.axis] !== null;
      setSlice(key.axis, shown ? null : restingPlace(of, lowestOf(points), key.axis));
    } else if (key.do === "move") {
      const at = slicesOf(store)[lastAxis];
      if (at === null) return;
      const [low, high] = endsOf(of, lastAxis);
      const step = (high - low) / Math.max(40, of.shape[lastAxis] - 1);
      setSlice(lastAxis, Math.min(high, Math.max(low, at + key.by * step)));
    }
  }

  const stopPointers = listenToPointers(root, gestures);
  root.addEventListener("keydown", onKey);
  const stopEffect = effect(() => {
    void [volumeOf(store), store.tree.value, store.view.value, store.selection.value];
    void [store.hover.value, store.spec.value, ui.size.value];
    invalidate();
  });
  const stopMoving = effect(() => {
    if (ui.moving.value > 0) keepMoving();
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
    clearTimeout(restTimer);
    stopPointers();
    root.removeEventListener("keydown", onKey);
    stopEffect();
    stopMoving();
    stopRestore?.();
    stopAttention();
    solid?.dispose();
  };
}
