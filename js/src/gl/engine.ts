/**
 * The drawing engine's interface. One engine (one WebGL2 context) serves every view of the page:
 * the first bundle publishes it on `globalThis`, later evaluations of the bundle take it from there.
 */

import type { Context } from "./webgl-engine";

/** A height field as the engine draws it. Holes are NaN. Vertex = i0 * n1 + i1. */
export interface Grid {
  n0: number;
  n1: number;
  /** Coordinates of the first and last vertex along each axis. */
  x0: [number, number];
  x1: [number, number];
  /** Height of every vertex in loss units (loss - base), length n0 * n1. Read at setGrid/updateGrid. */
  values: Float32Array;
}

export type Scale = "linear" | "log" | "symlog";

/** Everything that decides a picture, besides the grid. Plain data; the engine keeps no reference. */
export interface Look {
  yaw: number;
  pitch: number;
  zoom: number;
  pan: [number, number];
  exaggeration: number;
  /** How much wider than its true shape the box may be drawn; missing = somewhat. */
  stretch?: number;
  /** Heights [low, high] (loss - base) mapped to the bottom and top of the box and to the ends of the colour map. */
  range: [number, number];
  scale: Scale;
  /** Loss = height + base; log needs it. */
  base: number;
  colormap: "viridis" | "cividis" | "inferno";
  contours: boolean;
  /** Loss values of contour lines, at most 16, as heights (loss - base). */
  levels: readonly number[];
  /** Strength 0…1 of each contour line (major lines are stronger); missing = 1. */
  levelWeights: readonly number[];
  /** Where the box carries grid lines: data coordinates along x, y and heights (loss - base). */
  ticks: readonly [readonly number[], readonly number[], readonly number[]];
  /** Row of the highlighted basin (see setBasins), or -1; `hover` is drawn fainter. */
  selectedBasin: number;
  hoverBasin: number;
  /** Seen from above, without perspective; missing = as the surface is made for. */
  flat?: boolean;
  /** Whether what lies above the range is cut off. */
  clipped?: boolean;
  /** Heights between which the surface keeps its colours; null = all. */
  band?: readonly [number, number] | null;
  /** Whether the floor carries a map of the surface. */
  floor?: boolean;
  /** 0…1: how far the surface is faded (stale result). */
  fade: number;
  /** Draw as a translucent net: a prediction, not data. */
  ghost: boolean;
  /** CSS colours are resolved by the caller: sRGB, each channel 0…1. */
  background: readonly [number, number, number];
  ink: readonly [number, number, number];
  /** Draw a coarser nested level while the user moves. */
  moving: boolean;
  width: number; // device pixels
  height: number;
  /** Device pixels per CSS pixel. */
  pixelRatio: number;
  /** Room kept free for labels: top, right, bottom, left, in device pixels. */
  inset: readonly [number, number, number, number];
}

export type MarkerShape = "minimum" | "saddle" | "maximum" | "model" | "point";

export interface Marker {
  shape: MarkerShape;
  x: number; // data coordinates
  y: number;
  z: number; // loss - base
  selected: boolean;
  /** Pointed at, here or in another panel. */
  hovered: boolean;
  /** 0…1 size multiplier. */
  size: number;
  /** Drawn as an outline: not supported by the data. */
  hollow?: boolean;
}

/** A line through data space, as wide everywhere; what the surface hides of it is faint. */
export interface Line {
  /** x, y and loss - base of its points, in turn. */
  points: Float32Array;
  /** sRGB channels 0…1. */
  color: readonly [number, number, number];
  /** CSS pixels. */
  width: number;
  dashed?: boolean;
}

/** A short text at a point of the surface, drawn where the surface does not hide it and no other text is. */
export interface Label {
  x: number;
  y: number;
  z: number; // loss - base
  text: string;
}

export interface Surface {
  setGrid(grid: Grid): void;
  /** Same shape, other heights: one partial upload, no allocation. */
  updateGrid(grid: Grid): void;
  /** Basin row per vertex after simplification (-1 = hole), or null. */
  setBasins(basins: Int32Array | null): void;
  /** sRGB bytes of every vertex, three each, that take the place of the colour map; null = none. */
  setTint(colors: Uint8Array | null): void;
  setMarkers(markers: readonly Marker[]): void;
  setLines(lines: readonly Line[]): void;
  setLabels(labels: readonly Label[]): void;
  /** Draws and blits into a 2-D canvas of look.width × look.height. Returns JS milliseconds spent. */
  draw(look: Look, target: CanvasRenderingContext2D): number;
  /** Nested stride of the last picture: 1 = the full grid. */
  readonly stride: number;
  dispose(): void;
}

export interface Engine {
  createSurface(): Surface;
  /** Room in the page's context for another kind of picture, whose code comes with the bundle that asks. */
  attach<T extends { dispose(): void }>(create: (context: Context, onDispose: () => void) => T): T;
  /** How many surfaces are alive, and whether the context is lost. */
  readonly surfaces: number;
  readonly lost: boolean;
  /** Called when pictures must be drawn again (context restored). Returns an unsubscribe function. */
  onRestore(listener: () => void): () => void;
  dispose(): void;
}
