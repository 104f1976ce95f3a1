import { createHeightMap, fraction, type HeightMap, height, setHeightMap } from "../../gl/height-map";
import type { Scale as Kind, VolumeState } from "../../model/protocol";
import type { Store } from "../../model/store";
import { indexAt, type LiveVolume, type Place } from "../../model/volume-data";
import { firstLevel, merges } from "./points";

export type Slices = [number | null, number | null, number | null];

/** What the slider and the colours span. */
export interface Scale {
  range: [number, number];
  /** Not linear. */
  log: boolean;
  kind: Kind;
  map: HeightMap;
}

/** The scale that is drawn: without a positive loss there is no logarithm. */
export function scaleOf(volume: LiveVolume, wanted: Kind): Scale {
  const positive = Number.isFinite(volume.positive) && volume.range[1] + volume.base > 0;
  const kind = wanted === "log" && !positive ? "linear" : wanted;
  const range: [number, number] = [kind === "log" ? volume.positive : volume.range[0], volume.range[1]];
  const map = createHeightMap();
  setHeightMap(map, { range, scale: kind, base: volume.base });
  return { range, log: kind !== "linear", kind, map };
}

const firsts = new WeakMap<LiveVolume, number>();

/** Loss of the isosurface: as chosen, else one at which there is something to see. */
export function levelOf(store: Store, volume: LiveVolume): number {
  const chosen = store.view.value.volume?.level ?? null;
  if (chosen !== null) return chosen;
  let first = firsts.get(volume);
  if (first === undefined) {
    first = firstLevel(volume, store.tree.value);
    if (store.tree.value !== null) firsts.set(volume, first);
  }
  return first;
}

/** Loss of the second isosurface, or null. */
export const secondOf = (store: Store): number | null => store.view.value.volume?.second ?? null;

/** The level of the solid isosurface, and of the one of glass around it (NaN = none): the lower and the higher one. */
export function nestedLevels(store: Store, volume: LiveVolume): [number, number] {
  const level = levelOf(store, volume);
  const second = secondOf(store);
  return second === null ? [level, Number.NaN] : [Math.min(level, second), Math.max(level, second)];
}

/** Where the second level starts: where the next parts have merged, else halfway up what is left. */
export function firstSecond(store: Store, volume: LiveVolume): number {
  const level = levelOf(store, volume);
  const top = volume.range[1] + volume.base;
  return nextMerge(store, volume, 1) ?? rounded(volume, (level + top) / 2);
}

/** Share 0…1 of the range of colours. */
export const shareOf = (scale: Scale, volume: LiveVolume, loss: number): number =>
  Math.min(1, Math.max(0, fraction(scale.map, loss - volume.base)));

/**
 * Share of the slider, and back. On a linear scale the root of the share of the range: around a minimum the loss is
 * quadratic, so equal steps move the isosurface by equal distances.
 */
export const positionOf = (scale: Scale, volume: LiveVolume, loss: number): number =>
  scale.log ? shareOf(scale, volume, loss) : Math.sqrt(shareOf(scale, volume, loss));
export const lossAt = (scale: Scale, volume: LiveVolume, position: number): number =>
  height(scale.map, scale.log ? position : position * position) + volume.base;

/** Whether parts have the hues of their basins: of a volume they do, unless it is switched off. */
export const isColored = (store: Store): boolean => store.view.value.basin_map !== false;

const NO_SLICES: Slices = [null, null, null];

export const slicesOf = (store: Store): Slices => store.view.value.volume?.slices ?? NO_SLICES;

/** Slices as indices along the axes. */
export function sliceIndices(volume: LiveVolume, slices: Slices): Slices {
  return slices.map((at, k) => (at === null ? null : indexAt(volume.axes[k]!, at))) as Slices;
}

export function change(store: Store, next: VolumeState): void {
  store.setView({ volume: { ...store.view.peek().volume, ...next } });
}

/** A level as it can be read: to a ten-thousandth of the range. */
export function rounded(volume: LiveVolume, loss: number): number {
  const [low, high] = volume.range;
  const digits = 4 - Math.floor(Math.log10(high - low));
  return digits > 20 ? loss : Number(loss.toFixed(Math.max(0, digits)));
}

/** Where a slice starts: through the lowest minimum, which says more than the middle. */
export function restingPlace(volume: LiveVolume, lowest: Place | null, axis: number): number {
  const line = volume.axes[axis]!;
  return lowest?.[axis] ?? (line[0]! + line[line.length - 1]!) / 2;
}

/** The level just after the next merge, or just before the last one; null = there is none. */
export function nextMerge(store: Store, volume: LiveVolume, by: 1 | -1): number | null {
  const tree = store.tree.peek();
  if (tree === null) return null;
  const level = levelOf(store, volume);
  const all = merges(tree);
  const extent = volume.range[1] - volume.range[0];
  if (by > 0) {
    const next = all.find((loss) => loss > level);
    // The values travel with seven digits: the pass itself must lie inside.
    return next === undefined ? null : next + 1e-6 * extent;
  }
  // So little that the same picture with a pass less is seen.
  const last = all.filter((loss) => loss <= level).pop();
  return last === undefined ? null : last - 2e-4 * extent;
}
