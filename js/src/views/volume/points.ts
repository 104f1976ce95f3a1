import type { Marker } from "../../gl/engine";
import type { MarkedPoint } from "../../gl/flat-volume";
import type { Selection } from "../../model/protocol";
import type { Branch, Hover, LiveTree } from "../../model/store";
import { drawnAt, indexAt, indices, type LiveVolume, type Place, placeOf } from "../../model/volume-data";
import { eachFeature, type Marked } from "../canvas/marked";
import { count, num } from "../parts/format";

/** A marked point of the volume. */
export interface VolumePoint extends Marked {
  kind: "minimum" | "saddle" | "model";
  /** Indices along the axes, and coordinates. */
  at: Place;
  place: Place;
}

/** More marks than this hide what they mark; the most persistent ones are kept. */
const MAX_OF_A_KIND = 60;

export const fits = (volume: LiveVolume, tree: LiveTree | null): tree is LiveTree =>
  tree !== null && tree.basins.length === volume.values.length && tree.tree.id === volume.data.id;

let last: { volume: LiveVolume; tree: LiveTree | null; points: VolumePoint[] } | null = null;

/** The model, then minima, then saddles, each by falling persistence. Asked again for the same, the same ones. */
export function volumePoints(volume: LiveVolume, tree: LiveTree | null): VolumePoint[] {
  if (last?.volume !== volume || last.tree !== tree) last = { volume, tree, points: find(volume, tree) };
  return last.points;
}

function find(volume: LiveVolume, tree: LiveTree | null): VolumePoint[] {
  const out: VolumePoint[] = [];
  const add = (
    kind: VolumePoint["kind"],
    vertex: number,
    branch: Branch | null,
    rank: number,
    of: number,
  ) => {
    const value = volume.values[vertex];
    if (value === undefined || Number.isNaN(value)) return;
    const at = indices(volume, vertex);
    out.push({ kind, vertex, at, place: placeOf(volume, at), loss: value + volume.base, branch, rank, of });
  };
  if (volume.data.origin !== null) add("model", volume.data.origin, null, 1, 1);
  if (!fits(volume, tree)) return out;
  eachFeature(tree.branches, MAX_OF_A_KIND, add);
  return out;
}

export const samePoint = (p: VolumePoint, other: Selection | Hover): boolean =>
  other.kind === p.kind && other.vertex === p.vertex;

/** What the engine draws. */
export function volumeMarkers(
  points: readonly VolumePoint[],
  selection: Selection,
  hover: Hover,
  volume: LiveVolume,
): Marker[] {
  const markers: Marker[] = points.map((p) => ({
    shape: p.kind,
    x: drawnAt(volume, 0, p.at[0]),
    y: drawnAt(volume, 1, p.at[1]),
    z: drawnAt(volume, 2, p.at[2]),
    selected: samePoint(p, selection),
    hovered: samePoint(p, hover),
    size: p.kind === "saddle" ? 0.8 : 0.95,
    hollow: p.branch?.evidence?.supported === false,
  }));
  const free = freePlace(selection, volume);
  if (free !== null) {
    const [x, y, z] = free.map((index, k) => drawnAt(volume, k, index)) as Place;
    markers.push({ shape: "point", x, y, z, selected: true, hovered: false, size: 0.75 });
  }
  return markers;
}

/** Indices of a selected point between the marked ones. */
function freePlace({ kind, coordinates }: Selection, { axes }: LiveVolume): Place | null {
  if (kind !== "point" || coordinates === null) return null;
  return axes.map((axis, k) => indexAt(axis, coordinates[k] ?? 0)) as Place;
}

/**
 * The same for maps of planes; and what these go through: the point that a key or another panel has reached (under the
 * pointer a map stays as it is), that is selected, or the lowest one.
 */
export function flatMarks(
  points: readonly VolumePoint[],
  selection: Selection,
  hover: Hover,
  volume: LiveVolume,
  pointed: boolean,
): [marks: MarkedPoint[], through: Place | null] {
  const free = freePlace(selection, volume);
  const find = (at: Selection | Hover) => points.find((p) => samePoint(p, at))?.at;
  const marks: MarkedPoint[] = points.map((p) => ({
    kind: p.kind,
    at: p.at,
    lit: samePoint(p, selection) || samePoint(p, hover),
  }));
  if (free !== null) marks.push({ kind: "point", at: free, lit: true });
  const reached = pointed ? undefined : find(hover);
  const lowest = points.find((p) => p.kind === "minimum")?.at;
  return [marks, reached ?? free ?? find(selection) ?? lowest ?? null];
}

/** How many parts the sublevel set of a loss has, of those that are displayed. */
export const partsAt = (tree: LiveTree, loss: number): number =>
  tree.branches.filter((b) => b.birth <= loss && b.death > loss).length;

/** Losses at which displayed parts merge, rising. */
export const merges = (tree: LiveTree): number[] =>
  [...new Set(tree.branches.map((b) => b.death).filter(Number.isFinite))].sort((a, b) => a - b);

/** A first level: the most persistent minimum has not merged yet; else a tenth of the values lies below. */
export function firstLevel(volume: LiveVolume, tree: LiveTree | null): number {
  const second = fits(volume, tree) ? tree.branches.find((b) => Number.isFinite(b.death)) : undefined;
  if (second !== undefined) return second.birth + 0.75 * (second.death - second.birth);
  const step = Math.max(1, Math.floor(volume.values.length / 20000));
  const some: number[] = [];
  for (let v = 0; v < volume.values.length; v += step) {
    const value = volume.values[v]!;
    if (!Number.isNaN(value)) some.push(value);
  }
  some.sort((a, b) => a - b);
  return (some[Math.floor(some.length / 10)] ?? 0) + volume.base;
}

export const lowestOf = (points: readonly VolumePoint[]): Place | null =>
  points.find((p) => p.kind === "minimum")?.place ?? null;

export function levelText(tree: LiveTree | null, loss: number): string {
  const parts = tree === null ? "" : `, ${count(partsAt(tree, loss), "part", "parts")}`;
  return `Level ${num(loss)}${parts}`;
}
