import type { LiveGrid } from "./store";
import { linearWidth, symlog } from "./symlog";

type Heights = Pick<LiveGrid, "range" | "base" | "values">;

/** Others that fill less than this share of the common height look flat. */
const FLAT = 0.1;
/** Of the losses of the others, so many stay below the cut. */
const KEPT = 0.95;

/** Whether a grid has any finite value: the range of one that has none says nothing. */
export function hasValues(grid: Pick<LiveGrid, "range" | "values"> | null): boolean {
  return grid !== null && (grid.range[0] < grid.range[1] || grid.values.some(Number.isFinite));
}

/** Lowest and highest loss of several grids; null while there is none. */
export function commonRange(grids: readonly (Heights | null)[]): [number, number] | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const grid of grids) {
    if (grid === null || !hasValues(grid)) continue;
    low = Math.min(low, grid.range[0] + grid.base);
    high = Math.max(high, grid.range[1] + grid.base);
  }
  return low <= high ? [low, high] : null;
}

/** The one that flattens all others on a common linear scale, and where to cut it off. */
interface Cut {
  /** Position of that one. */
  spike: number;
  /** Its highest loss. */
  top: number;
  /** Quantile of the losses of all others. */
  cut: number;
  /** Whether a symmetric logarithmic scale shows them as well. */
  symlog: boolean;
}

/** Proposes a cut where one grid reaches so high that the others look flat beside it. */
export function proposeCut(grids: readonly (Heights | null)[]): Cut | null {
  const range = commonRange(grids);
  const tops = grids.map((grid) =>
    grid !== null && hasValues(grid) ? grid.range[1] + grid.base : Number.NEGATIVE_INFINITY,
  );
  if (range === null || tops.filter(Number.isFinite).length < 2) return null;
  const [low, top] = range;
  const spike = tops.indexOf(top);
  const losses: number[] = [];
  for (const [k, grid] of grids.entries()) {
    if (k === spike || grid === null) continue;
    for (const value of grid.values) if (Number.isFinite(value)) losses.push(value + grid.base);
  }
  const cut = Float64Array.from(losses).sort()[Math.floor(KEPT * (losses.length - 1))]!;
  if (!(cut > low && cut - low < FLAT * (top - low))) return null;
  const [a, b, c] = [low, cut, top].map((loss) => symlog(loss, linearWidth(low, top))) as [
    number,
    number,
    number,
  ];
  return { spike, top, cut, symlog: b - a >= FLAT * (c - a) };
}
