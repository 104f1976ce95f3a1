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
  /** How much the loss rises from either end to the highest point between them. */
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
  return { s, x, y, losses, top, rise: [high - losses[0]!, high - losses[count - 1]!] };
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
