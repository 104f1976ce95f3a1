import type { Spec, SpectrumData } from "./protocol";
import { planeKey, resolveIndex } from "./spec";
import type { LiveGrid } from "./store";

export function linspace(from: number, to: number, n: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = n === 1 ? from : from + ((to - from) * i) / (n - 1);
  return out;
}

export function finiteRange(values: Float32Array): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const v of values) {
    if (v < low && v > Number.NEGATIVE_INFINITY) low = v;
    if (v > high && v < Number.POSITIVE_INFINITY) high = v;
  }
  return low <= high ? [low, high] : [0, 0];
}

/**
 * Second-order expansion of the loss along two eigenvectors, minus the loss at the model:
 * Σ sᵢaᵢ + ½ λᵢaᵢ² with s = gᵀv. Eigenvectors are orthogonal, so the axes and the offset only add up.
 * Null if an axis is not in the spectrum.
 */
export function quadratic(
  spectrum: SpectrumData,
  spec: Spec,
  x0: Float64Array,
  x1: Float64Array,
  out: Float32Array,
): Float32Array | null {
  const count = spectrum.values.length;
  const [i, j] = [resolveIndex(spec.axes[0], count), resolveIndex(spec.axes[1], count)];
  if (i < 0 || j < 0) return null;
  const along = (k: number, a: number) => spectrum.slopes[k]! * a + 0.5 * spectrum.values[k]! * a * a;
  let shift = 0;
  if (spec.offset.axis !== null && spec.offset.value !== 0) {
    const k = resolveIndex(spec.offset.axis, count);
    if (k < 0) return null;
    shift = along(k, spec.offset.value);
  }
  const second = Float64Array.from(x1, (b) => along(j, b));
  let v = 0;
  for (const a of x0) {
    const first = along(i, a) + shift;
    for (const s of second) out[v++] = first + s;
  }
  return out;
}

/** Value of a grid between its vertices (bilinear); NaN outside and beside holes. */
export function bilinear(
  grid: Pick<LiveGrid, "n0" | "n1" | "x0" | "x1" | "values">,
  a: number,
  b: number,
): number {
  const { n0, n1, x0, x1, values } = grid;
  const u = ((a - x0[0]!) / (x0[n0 - 1]! - x0[0]!)) * (n0 - 1);
  const w = ((b - x1[0]!) / (x1[n1 - 1]! - x1[0]!)) * (n1 - 1);
  const slack = 1e-9 * Math.max(n0, n1);
  if (!(u >= -slack && u <= n0 - 1 + slack && w >= -slack && w <= n1 - 1 + slack)) return Number.NaN;
  const i = Math.min(Math.max(Math.floor(u), 0), n0 - 2);
  const j = Math.min(Math.max(Math.floor(w), 0), n1 - 2);
  const [s, t] = [u - i, w - j];
  const at = i * n1 + j;
  return (
    (1 - s) * ((1 - t) * values[at]! + t * values[at + 1]!) +
    s * ((1 - t) * values[at + n1]! + t * values[at + n1 + 1]!)
  );
}

/** Whether `known` covers the window that `spec` asks for, in the same plane. */
export function covers(known: LiveGrid, spec: Spec, center: readonly [number, number]): boolean {
  if (planeKey(known.spec) !== planeKey(spec)) return false;
  const inside = (x: Float64Array, middle: number, half: number) =>
    x[0]! <= middle - half * (1 - 1e-6) && x[x.length - 1]! >= middle + half * (1 - 1e-6);
  return inside(known.x0, center[0], spec.span[0]) && inside(known.x1, center[1], spec.span[1]);
}

export function resample(
  known: LiveGrid,
  x0: Float64Array,
  x1: Float64Array,
  out: Float32Array,
): Float32Array {
  let v = 0;
  for (const a of x0) for (const b of x1) out[v++] = bilinear(known, a, b);
  return out;
}
