import { bilinear } from "../../model/preview";
import type { LiveGrid } from "../../model/store";
import type { Row } from "../canvas/marked";
import { num } from "../parts/format";
import type { CriticalPoint } from "../surface/critical";
import type { DrawnPath } from "./paths";

/**
 * The checkpoints of all paths in their order, each where it is drawn: at its projection, on the surface.
 * What lies outside the window is not among them.
 */
export function stopsOf(grid: LiveGrid, paths: readonly DrawnPath[]): CriticalPoint[] {
  const stops: CriticalPoint[] = [];
  for (const { label, kind, steps, points, losses, distance } of paths) {
    for (const [k, step] of steps.entries()) {
      const [x, y] = [points[2 * k]!, points[2 * k + 1]!];
      const z = bilinear(grid, x, y);
      if (Number.isNaN(z)) continue;
      const rows: Row[] = [];
      if (!Number.isNaN(losses[k]!)) rows.push({ name: "its own loss", value: num(losses[k]!, 6) });
      rows.push({ name: "off the plane by", value: num(distance[k]!, 3) });
      const title = kind === "trajectory" ? `${label}, step ${step}` : label;
      const of = steps.length;
      stops.push({
        kind: "point",
        vertex: -1,
        x,
        y,
        z,
        loss: z + grid.base,
        branch: null,
        rank: k + 1,
        of,
        size: 0.8,
        told: { title, rows },
      });
    }
  }
  return stops;
}
