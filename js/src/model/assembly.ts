import { finiteRange, linspace } from "./preview";
import type { Incoming } from "./protocol";
import type { LiveGrid } from "./store";

type Begin = Extract<Incoming, { kind: "begin" }>;

/** A grid that is being received: what has come so far, and what to draw meanwhile. */
export interface Assembly {
  readonly id: number;
  readonly begin: Begin;
  /** Evaluated vertices. */
  readonly known: Uint8Array;
  readonly values: Float32Array;
  count: number;
  /** Vertex steps of the finest complete level, null before the first one is complete. */
  complete: [number, number] | null;
  readonly x0: Float64Array;
  readonly x1: Float64Array;
}

/** `ground`: values to draw until the first level is complete (the prediction), or null. */
export function startAssembly(begin: Begin, ground: Float32Array | null): Assembly {
  const [n0, n1] = begin.shape;
  const values = new Float32Array(n0 * n1);
  if (ground?.length === values.length) values.set(ground);
  else values.fill(Number.NaN);
  return {
    id: begin.id,
    begin,
    known: new Uint8Array(n0 * n1),
    values,
    count: 0,
    complete: null,
    x0: linspace(begin.x0[0], begin.x0[1], n0),
    x1: linspace(begin.x1[0], begin.x1[1], n1),
  };
}

/** Takes the vertices of a tile and fills the gaps between evaluated vertices by interpolation. */
export function addTile(
  assembly: Assembly,
  tile: { strides: [number, number]; complete: boolean },
  vertices: Uint32Array,
  values: Float32Array,
): void {
  const { known, values: out, complete } = assembly;
  for (let k = 0; k < vertices.length; k++) {
    const vertex = vertices[k]!;
    if (vertex >= out.length)
      throw new RangeError(`tile: vertex ${vertex} is outside a grid of ${out.length}`);
    if (known[vertex] === 0) assembly.count++;
    known[vertex] = 1;
    out[vertex] = values[k]!;
  }
  const shape = assembly.begin.shape;
  // Unknown vertices of this level come from the coarser one, then all others from this level.
  if (complete !== null) interpolate(out, known, shape, complete, tile.strides);
  if (complete !== null || tile.complete) interpolate(out, known, shape, tile.strides, [1, 1]);
  if (tile.complete) assembly.complete = [...tile.strides];
}

/** Positions 0 … n-1 that a level with this stride has, counted from the middle. */
export function levelPositions(n: number, stride: number): number[] {
  const middle = (n - 1) >> 1;
  const out: number[] = [];
  for (let i = middle % stride; i < n; i += stride) out.push(i);
  return out;
}

/** For each target position: the two source positions around it and the weight of the second. */
function brackets(
  n: number,
  from: number,
  to: number,
): { at: number; low: number; high: number; weight: number }[] {
  const sources = levelPositions(n, from);
  const first = sources[0]!;
  const last = sources[sources.length - 1]!;
  return levelPositions(n, to).map((at) => {
    const clamped = Math.min(Math.max(at, first), last);
    const low = first + Math.floor((clamped - first) / from) * from;
    const high = Math.min(low + from, last);
    return { at, low, high, weight: high === low ? 0 : (clamped - low) / from };
  });
}

/** Bilinear values at the unknown vertices of level `to` from the vertices of level `from`, in place. */
function interpolate(
  values: Float32Array,
  known: Uint8Array,
  [n0, n1]: readonly [number, number],
  from: readonly [number, number],
  to: readonly [number, number],
): void {
  const rows = brackets(n0, from[0], to[0]);
  const columns = brackets(n1, from[1], to[1]);
  for (const r of rows) {
    for (const c of columns) {
      const vertex = r.at * n1 + c.at;
      // Vertices of the source level are themselves, evaluated or not.
      if (known[vertex] === 1 || (r.at === r.low && c.at === c.low)) continue;
      values[vertex] = mix(
        values[r.low * n1 + c.low]!,
        values[r.low * n1 + c.high]!,
        values[r.high * n1 + c.low]!,
        values[r.high * n1 + c.high]!,
        r.weight,
        c.weight,
      );
    }
  }
}

/** Bilinear; beside a hole the nearest corner decides whether there is a value at all. */
function mix(v00: number, v01: number, v10: number, v11: number, s: number, t: number): number {
  const plain = (1 - s) * ((1 - t) * v00 + t * v01) + s * ((1 - t) * v10 + t * v11);
  if (Number.isFinite(plain)) return plain;
  const nearest = s < 0.5 ? (t < 0.5 ? v00 : v01) : t < 0.5 ? v10 : v11;
  return Number.isFinite(nearest) ? nearest : Number.NaN;
}

export function assembledGrid(assembly: Assembly, revision: number): LiveGrid {
  const { begin, values, count } = assembly;
  const total = begin.shape[0] * begin.shape[1];
  return {
    spec: begin.spec,
    n0: begin.shape[0],
    n1: begin.shape[1],
    x0: assembly.x0,
    x1: assembly.x1,
    values,
    base: begin.base,
    origin: begin.origin,
    labels: begin.labels,
    quantity: begin.quantity,
    state: count === total ? "final" : "partial",
    range: finiteRange(values),
    revision,
    known: count / total,
  };
}
