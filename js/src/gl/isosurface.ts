import { CUBE_TRIANGLES, TET_TRIANGLES, TETRAHEDRA, tetMask } from "./freudenthal";
import type { VolumeGrid } from "./volume";

/**
 * Isosurfaces by marching tetrahedra over Freudenthal's triangulation: what lies inside has exactly as many
 * parts as the merge tree with that connectivity has branches alive. Tetrahedra with a hole are left out.
 */
export interface Isosurface {
  /** Per vertex x, y, z in grid indices and a packed normal (2_10_10_10), which points to higher values. */
  readonly vertices: Float32Array;
  /** Per vertex the vertex of the grid at the inner end of its edge. */
  readonly inner: Uint32Array;
  readonly indices: Uint32Array;
  readonly vertexCount: number;
  readonly indexCount: number;
  /** Begins the surface {value = level} of the nested grid of a stride. */
  begin(level: number, stride: number): void;
  /** Goes on until it is made or the clock (performance.now) says `until`; true once it is whole. */
  advance(until: number): boolean;
}

/** A nested grid: every stride-th vertex, and the last one, along every axis. */
interface Nest {
  n: [number, number, number];
  lines: [Int32Array, Int32Array, Int32Array];
  values: Float32Array;
  /** 1 = hole; null = there are none. */
  holes: Uint8Array | null;
  inside: Uint8Array;
}

/** Bits of a column of four corners (i, j) at their places in a cube. */
const SPREAD = Uint8Array.from({ length: 16 }, (_, c) => {
  let bits = 0;
  for (let k = 0; k < 4; k++) if (c & (1 << k)) bits |= 1 << (2 * k);
  return bits;
});

