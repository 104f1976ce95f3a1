import { type Camera, ray, towardEye } from "./camera";
import type { Grid } from "./engine";
import { fraction } from "./height-map";

/** Where a ray meets the drawn triangles. Coordinates and height are interpolated exactly as drawn. */
export interface Hit {
  x: number;
  y: number;
  /** loss - base, linear within the triangle. */
  z: number;
  /** The corner of the hit triangle with the largest weight. */
  vertex: number;
  /** Lower corner (i0, i1) of the cell. */
  cell: [number, number];
  /** Ray parameter; smaller is nearer. */
  distance: number;
}

const line = new Float64Array(6);
const corner = new Float64Array(4);
const weights = new Float64Array(4);

/** The nearest point of the surface under a device pixel, or null. */
export function pick(grid: Grid, camera: Camera, px: number, py: number): Hit | null {
  ray(camera, px, py, line);
  return camera.flat ? pickFlat(grid, camera) : pickRay(grid, camera, line);
}

/**
 * Walks the grid cells under a ray (Amanatides & Woo 1987) and tests both triangles of each cell.
 * `r` holds the origin and the direction in world coordinates.
 */
function pickRay(grid: Grid, camera: Camera, r: Float64Array): Hit | null {
  const { n0, n1, values } = grid;
  if (n0 < 2 || n1 < 2) return null;
  // Grid units: vertex (i0, i1) is at (i0, i1); z stays in the world.
  const ox = (r[0]! + 1) * 0.5 * (n0 - 1);
  const oy = (r[1]! + 1) * 0.5 * (n1 - 1);
  const oz = r[2]!;
  const dx = r[3]! * 0.5 * (n0 - 1);
  const dy = r[4]! * 0.5 * (n1 - 1);
  const dz = r[5]!;

  let enter = 0;
  let leave = Infinity;
  for (let k = 0; k < 2; k++) {
    const o = k === 0 ? ox : oy;
    const d = k === 0 ? dx : dy;
    const end = k === 0 ? n0 - 1 : n1 - 1;
    if (d === 0) {
      if (o < 0 || o > end) return null;
      continue;
    }
    const a = -o / d;
    const b = (end - o) / d;
    enter = Math.max(enter, Math.min(a, b));
    leave = Math.min(leave, Math.max(a, b));
  }
  if (!(enter <= leave)) return null;

  let i = Math.min(n0 - 2, Math.max(0, Math.floor(ox + dx * enter)));
  let j = Math.min(n1 - 2, Math.max(0, Math.floor(oy + dy * enter)));
  const stepI = dx > 0 ? 1 : -1;
  const stepJ = dy > 0 ? 1 : -1;
  const deltaI = dx === 0 ? Infinity : Math.abs(1 / dx);
  const deltaJ = dy === 0 ? Infinity : Math.abs(1 / dy);
  let nextI = dx === 0 ? Infinity : ((dx > 0 ? i + 1 : i) - ox) / dx;
  let nextJ = dy === 0 ? Infinity : ((dy > 0 ? j + 1 : j) - oy) / dy;
  let from = enter;
  while (i >= 0 && j >= 0 && i <= n0 - 2 && j <= n1 - 2) {
    const to = Math.min(nextI, nextJ, leave);
    const at = i * n1 + j;
    corner[0] = levelOf(camera, values[at]!);
    corner[1] = levelOf(camera, values[at + n1]!);
    corner[2] = levelOf(camera, values[at + 1]!);
    corner[3] = levelOf(camera, values[at + n1 + 1]!);
    if (mayHit(oz + dz * from, oz + dz * to)) {
      const t = hitCell(ox - i, oy - j, oz, dx, dy, dz);
      // What is cut off at the top of the box lets the ray through.
      if (t !== null && (!camera.clipped || oz + dz * t <= camera.half * (1 + 1e-9)))
        return hitAt(grid, i, j, t);
    }
    if (to >= leave) return null;
    from = to;
    if (nextI <= nextJ) {
      i += stepI;
      nextI += deltaI;
    } else {
      j += stepJ;
      nextJ += deltaJ;
    }
  }
  return null;
}

function levelOf(camera: Camera, value: number): number {
  return (fraction(camera.map, value) * 2 - 1) * camera.half;
}

/** Whether the ray's heights within the cell overlap those of its corners (holes do not count). */
function mayHit(a: number, b: number): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (let k = 0; k < 4; k++) {
    const z = corner[k]!;
    if (z < low) low = z;
    if (z > high) high = z;
  }
  const margin = 1e-9 + 1e-9 * Math.abs(high);
  return Math.min(a, b) <= high + margin && Math.max(a, b) >= low - margin;
}

