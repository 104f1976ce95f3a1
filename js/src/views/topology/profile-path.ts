import { arcVolume, type PlacedArc } from "../../model/profile";

interface ProfileScale {
  x(volume: number): number;
  y(height: number): number;
}

/** Steps smaller than this many pixels are left out. */
const STEP = 0.75;

/** Sides of an arc from its upper to its lower end: x of the left one, x of the right one, y. */
function flanks({ arc, left, below }: PlacedArc, scale: ProfileScale): [number, number, number][] {
  const top = arcVolume(arc);
  const out: [number, number, number][] = [];
  const at = (k: number): [number, number, number] => {
    const inset = (top - arc.volumes[k]!) / 2;
    return [scale.x(left + inset), scale.x(left + top - inset), scale.y(arc.heights[k]!)];
  };
  for (let k = arc.heights.length - 1; k >= 0; k--) {
    const next = at(k);
    const last = out[out.length - 1];
    const kept =
      last === undefined ||
      k === 0 ||
      Math.abs(next[0] - last[0]) >= STEP ||
      Math.abs(next[2] - last[2]) >= STEP;
    if (kept) out.push(next);
  }
  // A pit ends in a point, not in the width of its one vertex.
  const end = out[out.length - 1];
  if (below.length === 0 && end) out.push([(end[0] + end[1]) / 2, (end[0] + end[1]) / 2, end[2]]);
  return out;
}

const text = (x: number, y: number) => `${x.toFixed(1)},${y.toFixed(1)}`;

/** The water of an arc. */
export function arcPath(placed: PlacedArc, scale: ProfileScale): string {
  const sides = flanks(placed, scale);
  if (sides.length === 0) return "";
  const down = sides.map(([x, , y]) => text(x, y));
  const up = sides.map(([, x, y]) => text(x, y)).reverse();
  return `M${[...down, ...up].join("L")}Z`;
}

/** The land's outline from left to right. */
export function landPath(roots: readonly PlacedArc[], scale: ProfileScale): string {
  const points: string[] = [];
  const walk = (placed: PlacedArc) => {
    const sides = flanks(placed, scale);
    for (const [x, , y] of sides) points.push(text(x, y));
    for (const part of placed.below) walk(part);
    for (let k = sides.length - 1; k >= 0; k--) points.push(text(sides[k]![1], sides[k]![2]));
  };
  for (const root of roots) walk(root);
  return points.length > 0 ? `M${points.join("L")}` : "";
}

/** Arcs of every branch, the uppermost first. */
export function arcsByRow(roots: readonly PlacedArc[]): Map<number, PlacedArc[]> {
  const out = new Map<number, PlacedArc[]>();
  const walk = (placed: PlacedArc) => {
    out.set(placed.arc.row, [...(out.get(placed.arc.row) ?? []), placed]);
    for (const part of placed.below) walk(part);
  };
  for (const root of roots) walk(root);
  return out;
}
