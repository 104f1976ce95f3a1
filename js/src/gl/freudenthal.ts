/**
 * Freudenthal's triangulation of a grid of cubes: six tetrahedra around the diagonal of each, whose edges join
 * vertices that differ by steps of {0, 1} along the axes. A cube's corner c has bits (i, j, k) from high to low.
 */

/** Edge of a cube: from corner `e >> 3` along the step `e & 7`. */
type Edge = number;

/** The tetrahedra's corners: from 0 to 7, one axis after the other. */
export const TETRAHEDRA: readonly (readonly [number, number, number, number])[] = [
  [4, 2],
  [4, 1],
  [2, 4],
  [2, 1],
  [1, 4],
  [1, 2],
].map(([a, b]) => [0, a!, a! | b!, 7] as const);

/** For each tetrahedron and each set of its corners that lies inside: triangles as triples of edges, seen from outside. */
export const TET_TRIANGLES: readonly (readonly Uint8Array[])[] = TETRAHEDRA.map((corners) =>
  Array.from({ length: 16 }, (_, mask) => triangles(corners, mask)),
);

/** The same for a whole cube by the set of its corners (bit c = corner c). */
export const CUBE_TRIANGLES: readonly Uint8Array[] = Array.from({ length: 256 }, (_, mask) =>
  Uint8Array.from(TETRAHEDRA.flatMap((corners, tet) => [...TET_TRIANGLES[tet]![tetMask(corners, mask)]!])),
);

/** Which corners of a tetrahedron a cube's set holds. */
export function tetMask(corners: readonly number[], cube: number): number {
  let mask = 0;
  for (let k = 0; k < 4; k++) mask |= ((cube >> corners[k]!) & 1) << k;
  return mask;
}

function triangles(corners: readonly number[], mask: number): Uint8Array {
  const inner = corners.filter((_, k) => mask & (1 << k));
  const outer = corners.filter((_, k) => !(mask & (1 << k)));
  const cut = (a: number, b: number): Edge => (Math.min(a, b) << 3) | (a ^ b);
  const faces: Edge[][] = [];
  if (inner.length === 1) faces.push(outer.map((o) => cut(inner[0]!, o)));
  if (outer.length === 1) faces.push(inner.map((i) => cut(i, outer[0]!)));
  if (inner.length === 2) {
    const [a, b] = inner as [number, number];
    const [c, d] = outer as [number, number];
    faces.push([cut(a, c), cut(a, d), cut(b, d)], [cut(a, c), cut(b, d), cut(b, c)]);
  }
  const way = outward(inner, outer);
  return Uint8Array.from(faces.flatMap((face) => (facing(face, way) > 0 ? face : [...face].reverse())));
}

function position(corner: number): number[] {
  return [corner >> 2, (corner >> 1) & 1, corner & 1];
}

function outward(inner: readonly number[], outer: readonly number[]): number[] {
  const mean = (of: readonly number[], k: number) =>
    of.reduce((sum, c) => sum + position(c)[k]!, 0) / Math.max(1, of.length);
  return [0, 1, 2].map((k) => mean(outer, k) - mean(inner, k));
}

function facing(face: readonly Edge[], way: readonly number[]): number {
  const [p, q, r] = face.map((e) => {
    const [a, b] = [position(e >> 3), position((e >> 3) | (e & 7))];
    return a.map((x, k) => (x + b[k]!) / 2);
  }) as [number[], number[], number[]];
  const u = q.map((x, k) => x - p[k]!);
  const v = r.map((x, k) => x - p[k]!);
  const normal = [0, 1, 2].map((k) => u[(k + 1) % 3]! * v[(k + 2) % 3]! - u[(k + 2) % 3]! * v[(k + 1) % 3]!);
  return normal.reduce((sum, x, k) => sum + x * way[k]!, 0);
}
