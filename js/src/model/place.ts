import { bilinear } from "./preview";
import type { Coordinates, SurfaceData } from "./protocol";
import { coordinatesOf } from "./selection";
import type { LiveGrid } from "./store";
import { float32 } from "./wire";

/** A `ModelPlace` in any number of dimensions. */
export interface PlaceIn {
  at: readonly number[];
  apart: number;
  gram: readonly (readonly number[])[];
}

interface Spot {
  coordinates: Readonly<Coordinates> | null;
  vertex: number | null;
}

/** Of the values of a grid, that at a place: exact at a vertex, bilinear between vertices. */
export function valueAt(grid: LiveGrid, values: Float32Array, { coordinates, vertex }: Spot): number {
  if (coordinates === null) return Number.NaN;
  if (vertex !== null && vertex >= 0 && vertex < values.length) {
    const [a, b] = coordinatesOf(grid, vertex);
    if (a === coordinates[0] && b === coordinates[1]) return values[vertex]!;
  }
  return bilinear({ ...grid, values }, coordinates[0], coordinates[1]);
}

/** The objective's metrics at a place of a finished surface. */
export function metricsAt(grid: LiveGrid, at: Spot): [string, number][] {
  return Object.entries(grid.data?.metrics ?? {}).map(([name, bytes]) => [
    name,
    valueAt(grid, float32(bytes), at),
  ]);
}

/**
 * Distance from the model in the space of the parameters; the directions, of any number, need be neither unit nor
 * orthogonal.
 */
export function distanceFromModel({ at, apart, gram }: PlaceIn, to: Readonly<Coordinates>): number {
  const way = at.map((x, k) => to[k]! - x);
  const square = gram.reduce((sum, row, i) => sum + way[i]! * row.reduce((s, g, k) => s + g * way[k]!, 0), 0);
  return Math.hypot(apart, Math.sqrt(Math.max(0, square)));
}

/** Where the model stands on a surface whose vertices need not hold it; null = it is elsewhere. */
export function modelSpot(
  grid: LiveGrid,
  data: SurfaceData | undefined = grid.data,
): [number, number] | null {
  if (data?.model === undefined) return null;
  const { at, apart, gram } = data.model;
  const [cell0, cell1] = [grid.x0[1]! - grid.x0[0]!, grid.x1[1]! - grid.x1[0]!];
  // Out of the plane by less than can be seen: rounding of the weights.
  if (apart > 1e-3 * Math.min(cell0 * Math.sqrt(gram[0][0]), cell1 * Math.sqrt(gram[1][1]))) return null;
  const within = (x: Float64Array, value: number) => value >= x[0]! && value <= x[x.length - 1]!;
  return within(grid.x0, at[0]) && within(grid.x1, at[1]) ? at : null;
}

export function nearestVertex(grid: LiveGrid, [x, y]: Readonly<Coordinates>): number {
  const index = (axis: Float64Array, value: number) => {
    const last = axis.length - 1;
    const at = ((value - axis[0]!) / (axis[last]! - axis[0]!)) * last;
    return Math.min(last, Math.max(0, Math.round(at)));
  };
  return index(grid.x0, x) * grid.n1 + index(grid.x1, y);
}