export function createIsosurface(grid: VolumeGrid): Isosurface {
  const nests = new Map<number, Nest>();
  let vertices = new Float32Array(4 * 4096);
  let packed = new Int32Array(vertices.buffer);
  let inner = new Uint32Array(4096);
  let indices = new Uint32Array(3 * 8192);
  let vertexCount = 0;
  let indexCount = 0;
  /** Vertices on the edges of two layers of the grid, seven to a grid point. */
  let cache = new Int32Array(0);
  const gradient = new Float64Array(3);

  function nestOf(stride: number): Nest {
    let nest = nests.get(stride);
    if (nest === undefined) {
      nest = makeNest(grid, stride);
      nests.set(stride, nest);
    }
    return nest;
  }

  /** Adds the central difference at a vertex, one-sided at borders and holes, times `weight`. */
  function addGradient(nest: Nest, v: number, i: number, j: number, k: number, weight: number): void {
    const { n, values, lines } = nest;
    const [n0, n1, n2] = n;
    const here = values[v]!;
    for (let axis = 0; axis < 3; axis++) {
      const at = axis === 0 ? i : axis === 1 ? j : k;
      const step = axis === 0 ? n1 * n2 : axis === 1 ? n2 : 1;
      const last = (axis === 0 ? n0 : axis === 1 ? n1 : n2) - 1;
      const line = lines[axis]!;
      let [low, high, from, to] = [here, here, at, at];
      if (at > 0) {
        const value = values[v - step]!;
        if (!Number.isNaN(value)) [low, from] = [value, at - 1];
      }
      if (at < last) {
        const value = values[v + step]!;
        if (!Number.isNaN(value)) [high, to] = [value, at + 1];
      }
      if (to > from) {
        const cells = line[line.length - 1]!;
        gradient[axis]! += (weight * (high - low) * cells) / (line[to]! - line[from]!);
      }
    }
  }

  function grow(): void {
    if (4 * (vertexCount + 24) > vertices.length) {
      const more = new Float32Array(2 * vertices.length);
      more.set(vertices);
      vertices = more;
      packed = new Int32Array(more.buffer);
      const wider = new Uint32Array(2 * inner.length);
      wider.set(inner);
      inner = wider;
    }
    if (indexCount + 36 > indices.length) {
      const more = new Uint32Array(2 * indices.length);
      more.set(indices);
      indices = more;
    }
  }

  /** The surface's vertex on the edge from grid point (i, j, k) = v along a step. */
  function emit(nest: Nest, v: number, i: number, j: number, k: number, step: number): number {
    const { n, values, lines } = nest;
    const [di, dj, dk] = [step >> 2, (step >> 1) & 1, step & 1];
    const w = v + (di * n[1] + dj) * n[2] + dk;
    const [a, b] = [values[v]!, values[w]!];
    const t = (level - a) / (b - a);
    const at = 4 * vertexCount;
    const [x, y, z] = [lines[0][i]!, lines[1][j]!, lines[2][k]!];
    vertices[at] = x + t * (lines[0][i + di]! - x);
    vertices[at + 1] = y + t * (lines[1][j + dj]! - y);
    vertices[at + 2] = z + t * (lines[2][k + dk]! - z);
    gradient.fill(0);
    addGradient(nest, v, i, j, k, 1 - t);
    addGradient(nest, w, i + di, j + dj, k + dk, t);
    const length = Math.hypot(gradient[0]!, gradient[1]!, gradient[2]!) || 1;
    const [p, q, r] = [gradient[0]! / length, gradient[1]! / length, gradient[2]! / length];
    packed[at + 3] =
      (Math.round(p * 511) & 1023) |
      ((Math.round(q * 511) & 1023) << 10) |
      ((Math.round(r * 511) & 1023) << 20);
    const low = a <= level;
    const [gi, gj, gk] = low ? [x, y, z] : [lines[0][i + di]!, lines[1][j + dj]!, lines[2][k + dk]!];
    inner[vertexCount] = (gi * grid.shape[1] + gj) * grid.shape[2] + gk;
    return vertexCount++;
  }

  let nest: Nest | null = null;
  let level = Number.NaN;
  let slab = 0;
  /** What a layer's places hold from two layers ago is older than this. */
  let older = 0;

  function begin(wanted: number, stride: number): void {
    nest = nestOf(stride);
    level = wanted;
    const { n, values, inside } = nest;
    vertexCount = indexCount = slab = older = 0;
    // A NaN is not inside.
    for (let v = 0; v < values.length; v++) inside[v] = values[v]! <= level ? 1 : 0;
    const places = 14 * n[1] * n[2];
    if (cache.length !== places) cache = new Int32Array(places);
    cache.fill(-1);
  }

  function advance(until: number): boolean {
    if (nest === null) return true;
    while (slab + 1 < nest.n[0]) {
      addSlab(nest, slab++);
      if (performance.now() > until) break;
    }
    return slab + 1 >= nest.n[0];
  }

  /** The cells between two layers of the grid. */
  function addSlab(nest: Nest, i: number): void {
    const { n, holes, inside } = nest;
    const [, n1, n2] = n;
    const layer = n1 * n2;
    const started = vertexCount;
    for (let j = 0; j + 1 < n1; j++) {
      const a = (i * n1 + j) * n2;
      const [b, c, d] = [a + n2, a + layer, a + layer + n2];
      let column = SPREAD[inside[a]! | (inside[b]! << 1) | (inside[c]! << 2) | (inside[d]! << 3)]!;
      for (let k = 0; k + 1 < n2; k++) {
        const m = k + 1;
        const next =
          SPREAD[inside[a + m]! | (inside[b + m]! << 1) | (inside[c + m]! << 2) | (inside[d + m]! << 3)]!;
        const mask = column | (next << 1);
        column = next;
        if (mask === 0 || mask === 255) continue;
        grow();
        if (holes === null) addCell(nest, i, j, k, CUBE_TRIANGLES[mask]!, started, older);
        else addHoled(nest, i, j, k, mask, started, older);
      }
    }
    older = started;
  }

  function addCell(
    nest: Nest,
    i: number,
    j: number,
    k: number,
    edges: Uint8Array,
    started: number,
    older: number,
  ): void {
    const [, n1, n2] = nest.n;
    for (let e = 0; e < edges.length; e++) {
      const corner = edges[e]! >> 3;
      const step = edges[e]! & 7;
      const [ci, cj, ck] = [i + (corner >> 2), j + ((corner >> 1) & 1), k + (corner & 1)];
      const slot = (((ci & 1) * n1 + cj) * n2 + ck) * 7 + step - 1;
      let vertex = cache[slot]!;
      // The near layer was begun with the last slab of cells, the far one with this.
      if (vertex < (ci === i ? older : started)) {
        vertex = emit(nest, (ci * n1 + cj) * n2 + ck, ci, cj, ck, step);
        cache[slot] = vertex;
      }
      indices[indexCount++] = vertex;
    }
  }

  function addHoled(
    nest: Nest,
    i: number,
    j: number,
    k: number,
    mask: number,
    started: number,
    older: number,
  ): void {
    const [, n1, n2] = nest.n;
    let missing = 0;
    for (let c = 0; c < 8; c++) {
      const v = ((i + (c >> 2)) * n1 + j + ((c >> 1) & 1)) * n2 + k + (c & 1);
      missing |= nest.holes![v]! << c;
    }
    if (missing === 0) addCell(nest, i, j, k, CUBE_TRIANGLES[mask]!, started, older);
    else {
      TETRAHEDRA.forEach((corners, tet) => {
        if (tetMask(corners, missing) !== 0) return;
        addCell(nest, i, j, k, TET_TRIANGLES[tet]![tetMask(corners, mask)]!, started, older);
      });
    }
  }

  return {
    get vertices() {
      return vertices;
    },
    get inner() {
      return inner;
    },
    get indices() {
      return indices;
    },
    get vertexCount() {
      return vertexCount;
    },
    get indexCount() {
      return indexCount;
    },
    begin,
    advance,
  };
}

function makeNest({ shape, values }: VolumeGrid, stride: number): Nest {
  const lines = shape.map((n) => {
    const line: number[] = [];
    for (let at = 0; at < n - 1; at += stride) line.push(at);
    return Int32Array.from([...line, n - 1]);
  }) as Nest["lines"];
  const n = lines.map((line) => line.length) as Nest["n"];
  const size = n[0] * n[1] * n[2];
  let own = values;
  if (stride > 1) {
    own = new Float32Array(size);
    let at = 0;
    for (const i of lines[0])
      for (const j of lines[1])
        for (const k of lines[2]) own[at++] = values[(i * shape[1] + j) * shape[2] + k]!;
  }
  let holes: Uint8Array | null = null;
  for (let v = 0; v < size; v++) {
    if (!Number.isNaN(own[v])) continue;
    holes ??= new Uint8Array(size);
    holes[v] = 1;
  }
  return { n, lines, values: own, holes, inside: new Uint8Array(size) };
}
