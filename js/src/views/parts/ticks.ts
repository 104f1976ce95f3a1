/** Round numbers in [low, high], about `count` of them. */
export function linearTicks(low: number, high: number, count: number): number[] {
  if (!(high > low) || count < 1) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10);
  const out: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-12) + 1e-12 * step; k++) {
    out.push(Number((k * step).toPrecision(12)));
  }
  return out;
}

/** Powers of ten, or 1-2-5 multiples where there are few; `count` at most, roughly. */
export function logTicks(low: number, high: number, count: number): number[] {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  for (const factors of [[1, 2, 5], [1]]) {
    const out: number[] = [];
    for (let e = from; e <= to; e++) for (const f of factors) out.push(Number((f * 10 ** e).toPrecision(12)));
    const inside = out.filter((t) => t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9));
    if (inside.length >= 2 && inside.length <= count) return inside;
    if (factors.length === 1 && inside.length > count) {
      const every = Math.ceil(inside.length / count);
      return inside.filter((_, i) => i % every === 0);
    }
  }
  return linearTicks(low, high, count);
}

export interface Scale {
  /** 0 at the lower end, 1 at the upper. */
  at(value: number): number;
  ticks(count: number): number[];
}

export function linearScale(low: number, high: number): Scale {
  const extent = high - low || 1;
  return { at: (v) => (v - low) / extent, ticks: (count) => linearTicks(low, high, count) };
}

export function logScale(low: number, high: number): Scale {
  const extent = Math.log(high / low) || 1;
  return { at: (v) => Math.log(v / low) / extent, ticks: (count) => logTicks(low, high, count) };
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
    ticks(count) {
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
    },
  };
}
