/** Three-dimensional landscapes: what the engine draws of them. */
import type { Extent } from "./camera";
import type { Look, Marker } from "./engine";

export type Triple<T> = readonly [T, T, T];

/** A field on a grid. Vertex = (i0 * n1 + i1) * n2 + i2; holes are NaN; heights are loss - base. */
export interface VolumeGrid {
  shape: Triple<number>;
  values: Float32Array;
}

/** Everything that decides a picture, besides the field. `range` of the look itself is that of the third axis. */
export interface VolumeLook extends Look {
  extent: Extent;
  /** Height of the isosurface; NaN = none. */
  level: number;
  /** Of the one of glass around it, higher; NaN = none. */
  outer: number;
  /** Where the slicing planes are, as index along their axis; null = not shown. */
  slices: Triple<number | null>;
  /** How heights become colours. */
  heights: Pick<Look, "range" | "scale" | "base">;
}

export interface Volume {
  setGrid(grid: VolumeGrid): void;
  /** sRGB and emphasis (255 = full) of every vertex of the grid, four bytes each; not `colored`: the emphasis alone. */
  setTint(colors: Uint8Array | null, colored?: boolean): void;
  setMarkers(markers: readonly Marker[]): void;
  draw(look: VolumeLook, target: CanvasRenderingContext2D): number;
  /** Of the last picture: stride of the isosurface's grid, and its triangles. */
  readonly stride: number;
  readonly triangles: number;
  /** The isosurface is made in portions: another picture is wanted. */
  readonly pending: boolean;
  dispose(): void;
}

/** Trilinear value at indices (x, y, z) along the axes; NaN outside, and where a vertex that counts is a hole. */
export function trilinear(grid: VolumeGrid, x: number, y: number, z: number): number {
  const { shape, values } = grid;
  const [n0, n1, n2] = shape;
  if (!(x >= 0 && y >= 0 && z >= 0 && x <= n0 - 1 && y <= n1 - 1 && z <= n2 - 1)) return Number.NaN;
  const i = Math.min(n0 - 2, Math.floor(x));
  const j = Math.min(n1 - 2, Math.floor(y));
  const k = Math.min(n2 - 2, Math.floor(z));
  const [u, v, w] = [x - i, y - j, z - k];
  let sum = 0;
  for (let c = 0; c < 8; c++) {
    const [a, b, d] = [c >> 2, (c >> 1) & 1, c & 1];
    const weight = (a ? u : 1 - u) * (b ? v : 1 - v) * (d ? w : 1 - w);
    if (weight > 0) sum += weight * values[((i + a) * n1 + j + b) * n2 + k + d]!;
  }
  return sum;
}

/** The plane at index `at` of an axis, interpolated between its neighbours, into `out`: rows along the lower remaining axis. */
export function sliceOf(grid: VolumeGrid, axis: number, at: number, out: Float32Array): void {
  const { shape, values } = grid;
  const [, n1, n2] = shape;
  const steps = [n1 * n2, n2, 1] as const;
  const low = Math.min(shape[axis]! - 1, Math.max(0, Math.floor(at)));
  const share = at - low;
  const start = low * steps[axis]!;
  const up = share > 0 ? steps[axis]! : 0;
  const [u, v] = axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];
  const [nu, nv, su, sv] = [shape[u]!, shape[v]!, steps[u]!, steps[v]!];
  for (let a = 0, o = 0; a < nu; a++) {
    for (let b = 0, from = start + a * su; b < nv; b++, o++, from += sv) {
      const value = values[from]!;
      out[o] = up === 0 ? value : value + share * (values[from + up]! - value);
    }
  }
}