/** Nearest ray parameter within the unit cell; leaves the corner weights in `weights`. */
function hitCell(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): number | null {
  const [a, b, c, d] = [corner[0]!, corner[1]!, corner[2]!, corner[3]!];
  // Triangle a-b-d (x >= y): z = a + (b - a) x + (d - b) y; a-d-c (y >= x): z = a + (d - c) x + (c - a) y.
  const t1 = planeHit(a, b - a, d - b, ox, oy, oz, dx, dy, dz);
  const t2 = planeHit(a, d - c, c - a, ox, oy, oz, dx, dy, dz);
  const in1 = inside(ox + dx * t1, oy + dy * t1, 1);
  const in2 = inside(ox + dx * t2, oy + dy * t2, -1);
  if (!in1 && !in2) return null;
  const first = in1 && (!in2 || t1 <= t2);
  const t = first ? t1 : t2;
  const x = Math.min(1, Math.max(0, ox + dx * t));
  const y = Math.min(1, Math.max(0, oy + dy * t));
  setWeights(x, y, first);
  return t;
}

function setWeights(x: number, y: number, first: boolean): void {
  weights[0] = first ? 1 - x : 1 - y;
  weights[1] = first ? x - y : 0;
  weights[2] = first ? 0 : y - x;
  weights[3] = first ? y : x;
}

function planeHit(
  z: number,
  gx: number,
  gy: number,
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
): number {
  return (z + gx * ox + gy * oy - oz) / (dz - gx * dx - gy * dy);
}

/** `side` 1: the triangle with x >= y; -1: the other. A NaN (hole, grazing ray) is outside. */
function inside(x: number, y: number, side: 1 | -1): boolean {
  const e = 1e-9;
  return x >= -e && y >= -e && x <= 1 + e && y <= 1 + e && (x - y) * side >= -e;
}

function hitAt(grid: Grid, i: number, j: number, distance: number): Hit {
  const { n0, n1, values, x0, x1 } = grid;
  const at = i * n1 + j;
  let z = 0;
  let u = 0;
  let v = 0;
  let best = 0;
  let vertex = at;
  for (let k = 0; k < 4; k++) {
    const w = weights[k]!;
    if (w <= 0) continue;
    const di = k & 1;
    const dj = k >> 1;
    const here = at + di * n1 + dj;
    z += w * values[here]!;
    u += w * di;
    v += w * dj;
    if (w > best) {
      best = w;
      vertex = here;
    }
  }
  return {
    x: x0[0] + ((i + u) / (n0 - 1)) * (x0[1] - x0[0]),
    y: x1[0] + ((j + v) / (n1 - 1)) * (x1[1] - x1[0]),
    z,
    vertex,
    cell: [i, j],
    distance,
  };
}

/** Top-down: the cell below the ray's origin. */
function pickFlat(grid: Grid, camera: Camera): Hit | null {
  const { n0, n1 } = grid;
  const gx = (line[0]! + 1) * 0.5 * (n0 - 1);
  const gy = (line[1]! + 1) * 0.5 * (n1 - 1);
  if (!(gx >= 0 && gy >= 0 && gx <= n0 - 1 && gy <= n1 - 1)) return null;
  const i = Math.min(n0 - 2, Math.floor(gx));
  const j = Math.min(n1 - 2, Math.floor(gy));
  setWeights(gx - i, gy - j, gx - i >= gy - j);
  const hit = hitAt(grid, i, j, 0);
  const cut = camera.clipped && fraction(camera.map, hit.z) > 1;
  return Number.isFinite(hit.z) && !cut ? hit : null;
}

const eye = new Float64Array(3);
const OCCLUSION_STEPS = 40;

/** Whether the surface hides a world point from the eye: 40 samples along the line, enough for a marker. */
export function occluded(grid: Grid, camera: Camera, x: number, y: number, z: number): boolean {
  if (camera.flat) return false;
  const { n0, n1, values } = grid;
  towardEye(camera, x, y, z, eye);
  // Parameter at which the line leaves the box through its top or a side.
  let end = eye[2]! > 0 ? (camera.half - z) / eye[2]! : 1;
  if (eye[0] !== 0) end = Math.min(end, ((eye[0]! > 0 ? 1 : -1) - x) / eye[0]!);
  if (eye[1] !== 0) end = Math.min(end, ((eye[1]! > 0 ? 1 : -1) - y) / eye[1]!);
  const length = Math.hypot(eye[0]!, eye[1]!) * end * 0.5 * Math.max(n0, n1);
  const steps = Math.max(1, Math.min(OCCLUSION_STEPS, Math.ceil(length)));
  for (let s = 1; s <= steps; s++) {
    const t = (end * s) / steps;
    const gx = (x + eye[0]! * t + 1) * 0.5 * (n0 - 1);
    const gy = (y + eye[1]! * t + 1) * 0.5 * (n1 - 1);
    const i = Math.min(n0 - 2, Math.max(0, Math.floor(gx)));
    const j = Math.min(n1 - 2, Math.max(0, Math.floor(gy)));
    const fx = gx - i;
    const fy = gy - j;
    const at = i * n1 + j;
    const value =
      (values[at]! * (1 - fy) + values[at + 1]! * fy) * (1 - fx) +
      (values[at + n1]! * (1 - fy) + values[at + n1 + 1]! * fy) * fx;
    const level = levelOf(camera, value);
    if (level > z + eye[2]! * t + 0.01 && !(camera.clipped && level > camera.half)) return true;
  }
  return false;
}
