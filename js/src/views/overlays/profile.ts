import { bilinear } from "../../model/preview";
import { coordinatesOf } from "../../model/selection";
import type { LiveGrid, LiveTree } from "../../model/store";

export type Ends = [[number, number], [number, number]];

/** The loss along a straight line over a surface. */
export interface Profile {
  /** Distances from the first end, in units of the axes. */
  s: Float64Array;
  x: Float64Array;
  y: Float64Array;
  /** Losses; NaN in holes and beyond the window. */
  losses: Float64Array;
  /** Index of the highest loss, -1 if there is none. */
  top: number;
  /** How much the loss rises from either end, or what is known next to it, to the highest point between them. */
  rise: [number, number];
}

/** `count` equidistant points; between vertices the loss is bilinear. */
export function profileAlong(grid: LiveGrid, [from, to]: Ends, count = 201): Profile {
  const make = () => new Float64Array(count);
  const [s, x, y, losses] = [make(), make(), make(), make()];
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  let top = -1;
  for (let k = 0; k < count; k++) {
    const t = k / (count - 1);
    s[k] = t * length;
    x[k] = from[0] + t * (to[0] - from[0]);
    y[k] = from[1] + t * (to[1] - from[1]);
    losses[k] = bilinear(grid, x[k]!, y[k]!) + grid.base;
    if (!Number.isNaN(losses[k]!) && (top < 0 || losses[k]! > losses[top]!)) top = k;
  }
  const high = top < 0 ? Number.NaN : losses[top]!;
  const known = losses.filter((loss) => !Number.isNaN(loss));
  const rise = [known[0], known.at(-1)].map((loss) => high - (loss ?? Number.NaN)) as [number, number];
  return { s, x, y, losses, top, rise };
}

/** The part of a line that lies in the window; null if none does. The same line where all of it does. */
export function within(grid: LiveGrid, ends: Ends): Ends | null {
  const [from, to] = ends;
  const windows = [grid.x0, grid.x1];
  let [start, end] = [0, 1];
  for (const axis of [0, 1] as const) {
    const along = to[axis] - from[axis];
    const bounds = [windows[axis]![0]!, windows[axis]!.at(-1)!].map((b) => b - from[axis]);
    if (along === 0 && bounds[0]! * bounds[1]! > 0) return null;
    const [enters, leaves] = along === 0 ? [0, 1] : bounds.map((b) => b / along).sort((a, b) => a - b);
    [start, end] = [Math.max(start, enters!), Math.min(end, leaves!)];
  }
  if (!(end > start)) return null;
  if (start === 0 && end === 1) return ends;
  // Rounding must not put an end just outside, where there is no loss.
  const at = (t: number) =>
    ([0, 1] as const).map((axis) => {
      const x = windows[axis]!;
      return Math.min(Math.max(from[axis] + t * (to[axis] - from[axis]), x[0]!), x.at(-1)!);
    }) as [number, number];
  return [at(start), at(end)];
}

/** A line worth looking at first: to the selected point, between the two deepest minima, or across the window. */
export function firstEnds(
  grid: LiveGrid,
  tree: LiveTree | null,
  selected: readonly [number, number] | null,
): Ends {
  const vertices = tree?.branches.slice(0, 2).map((b) => b.birthVertex) ?? [];
  const minima = vertices.map((v) => coordinatesOf(grid, v));
  const model = grid.origin === null ? minima[0] : coordinatesOf(grid, grid.origin);
  const apart = (a: readonly [number, number], b: readonly [number, number]) =>
    a[0] !== b[0] || a[1] !== b[1];
  if (selected && model && apart(model, selected)) return [model, [...selected]];
  if (minima.length === 2) return [minima[0]!, minima[1]!];
  const middle = (grid.x1[0]! + grid.x1[grid.n1 - 1]!) / 2;
  return [
    [grid.x0[0]!, middle],
    [grid.x0[grid.n0 - 1]!, middle],
  ];
}

/** The part of a probe line that lies within the window, and the loss along it. */
export interface Probe {
  ends: Ends;
  inside: Ends;
  profile: Profile;
}

export function probeOf(grid: LiveGrid, ends: Ends): Probe {
  const inside = within(grid, ends) ?? ends;
  return { ends, inside, profile: profileAlong(grid, inside) };
}
