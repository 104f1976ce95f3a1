import { type Camera, project } from "../../gl/camera";
import type { Grid } from "../../gl/engine";
import { fraction } from "../../gl/height-map";
import { MARKER_LIFT, MARKER_RADIUS } from "../../gl/paint-markers";
import { occluded } from "../../gl/pick";
import type { CriticalPoint } from "./critical";

/** A marker is hit within this many CSS pixels of its middle. */
const HIT_RADIUS = 14;
/** Points of a line stand close together, and leave the surface around them to itself. */
const STOP_HANDICAP = 5;

const projected = new Float64Array(3);

/** The marker under a point of the canvas (CSS pixels); one that can be seen goes before a hidden one. */
export function markerAt(
  points: readonly CriticalPoint[],
  grid: Grid,
  camera: Camera,
  at: { x: number; y: number },
): CriticalPoint | null {
  let best: CriticalPoint | null = null;
  let nearest = HIT_RADIUS;
  for (const point of points) {
    project(camera, point.x, point.y, point.z, projected);
    const lift = MARKER_LIFT[point.kind] * MARKER_RADIUS * point.size;
    const dx = projected[0]! / camera.pixelRatio - at.x;
    const dy = projected[1]! / camera.pixelRatio - lift - at.y;
    let distance = Math.hypot(dx, dy) + (point.told ? STOP_HANDICAP : 0);
    if (distance >= nearest) continue;
    const x = point.x * camera.scaleX + camera.shiftX;
    const y = point.y * camera.scaleY + camera.shiftY;
    const z = (2 * fraction(camera.map, point.z) - 1) * camera.half;
    if (occluded(grid, camera, x, y, z)) distance += HIT_RADIUS / 2;
    if (distance >= nearest) continue;
    nearest = distance;
    best = point;
  }
  return best;
}
