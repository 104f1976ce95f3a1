import { inverseSymlog, linearWidth, symlog } from "../model/symlog";
import type { Look, Scale } from "./engine";

/** How a height (loss - base) becomes a fraction of the box: t = f(value) * gain + shift. */
export interface HeightMap {
  scale: Scale;
  base: number;
  /** Logarithmic: the smallest loss whose logarithm is taken. Symmetric logarithmic: the linear width. */
  floor: number;
  gain: number;
  shift: number;
}

/** Range of the losses, as a share of them, below which every scale is linear to a ten-thousandth. */
const STRAIGHT = 1e-3;

export function createHeightMap(): HeightMap {
  return { scale: "linear", base: 0, floor: 0, gain: 1, shift: 0 };
}

/** A loss on the scale, before it is stretched to the box. */
function scaled(map: HeightMap, value: number): number {
  if (map.scale === "linear") return value;
  const loss = value + map.base;
  return map.scale === "log" ? Math.log(Math.max(loss, map.floor)) : symlog(loss, map.floor);
}

/** Fills `map` from a look. A range without extent becomes the middle of the box. */
export function setHeightMap(map: HeightMap, look: Pick<Look, "range" | "scale" | "base">): void {
  const low = look.range[0];
  const high = look.range[1];
  const { base } = look;
  // Where losses hardly differ a logarithm is a straight line, and single precision cannot hold the loss.
  const size = Math.max(Math.abs(low + base), Math.abs(high + base));
  const straight = high - low < STRAIGHT * size || (look.scale === "log" && high + base <= 0);
  map.scale = straight ? "linear" : look.scale;
  map.base = base;
  map.floor = 0;
  if (map.scale === "symlog") map.floor = linearWidth(low + base, high + base);
  // Without a positive lower end, twelve decades is as far down as a picture makes sense.
  if (map.scale === "log") map.floor = low + base > 0 ? low + base : (high + base) * 1e-12;
  const bottom = scaled(map, low);
  const top = scaled(map, high);
  const extent = top - bottom;
  const flat = !(extent > 1e-12 * Math.max(Math.abs(top), Math.abs(bottom), 1e-30));
  map.gain = flat ? 0 : 1 / extent;
  map.shift = flat ? 0.5 : -bottom / extent;
}

/** Fraction of the box, 0 = bottom, 1 = top. NaN stays NaN. */
export function fraction(map: HeightMap, value: number): number {
  return scaled(map, value) * map.gain + map.shift;
}

/** Inverse of `fraction`. */
export function height(map: HeightMap, t: number): number {
  if (map.gain === 0) return map.scale === "log" ? map.floor - map.base : 0;
  const value = (t - map.shift) / map.gain;
  if (map.scale === "linear") return value;
  return (map.scale === "log" ? Math.exp(value) : inverseSymlog(value, map.floor)) - map.base;
}
