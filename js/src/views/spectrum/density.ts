import type { SpectrumDensity } from "../../model/protocol";

/** Standard deviation of the smoothing, CSS pixels of the axis. */
const BLUR = 4;
const STEP = 2;

/**
 * How many eigenvalues lie about each height of an axis: every node stands for `parameters * weight` of
 * them, smoothed along the axis. `place` gives pixels from the top.
 */
export function densityCounts(
  { nodes, weights }: SpectrumDensity,
  parameters: number,
  place: (value: number) => number,
  top: number,
  bottom: number,
): { y: number; count: number }[] {
  const heights = nodes.map(place);
  const out: { y: number; count: number }[] = [];
  const steps = Math.max(1, Math.ceil((bottom - top) / STEP));
  for (let k = 0; k <= steps; k++) {
    const y = top + ((bottom - top) * k) / steps;
    let count = 0;
    for (let i = 0; i < nodes.length; i++) {
      const z = (y - heights[i]!) / BLUR;
      if (z * z < 30) count += parameters * weights[i]! * Math.exp(-0.5 * z * z);
    }
    out.push({ y, count });
  }
  return out;
}

/** The outline of the counts, growing to the right on a logarithmic scale: `parameters` fill the width. */
export function densityPath(
  counts: readonly { y: number; count: number }[],
  parameters: number,
  left: number,
  width: number,
): string {
  const full = Math.log1p(parameters);
  const points = counts.map(({ y, count }) => {
    const reach = (width * Math.min(Math.log1p(count), full)) / full;
    return `L${(left + reach).toFixed(1)},${y.toFixed(1)}`;
  });
  const [first, last] = [counts[0]!, counts[counts.length - 1]!];
  return `M${left},${first.y.toFixed(1)}${points.join("")}L${left},${last.y.toFixed(1)}Z`;
}
