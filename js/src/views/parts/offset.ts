/** Losses that differ only far behind the point are told from what they have in common. */

/** From here on, in multiples of what they differ by, all their digits are more than is read. */
const FAR = 1e4;
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The power of ten as one writes it by hand. */
export function tenTo(exponent: number): string {
  return `10${String(exponent).replace(/./g, (c) => (c === "-" ? "⁻" : RAISED[Number(c)]!))}`;
}

interface Offset {
  /** What all have in common, and the power of ten that the texts count. */
  from: number;
  exponent: number;
  note: string;
}

/** For losses from `low` to `high`; null where their own digits say enough. */
export function offsetOf(low: number, high: number): Offset | null {
  const extent = high - low;
  if (!(extent > 0 && extent * FAR < Math.max(Math.abs(low), Math.abs(high)))) return null;
  const exponent = Math.floor(Math.log10(extent) + 1e-6);
  const step = exponent + 1;
  const from = Number((Math.floor(low / 10 ** step + 1e-6) * 10 ** step).toFixed(Math.max(0, -step)));
  const digits = String(from).replace("-", "−");
  return { from, exponent, note: `${digits} + ${tenTo(exponent)} ×` };
}

const ranges = new WeakMap<readonly number[], Offset | null>();

/** Ticks of one range have one offset, however many there are. */
export function withRange(ticks: number[], low: number, high: number): number[] {
  ranges.set(ticks, offsetOf(low, high));
  return ticks;
}

function known(ticks: readonly number[]): Offset | null {
  let offset = ranges.get(ticks);
  if (offset === undefined) {
    offset = offsetOf(Math.min(...ticks), Math.max(...ticks));
    ranges.set(ticks, offset);
  }
  return offset;
}

/** What the texts of ticks are to be multiplied by and added to; empty for most. */
export const tickNote = (ticks: readonly number[]): string => known(ticks)?.note ?? "";

/** What is to be written of ticks: themselves, or what they are counted from their offset. */
export function countedTicks(ticks: readonly number[]): readonly number[] {
  const offset = known(ticks);
  return offset ? ticks.map((v) => Number(((v - offset.from) / 10 ** offset.exponent).toFixed(2))) : ticks;
}

/** Digits that tell a loss from others of a range, at least so many. */
export function digitsIn(low: number, high: number, least: number): number {
  const size = Math.max(Math.abs(low), Math.abs(high));
  return high > low && high < Infinity
    ? Math.min(15, Math.max(least, Math.ceil(Math.log10(size / (high - low))) + 3))
    : least;
}
