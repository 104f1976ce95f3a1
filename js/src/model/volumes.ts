/** Lengths of the dual cells of an axis: to the middle of the next vertex on both sides, so half cells at the ends. */
function cellLengths(axis: ArrayLike<number>): Float64Array {
  const n = axis.length;
  const out = new Float64Array(n);
  if (n < 2) return out.fill(1);
  for (let i = 0; i < n; i++) out[i] = (axis[Math.min(i + 1, n - 1)]! - axis[Math.max(i - 1, 0)]!) / 2;
  return out;
}

/** Volume that each vertex of a grid stands for: in a plane, an area. */
export function cellVolumes(axes: readonly ArrayLike<number>[]): Float64Array {
  let out = Float64Array.of(1);
  for (const axis of axes) {
    const lengths = cellLengths(axis);
    const next = new Float64Array(out.length * lengths.length);
    let vertex = 0;
    for (const size of out) for (const length of lengths) next[vertex++] = size * length;
    out = next;
  }
  return out;
}
