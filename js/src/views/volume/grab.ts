import type { Triple } from "../../gl/volume";
import type { Place } from "../../model/volume-data";

interface Spot {
  x: number;
  y: number;
}

/** A slice that is held by its edge. */
export interface Grip {
  axis: 0 | 1 | 2;
  /** Index of the slice when it was taken. */
  at: number;
  /** CSS pixels that the whole axis spans on the screen, where the edge is held. */
  way: Spot;
}

/** So near an edge, in CSS pixels, it is taken. */
const REACH = 7;
/** An axis seen from its end is too short to be dragged along. */
const LEAST_WAY = 24;

/** The slice whose edge is nearest to a place on the screen; `screen` says where grid indices are drawn. */
export function gripAt(
  shape: Triple<number>,
  slices: Triple<number | null>,
  screen: (at: Place) => Spot,
  { x, y }: Spot,
): Grip | null {
  let best: Grip | null = null;
  let nearest = REACH;
  for (const axis of [0, 1, 2] as const) {
    const at = slices[axis];
    if (at === null) continue;
    const [u, v] = ([0, 1, 2] as const).filter((k) => k !== axis) as [0 | 1 | 2, 0 | 1 | 2];
    const corner = (a: number, b: number): Place => {
      const place: Place = [at, at, at];
      place[u] = a * (shape[u] - 1);
      place[v] = b * (shape[v] - 1);
      return place;
    };
    const corners = [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
    corners.forEach((from, k) => {
      const to = corners[(k + 1) % 4]!;
      const [p, q] = [screen(from), screen(to)];
      const [dx, dy] = [q.x - p.x, q.y - p.y];
      const along = Math.min(1, Math.max(0, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy || 1)));
      const distance = Math.hypot(p.x + along * dx - x, p.y + along * dy - y);
      if (distance >= nearest) return;
      const held = from.map((a, i) => a + along * (to[i]! - a)) as Place;
      const [low, high] = [0, shape[axis] - 1].map((end) => {
        held[axis] = end;
        return screen(held);
      }) as [Spot, Spot];
      const way = { x: high.x - low.x, y: high.y - low.y };
      if (Math.hypot(way.x, way.y) >= LEAST_WAY) [best, nearest] = [{ axis, at, way }, distance];
    });
  }
  return best;
}

/** Index of a held slice once the pointer has moved so far, within the box. */
export function dragged({ at, way }: Grip, dx: number, dy: number, last: number): number {
  const share = (dx * way.x + dy * way.y) / (way.x ** 2 + way.y ** 2);
  return Math.min(last, Math.max(0, at + share * last));
}
