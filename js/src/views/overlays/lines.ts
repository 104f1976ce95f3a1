import type { Line, Marker } from "../../gl/engine";
import { bilinear } from "../../model/preview";
import type { LiveGrid } from "../../model/store";
import type { DrawnPath } from "./paths";
import type { Profile } from "./profile";

type Rgb = readonly [number, number, number];

/** Okabe and Ito without the colours of the marks and of the maps' ends; each path has its own dash as well. */
const PATH_COLORS: readonly Rgb[] = [
  [0.84, 0.37, 0],
  [0.8, 0.47, 0.65],
  [0.34, 0.71, 0.91],
  [0.9, 0.62, 0],
  [0, 0.62, 0.45],
];
export const pathColor = (k: number): Rgb => PATH_COLORS[k % PATH_COLORS.length]!;
export const isDashed = (k: number): boolean => Math.floor(k / PATH_COLORS.length) % 2 === 1;

const WIDTH = 2.5;
const HALO = 2.5;

/** A line and the halo that keeps it apart from every colour of the map. */
function both(points: Float32Array, color: Rgb, halo: Rgb, dashed = false): Line[] {
  return [
    { points, color: halo, width: WIDTH + HALO },
    { points, color, width: WIDTH, dashed },
  ];
}

/** A way over the surface: between its points it follows the surface, half a cell at a time. */
export function overSurface(grid: LiveGrid, points: ArrayLike<number>): Float32Array {
  const cellX = (grid.x0[grid.n0 - 1]! - grid.x0[0]!) / (grid.n0 - 1) || 1;
  const cellY = (grid.x1[grid.n1 - 1]! - grid.x1[0]!) / (grid.n1 - 1) || 1;
  const out: number[] = [];
  const add = (x: number, y: number) => out.push(x, y, bilinear(grid, x, y));
  for (let k = 0; k + 1 < points.length; k += 2) {
    const [x, y] = [points[k]!, points[k + 1]!];
    if (k > 0) {
      const [px, py] = [points[k - 2]!, points[k - 1]!];
      const cells = Math.max(Math.abs(x - px) / cellX, Math.abs(y - py) / cellY);
      // Far outside there is nothing to follow.
      const steps = Math.min(400, Math.max(1, Math.ceil(2 * cells)));
      for (let n = 1; n < steps; n++) add(px + ((x - px) * n) / steps, py + ((y - py) * n) / steps);
    }
    add(x, y);
  }
  return Float32Array.from(out);
}

export function probeLines(grid: LiveGrid, profile: Profile, ink: Rgb, halo: Rgb): Line[] {
  const points = new Float32Array(3 * profile.s.length);
  profile.s.forEach((_, k) => {
    points.set([profile.x[k]!, profile.y[k]!, profile.losses[k]! - grid.base], 3 * k);
  });
  return both(points, ink, halo);
}

export function pathLines(grid: LiveGrid, paths: readonly DrawnPath[], halo: Rgb): Line[] {
  return paths.flatMap((path, k) =>
    path.kind === "trajectory" && path.points.length > 2
      ? both(overSurface(grid, path.points), pathColor(k), halo, isDashed(k))
      : [],
  );
}

/** Where a path ends, and hollow where it starts. */
export function pathMarks(grid: LiveGrid, paths: readonly DrawnPath[]): Marker[] {
  const marks: Marker[] = [];
  const add = (points: Float64Array, at: number, hollow: boolean) => {
    const [x, y] = [points[2 * at]!, points[2 * at + 1]!];
    const z = bilinear(grid, x, y);
    if (!Number.isNaN(z))
      marks.push({ shape: "point", x, y, z, selected: false, hovered: false, size: 0.8, hollow });
  };
  for (const { points } of paths) {
    const last = points.length / 2 - 1;
    if (last > 0) add(points, 0, true);
    if (last >= 0) add(points, last, false);
  }
  return marks;
}
