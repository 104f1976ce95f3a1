import { offsetOf, withRange } from "./offset";
import { linearTicks, logTicks } from "./ticks";

export interface Scale {
  /** 0 at the lower end, 1 at the upper. */
  at(value: number): number;
  ticks(count: number): number[];
  /** What the texts of the ticks are to be multiplied by and added to; empty for most. */
  note: string;
}

const noted = (low: number, high: number, ticks: (count: number) => number[]) => ({
  ticks: (count: number) => withRange(ticks(count), low, high),
  note: offsetOf(low, high)?.note ?? "",
});

export function linearScale(low: number, high: number): Scale {
  const extent = high - low || 1;
  return { at: (v) => (v - low) / extent, ...noted(low, high, (count) => linearTicks(low, high, count)) };
}

export function logScale(low: number, high: number): Scale {
  const extent = Math.log(high / low) || 1;
  return {
    at: (v) => Math.log(v / low) / extent,
    ...noted(low, high, (count) => logTicks(low, high, count)),
  };
}

/** The number of one digit (1, 2 or 5) next to `value`, towards zero. */
function shortened(value: number): number {
  const size = Math.abs(value);
  const power = 10 ** Math.floor(Math.log10(size) + 1e-9);
  const digit = [5, 2, 1].find((d) => d * power <= size * (1 + 1e-9)) ?? 1;
  return Number((Math.sign(value) * digit * power).toPrecision(6));
}

/** Logarithmic on both sides of zero, linear within ±linear. Each side has a tick. */
export function symlogScale(low: number, high: number, linear: number): Scale {
  const f = (v: number) => Math.sign(v) * Math.log1p(Math.abs(v) / linear);
  const [a, b] = [f(low), f(high)];
  return {
    at: (v) => (f(v) - a) / (b - a || 1),
    ...noted(low, high, (count) => {
      const size = Math.max(Math.abs(low), Math.abs(high));
      const decades = logTicks(linear, size, 40).filter((t) =>
        Number.isInteger(Math.round(Math.log10(t) * 1e6) / 1e6),
      );
      const both = [...decades.map((t) => -t).reverse(), 0, ...decades].filter((t) => t >= low && t <= high);
      const every = Math.max(1, Math.ceil(both.length / count));
      const zero = both.indexOf(0);
      const kept = both.filter((_, i) => (i - zero) % every === 0);
      if (low < 0 && !kept.some((t) => t < 0)) kept.unshift(shortened(low));
      if (high > 0 && !kept.some((t) => t > 0)) kept.push(shortened(high));
      return kept;
    }),
  };
}
