import type { Look } from "./engine";

/** How a height (loss - base) becomes a fraction of the box: t = (log? of value) * gain + shift. */
export interface HeightMap {
  log: boolean;
  base: number;
  /** Smallest loss whose logarithm is taken. */
  floor: number;
  gain: number;
  shift: number;
}

export function createHeightMap(): HeightMap {
  return { log: false, base: 0, floor: 0, gain: 1, shift: 0 };
}

/** Fills `map` from a look. A range without extent becomes the middle of the box. */
export function setHeightMap(map: HeightMap, look: Pick<Look, "range" | "scale" | "base">): void {
  const [low, high] = look.range;
  const log = look.scale === "log" && high + look.base > 0;
  map.log = log;
  map.base = look.base;
  // Without a positive lower end, twelve decades is as far down as a picture makes sense.
  map.floor = log ? (low + look.base > 0 ? low + look.base : (high + look.base) * 1e-12) : 0;
  const bottom = log ? Math.log(map.floor) : low;
  const top = log ? Math.log(high + look.base) : high;
  const extent = top - bottom;
  const flat = !(extent > 1e-12 * Math.max(Math.abs(top), Math.abs(bottom), 1e-30));
  map.gain = flat ? 0 : 1 / extent;
  map.shift = flat ? 0.5 : -bottom / extent;
}

/** Fraction of the box, 0 = bottom, 1 = top. NaN stays NaN. */
export function fraction(map: HeightMap, value: number): number {
  if (!map.log) return value * map.gain + map.shift;
  const loss = value + map.base;
  return Math.log(Math.max(loss, map.floor)) * map.gain + map.shift;
}

/** Inverse of `fraction`. */
export function height(map: HeightMap, t: number): number {
  if (map.gain === 0) return map.log ? map.floor - map.base : 0;
  const value = (t - map.shift) / map.gain;
  return map.log ? Math.exp(value) - map.base : value;
}
