import { effect, type Signal } from "@preact/signals";
import { type Camera, createCamera, HALF_HEIGHT, project, setCamera } from "../../gl/camera";
import type { Engine } from "../../gl/engine";
import { getEngine } from "../../gl/engine-registry";
import { createFlatVolume, type FlatVolume } from "../../gl/flat-volume";
import { fraction } from "../../gl/height-map";
import { MARKER_LIFT, MARKER_RADIUS } from "../../gl/paint-markers";
import type { Volume, VolumeGrid, VolumeLook } from "../../gl/volume";
import { pickVolume, type VolumeHit } from "../../gl/volume-pick";
import { createWebglVolume } from "../../gl/webgl-volume";
import type { LiveTree, Store } from "../../model/store";
import { type LiveVolume, type Place, placeOf, volumeOf } from "../../model/volume-data";
import { num, point as pointText } from "../parts/format";
import { type AxisTicks, createAxes, tickCounts } from "../surface/axes";
import { colorsOf, type Rgb, watchColors } from "../surface/colors";
import { basinOf } from "../surface/critical";
import { type Inset, insets } from "../surface/layout";
import { panned, rotated, zoomed } from "../surface/navigate";
import { listenToPointers } from "../surface/pointer";
import { contourLevels, type Levels } from "../surface/scene";
import { linearTicks } from "../surface/ticks";
import { volumeKey } from "./keyboard";
import {
  announcePoint,
  fits,
  partsAt,
  samePoint,
  type VolumePoint,
  volumeMarkers,
  volumePoints,
} from "./points";
import {
  change,
  levelOf,
  lossAt,
  nextMerge,
  restingPlace,
  type Scale,
  scaleOf,
  shareOf,
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
  let levels: Levels = { heights: [], weights: [] };
  let ticks: AxisTicks = { x: [], y: [], z: [], losses: [] };
  let texts: string[][] = [[], [], []];
  let ticked = "";
  let tinted: unknown[] = [];
  let marked: unknown[] = [];
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
  const extent = { x0: [0, 1] as [number, number], x1: [0, 1] as [number, number] };
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
    level: Number.NaN,
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
      grid = next && { shape: next.shape, values: next.values };
      if (next && grid) {
        solid?.setGrid(grid);
        flat?.setVolume(next);
        extent.x0[1] = next.shape[0] - 1;
        extent.x1[1] = next.shape[1] - 1;
        picture.range = [0, next.shape[2] - 1];
        ticked = "";
      }
    }
    if (next && (nextTree !== tree || points.length === 0)) points = volumePoints(next, nextTree);
    tree = nextTree;
    if (!next) return;
    if (scaled[0] === next && scaled[1] === wanted) return;
    scaled = [next, wanted];
    scale = scaleOf(next, wanted);
    levels = contourLevels(scale.range, next.base, scale.log);
    picture.heights = { range: scale.range, scale: scale.log ? "log" : "linear", base: next.base };
  }

  const pixelRatio = () => Math.min(3, window.devicePixelRatio || 1);

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
    picture.level = levelOf(store, of) - of.base;
    picture.slices = sliceIndices(of, slicesOf(store));
    return picture;
  }

  /** Round coordinates where the box has room for them, as indices; the same arrays while they stay the same. */
  function setTicks(of: LiveVolume): void {
    const counts = tickCounts(camera);
    const key = `${counts.join(" ")}`;
    if (key === ticked) return;
    ticked = key;
    const values = of.axes.map((axis, k) => linearTicks(axis[0]!, axis[axis.length - 1]!, counts[k]!));
    ticks = axisTicksOf(of, values);
    texts = values.map((line) => [...line].map(String));
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
    if (flat !== null) {
      axes.clear();
      flat.draw(look(moving, volume), context, points);
      placeTooltip();
      return;
    }
    if (solid === null) return;
    inset = insets(width, height, ratio, false);
    setCamera(camera, look(moving, volume), extent);
    setTicks(volume);
    setTint(volume);
    solid.draw(look(moving, volume), context);
    if (solid.pending) invalidate();
    axes.draw({ camera, ticks, labels: [volume.data.labels[0], volume.data.labels[1]], bottom: 0 });
    placeTooltip();
  }
