import type { Grid, Scale } from "../../gl/engine";
import type { LiveGrid } from "../../model/store";
import { linearTicks, logTicks, niceStep, symlogTicks } from "./ticks";

export function engineGrid(grid: LiveGrid): Grid {
  return {
    n0: grid.n0,
    n1: grid.n1,
    x0: [grid.x0[0]!, grid.x0[grid.n0 - 1]!],
    x1: [grid.x1[0]!, grid.x1[grid.n1 - 1]!],
    values: grid.values,
  };
}

interface Vertical {
  range: [number, number];
  /** The scale that is drawn: a logarithm needs a positive loss. */
  scale: Scale;
  /** Whether something lies above the range. */
  clipped: boolean;
}

/**
 * Heights at the bottom and the top of the box: all finite losses up to `clip`. On a logarithmic scale the
 * bottom is the smallest positive loss; without any positive loss it becomes linear.
 */
export function verticalRange(
  grid: Pick<LiveGrid, "range" | "base" | "values">,
  wanted: Scale,
  clip: number | null = null,
): Vertical {
  const [low, top] = grid.range;
  if (!Number.isFinite(low) || !Number.isFinite(top))
    return { range: [0, 1], scale: "linear", clipped: false };
  // Below the lowest loss there would be nothing left to see.
  const clipped = clip !== null && clip - grid.base > low && clip - grid.base < top;
  const high = clipped ? clip - grid.base : top;
  if (wanted !== "log") return { range: [low, high], scale: wanted, clipped };
  if (high + grid.base <= 0) return { range: [low, high], scale: "linear", clipped };
  if (low + grid.base > 0) return { range: [low, high], scale: "log", clipped };
  let smallest = Infinity;
  for (const value of grid.values) {
    const loss = value + grid.base;
    if (loss > 0 && loss < smallest) smallest = loss;
  }
  if (smallest - grid.base > high) return { range: [low, high], scale: "linear", clipped };
  return { range: [smallest - grid.base, high], scale: "log", clipped };
}

/** A grid that is drawn within a range of losses that it shares with others. */
export function spanned<T extends Pick<LiveGrid, "range" | "base" | "values">>(
  grid: T,
  losses: readonly [number, number] | null,
): T {
  return losses === null ? grid : { ...grid, range: [losses[0] - grid.base, losses[1] - grid.base] };
}

export interface Levels {
  heights: number[];
  weights: number[];
}

const MAX_LEVELS = 16;

/** Contour lines at round losses; every fifth (or each power of ten) is a major one. */
export function contourLevels(range: readonly [number, number], base: number, scale: Scale): Levels {
  const low = range[0] + base;
  const high = range[1] + base;
  let losses: number[];
  let isMajor: (loss: number) => boolean;
  const decade = (loss: number) => {
    const exponent = Math.log10(Math.abs(loss));
    return loss === 0 || Math.abs(exponent - Math.round(exponent)) < 1e-6;
  };
  if (scale === "symlog") {
    losses = symlogTicks(low, high, MAX_LEVELS);
    isMajor = decade;
  } else if (scale === "log" && high / low >= 5) {
    losses = logTicks(low, high, MAX_LEVELS);
    isMajor = decade;
  } else {
    losses = linearTicks(low, high, 13).slice(0, MAX_LEVELS);
    const step = niceStep(high - low, 13);
    isMajor = (loss) => Math.abs(loss / (5 * step) - Math.round(loss / (5 * step))) < 1e-6;
  }
  return {
    heights: losses.map((loss) => loss - base),
    weights: losses.map((loss) => (isMajor(loss) ? 1 : 0)),
  };
}

/** Whether a band of losses holds any of the heights that are drawn: one of another plane may hold none. */
export function bandMeets(
  [low, high]: readonly [number, number],
  range: readonly [number, number],
  base: number,
): boolean {
  return low <= range[1] + base && high >= range[0] + base;
}

/** Share of the window's area whose loss lies between two losses; holes belong to no window. */
export function bandShare(
  grid: Pick<LiveGrid, "values" | "base">,
  areas: ArrayLike<number>,
  [low, high]: readonly [number, number],
): number {
  let [inside, all] = [0, 0];
  for (let v = 0; v < grid.values.length; v++) {
    const loss = grid.values[v]! + grid.base;
    if (Number.isNaN(loss)) continue;
    all += areas[v]!;
    if (loss >= low && loss <= high) inside += areas[v]!;
  }
  return all > 0 ? inside / all : 0;
}

/** Index along both axes and coordinates of a vertex. */
export function vertexPoint(grid: LiveGrid, vertex: number): { x: number; y: number; z: number } {
  const i = Math.floor(vertex / grid.n1);
  return { x: grid.x0[i]!, y: grid.x1[vertex - i * grid.n1]!, z: grid.values[vertex]! };
}

/** A short name of an axis for the read-out: "v₁" of "displacement along v₁ (λ = 12.3)". */
export function shortLabel(label: string, fallback: string): string {
  const eigenvector = label.match(/[v\u03b8][\u208a\u208b\u2080-\u2089\u20990-9]+/u);
  if (eigenvector) return eigenvector[0];
  return label.length <= 10 ? label : fallback;
}
