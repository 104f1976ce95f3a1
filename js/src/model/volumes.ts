import type { LiveGrid } from "./store";

/** Lengths of the dual cells of an axis: to the middle of the next vertex on both sides, so half cells at the ends. */
export function cellLengths(axis: ArrayLike<number>): Float64Array {
  const n = axis.length;
  const out = new Float64Array(n);
  if (n < 2) return out.fill(1);
  for (let i = 0; i < n; i++) out[i] = (axis[Math.min(i + 1, n - 1)]! - axis[Math.max(i - 1, 0)]!) / 2;
  return out;
}

/** Area that each vertex of a grid stands for. */
export function cellAreas(grid: Pick<LiveGrid, "x0" | "x1">): Float64Array {
  const [a, b] = [cellLengths(grid.x0), cellLengths(grid.x1)];
  const out = new Float64Array(a.length * b.length);
  let vertex = 0;
  for (const length of a) for (const width of b) out[vertex++] = length * width;
  return out;
}
