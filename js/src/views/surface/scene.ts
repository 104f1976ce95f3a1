import type { Grid, Scale } from "../../gl/engine";
import type { LiveGrid } from "../../model/store";

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
