import type { Grid } from "../../gl/engine";
import type { LiveGrid } from "../../model/store";
import { linearTicks, logTicks, niceStep } from "./ticks";

export function engineGrid(grid: LiveGrid): Grid {
  return {
    n0: grid.n0,
    n1: grid.n1,
    x0: [grid.x0[0]!, grid.x0[grid.n0 - 1]!],
    x1: [grid.x1[0]!, grid.x1[grid.n1 - 1]!],
    values: grid.values,
  };
}

/**
 * Heights at the bottom and the top of the box: all finite losses. On a logarithmic scale the bottom is
 * the smallest positive loss; without any positive loss there is no logarithm, and `log` is false.
 */
export function verticalRange(
  grid: Pick<LiveGrid, "range" | "base" | "values">,
  scale: "linear" | "log",
): { range: [number, number]; log: boolean } {
  const [low, high] = grid.range;
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { range: [0, 1], log: false };
  if (scale === "linear" || high + grid.base <= 0) return { range: [low, high], log: false };
  if (low + grid.base > 0) return { range: [low, high], log: true };
  let smallest = Infinity;
  for (const value of grid.values) {
    const loss = value + grid.base;
    if (loss > 0 && loss < smallest) smallest = loss;
  }
  return { range: [smallest - grid.base, high], log: true };
}

export interface Levels {
  heights: number[];
  weights: number[];
}

const MAX_LEVELS = 16;

/** Contour lines at round losses; every fifth (or each power of ten) is a major one. */
export function contourLevels(range: readonly [number, number], base: number, log: boolean): Levels {
  const low = range[0] + base;
  const high = range[1] + base;
  let losses: number[];
  let isMajor: (loss: number) => boolean;
  if (log && high / low >= 5) {
    losses = logTicks(low, high, MAX_LEVELS);
    isMajor = (loss) => {
      const exponent = Math.log10(loss);
      return Math.abs(exponent - Math.round(exponent)) < 1e-6;
    };
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

/** Index along both axes and coordinates of a vertex. */
export function vertexPoint(grid: LiveGrid, vertex: number): { x: number; y: number; z: number } {
  const i = Math.floor(vertex / grid.n1);
  return { x: grid.x0[i]!, y: grid.x1[vertex - i * grid.n1]!, z: grid.values[vertex]! };
}

/** A short name of an axis for the read-out: "v₁" of "displacement along v₁ (λ = 12.3)". */
export function shortLabel(label: string, fallback: string): string {
  const eigenvector = label.match(/[vθ][₊₋₀-₉ₙ0-9]+/u);
  if (eigenvector) return eigenvector[0];
  return label.length <= 10 ? label : fallback;
}
