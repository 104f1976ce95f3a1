import { type Camera, ray } from "./camera";
import { type Triple, trilinear, type VolumeGrid } from "./volume";

/** What a ray meets first. */
export interface VolumeHit {
  /** Index along each axis. */
  at: [number, number, number];
  /** Height (loss - base): of a plane or a face trilinear, of the isosurface its level. */
  value: number;
  on: "isosurface" | "slice" | "face";
  /** Axis of the slice or the face. */
  axis: number;
}

const line = new Float64Array(6);
const breaks = new Float64Array(8);

/** The nearest point of slices, isosurface and the cut faces of the box under a device pixel. */
export function pickVolume(
  grid: VolumeGrid,
  camera: Camera,
  px: number,
  py: number,
  level: number,
  slices: Triple<number | null>,
): VolumeHit | null {
  ray(camera, px, py, line);
  const origin: [number, number, number] = [0, 0, 0];
  const way: [number, number, number] = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    const half = (grid.shape[k]! - 1) / 2;
    const world = k === 2 ? camera.half : 1;
    origin[k] = (line[k]! / world + 1) * half;
    way[k] = (line[k + 3]! / world) * half;
  }
  return pickVolumeRay(grid, origin, way, level, slices);
}

/** The same for a ray in grid indices. */
export function pickVolumeRay(
  grid: VolumeGrid,
  origin: Triple<number>,
  way: Triple<number>,
  level: number,
  slices: Triple<number | null>,
): VolumeHit | null {
  const { shape } = grid;
  let [enter, leave, entered] = [0, Infinity, -1];
  for (let k = 0; k < 3; k++) {
    const [o, d, end] = [origin[k]!, way[k]!, shape[k]! - 1];
    if (d === 0) {
      if (o < 0 || o > end) return null;
      continue;
    }
    const [a, b] = d > 0 ? [-o / d, (end - o) / d] : [(end - o) / d, -o / d];
    if (a > enter) [enter, entered] = [a, k];
    leave = Math.min(leave, b);
  }
  if (!(enter <= leave)) return null;
  const inBox = (k: number, t: number) => Math.min(shape[k]! - 1, Math.max(0, origin[k]! + way[k]! * t));
  const place = (t: number): [number, number, number] => [inBox(0, t), inBox(1, t), inBox(2, t)];
  let best: VolumeHit | null = null;
  let nearest = Infinity;
  for (let axis = 0; axis < 3; axis++) {
    const where = slices[axis];
    if (where === null || where === undefined || way[axis] === 0) continue;
    const t = (where - origin[axis]!) / way[axis]!;
    if (t < enter - 1e-9 || t > leave + 1e-9 || t >= nearest) continue;
    const at = place(t);
    at[axis] = where;
    const value = trilinear(grid, ...at);
    if (!Number.isNaN(value)) [best, nearest] = [{ at, value, on: "slice", axis }, t];
  }
  if (!Number.isFinite(level)) return best;
  if (entered >= 0 && enter < nearest) {
    const at = place(enter);
    const value = trilinear(grid, ...at);
    if (value <= level) return { at, value, on: "face", axis: entered };
  }
  const t = crossing(grid, origin, way, level, enter, Math.min(leave, nearest));
  return t === null ? best : { at: place(t), value: level, on: "isosurface", axis: -1 };
}

/** Parameter at which a ray first crosses the level of Freudenthal's interpolant, walking from cell to cell. */
function crossing(
  grid: VolumeGrid,
  origin: Triple<number>,
  way: Triple<number>,
  level: number,
  enter: number,
  leave: number,
): number | null {
  const { shape } = grid;
  const cell = [0, 0, 0];
  const next = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    const at = origin[k]! + way[k]! * enter;
    cell[k] = Math.min(shape[k]! - 2, Math.max(0, Math.floor(at)));
    const wall = way[k]! > 0 ? cell[k]! + 1 : cell[k]!;
    next[k] = way[k] === 0 ? Infinity : (wall - origin[k]!) / way[k]!;
  }
  let from = enter;
  while (from < leave) {
    const k = next[0]! <= next[1]! && next[0]! <= next[2]! ? 0 : next[1]! <= next[2]! ? 1 : 2;
    const to = Math.min(next[k]!, leave);
    const found = crossingInCell(grid, cell, origin, way, level, from, to);
    if (found !== null) return found;
    if (to >= leave) return null;
    from = to;
    cell[k]! += way[k]! > 0 ? 1 : -1;
    if (cell[k]! < 0 || cell[k]! > shape[k]! - 2) return null;
    next[k]! += Math.abs(1 / way[k]!);
  }
  return null;
}

/** Within a cell the interpolant is linear between the planes on which two of the fractions agree. */
function crossingInCell(
  grid: VolumeGrid,
  cell: readonly number[],
  origin: Triple<number>,
  way: Triple<number>,
  level: number,
  from: number,
  to: number,
): number | null {
  if (!straddles(grid, cell, level)) return null;
  let count = 0;
  breaks[count++] = from;
  for (let a = 0; a < 3; a++) {
    const b = (a + 1) % 3;
    const speed = way[a]! - way[b]!;
    if (speed === 0) continue;
    const t = (cell[a]! - cell[b]! - (origin[a]! - origin[b]!)) / speed;
    if (t > from && t < to) breaks[count++] = t;
  }
  breaks[count++] = to;
  breaks.subarray(0, count).sort();
  for (let s = 0; s + 1 < count; s++) {
    const [t0, t1] = [breaks[s]!, breaks[s + 1]!];
    // The middle says which tetrahedron this stretch lies in; its ends may lie on others' faces as well.
    const order = orderAt(cell, origin, way, (t0 + t1) / 2);
    const f0 = inTetrahedron(grid, cell, order, origin, way, t0) - level;
    const f1 = inTetrahedron(grid, cell, order, origin, way, t1) - level;
    if (f0 > 0 !== f1 > 0 && !Number.isNaN(f0 + f1)) return t0 + ((t1 - t0) * f0) / (f0 - f1);
  }
  return null;
}

function straddles({ shape, values }: VolumeGrid, cell: readonly number[], level: number): boolean {
  let [below, above] = [false, false];
  for (let c = 0; c < 8; c++) {
    const value =
      values[((cell[0]! + (c >> 2)) * shape[1] + cell[1]! + ((c >> 1) & 1)) * shape[2] + cell[2]! + (c & 1)]!;
    if (value <= level) below = true;
    else if (value > level) above = true;
  }
  return below && above;
}

/** Axes by falling fraction: the tetrahedron's path from corner 0 to corner 7. */
function orderAt(
  cell: readonly number[],
  origin: Triple<number>,
  way: Triple<number>,
  t: number,
): [number, number, number] {
  const f = (k: number) => origin[k]! + way[k]! * t - cell[k]!;
  return ([0, 1, 2] as [number, number, number]).sort((a, b) => f(b) - f(a));
}

function inTetrahedron(
  { shape, values }: VolumeGrid,
  cell: readonly number[],
  order: readonly number[],
  origin: Triple<number>,
  way: Triple<number>,
  t: number,
): number {
  const steps = [shape[1] * shape[2], shape[2], 1] as const;
  let v = cell[0]! * steps[0] + cell[1]! * steps[1] + cell[2]!;
  let last = values[v]!;
  let sum = last;
  for (const k of order) {
    v += steps[k]!;
    const value = values[v]!;
    sum += (value - last) * (origin[k]! + way[k]! * t - cell[k]!);
    last = value;
  }
  return sum;
}
