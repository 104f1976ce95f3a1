import type { Scale } from "../../gl/engine";
import { linearWidth, symlog } from "../../model/symlog";
import { countedTicks, digitsIn, tenTo, withRange } from "./offset";

/** Round numbers for axes, the colour bar and contour lines. */

/** 1, 2 or 5 times a power of ten, so that about `count` steps fit in `extent`. */
export function niceStep(extent: number, count: number): number {
  const raw = extent / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const digit = raw / power;
  return power * (digit < 1.41 ? 1 : digit < 3.16 ? 2 : digit < 7.07 ? 5 : 10);
}

/** Multiples of `step` within [low, high]. */
function multiples(low: number, high: number, step: number): number[] {
  const out: number[] = [];
  const first = Math.ceil(low / step - 1e-6);
  const last = Math.floor(high / step + 1e-6);
  for (let k = first; k <= last && out.length < 100; k++)
    out.push(k === 0 ? 0 : Number((k * step).toPrecision(15)));
  return out;
}

/** About `count` round numbers within [low, high]. */
export function linearTicks(low: number, high: number, count: number): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) return Number.isFinite(low) ? [low] : [];
  return multiples(low, high, niceStep(high - low, count));
}

const DIGITS: readonly (readonly number[])[] = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]];

/** At most about `count` round numbers within [low, high], both positive, for a logarithmic scale. */
export function logTicks(low: number, high: number, count: number): number[] {
  if (!(low > 0) || !(high > low)) return high > 0 ? [high] : [];
  if (high / low < 5) return linearTicks(low, high, count);
  const bottom = Math.floor(Math.log10(low));
  const top = Math.ceil(Math.log10(high));
  const within = (v: number) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9);
  for (const digits of DIGITS) {
    const out: number[] = [];
    for (let e = bottom; e <= top; e++) for (const d of digits) out.push(Number(`${d}e${e}`));
    const inside = out.filter(within);
    if (inside.length <= count) return inside;
  }
  const skip = Math.ceil((top - bottom) / count);
  const out: number[] = [];
  for (let e = Math.ceil(bottom / skip) * skip; e <= top; e += skip) out.push(Number(`1e${e}`));
  return out.filter(within);
}

/** At most about `count` round numbers for a symmetric logarithmic scale: 0, and decades on both sides. */
export function symlogTicks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return Number.isFinite(low) ? [low] : [];
  const width = linearWidth(low, high);
  const [from, to] = [symlog(low, width), symlog(high, width)];
  // Each side gets its share of the axis; what is nearer to 0 than the width is linear.
  const side = (start: number, end: number, extent: number) =>
    end <= width
      ? []
      : logTicks(Math.max(start, width), end, Math.max(1, Math.round((count * extent) / (to - from))));
  const below = low < 0 ? side(-high, -low, Math.min(0, to) - from) : [];
  const above = high > 0 ? side(low, high, to - Math.max(0, from)) : [];
  const zero = low <= 0 && high >= 0 ? [0] : [];
  const all = [...below.map((v) => -v).reverse(), ...zero, ...above];
  const inside = all.filter((v) => v >= low && v <= high);
  return inside.length >= 2 ? inside : linearTicks(low, high, count);
}

/** Ticks of the loss axis, as losses. */
export function lossTicks(low: number, high: number, scale: Scale, count: number): number[] {
  const of = scale === "symlog" ? symlogTicks : scale === "log" ? logTicks : linearTicks;
  return withRange(of(low, high, count), low, high);
}

const written = new WeakMap<readonly number[], readonly string[]>();

/** Tick texts with as many decimals as their distance needs. Asked again for the same array, the same ones. */
export function tickTexts(ticks: readonly number[]): readonly string[] {
  const known = written.get(ticks);
  if (known !== undefined) return known;
  const texts = fullTexts(countedTicks(ticks));
  written.set(ticks, texts);
  return texts;
}

/** The same, each with all its digits. */
export function fullTexts(ticks: readonly number[]): string[] {
  const sizes = ticks.filter((v) => v !== 0).map(Math.abs);
  const largest = Math.max(...sizes, 0);
  const smallest = Math.min(...sizes, largest);
  if (largest >= 1e5 || (largest > 0 && largest < 1e-3)) {
    const digits = digitsIn(Math.min(...ticks), Math.max(...ticks), 4);
    return ticks.map((v) => power(v, digits));
  }
  if (largest / smallest > 1e4) return ticks.map((v) => (Math.abs(v) < 1e-3 ? power(v) : plain(v)));
  const gap = ticks[1]! - ticks[0]!;
  // Two ticks of a logarithmic scale are one gap apart, but no multiples of it.
  const first = Math.round(ticks[0]! / gap);
  if (!ticks.every((v, k) => Math.abs(v / gap - first - k) <= 1e-6)) return ticks.map(plain);
  const decimals = Math.min(15, Math.max(0, Math.ceil(-Math.log10(gap * 1.0001))));
  return ticks.map((v) => minus(v.toFixed(decimals)));
}

function minus(text: string): string {
  return text.replace("-", "−");
}

function plain(value: number): string {
  return minus(String(Number(value.toPrecision(6))));
}

/** 0.00002 -> 2×10⁻⁵, 10 000 000 -> 10⁷. */
function power(value: number, precision = 4): string {
  if (value === 0) return "0";
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  const short = minus(String(Number(Number(digits).toPrecision(precision))));
  return `${short === "1" ? "" : short === "−1" ? "−" : `${short}×`}${tenTo(Number(exponent))}`;
}
