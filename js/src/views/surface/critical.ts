import type { Marker } from "../../gl/engine";
import { modelSpot, nearestVertex } from "../../model/place";
import { bilinear } from "../../model/preview";
import type { Selection } from "../../model/protocol";
import { originOf } from "../../model/spec";
import type { Branch, Hover, LiveGrid, LiveTree } from "../../model/store";
import { eachFeature, type Marked } from "../canvas/marked";
import { vertexPoint } from "./scene";

/** A marked point of the surface. */
export interface CriticalPoint extends Marked {
  x: number;
  y: number;
  /** loss - base. */
  z: number;
  /** Marker size, by persistence. */
  size: number;
}

/** More marks than this cover what they mark; the most persistent ones are kept. */
const MAX_OF_A_KIND = 150;

/** The model, then minima, then saddles, each by falling persistence. */
export function criticalPoints(grid: LiveGrid | null, tree: LiveTree | null): CriticalPoint[] {
  if (!grid) return [];
  const out: CriticalPoint[] = [];
  const add = (
    kind: CriticalPoint["kind"],
    vertex: number,
    branch: Branch | null,
    rank: number,
    of: number,
  ) => {
    if (vertex < 0 || vertex >= grid.values.length) return;
    const at = vertexPoint(grid, vertex);
    if (Number.isNaN(at.z)) return;
    const size = kind === "model" ? 1 : sizeOf(branch, tree);
    out.push({ kind, vertex, ...at, loss: at.z + grid.base, branch, rank, of, size });
  };
  if (grid.origin !== null) add("model", grid.origin, null, 1, 1);
  else addOrigin(grid, out);
  const branches = tree && tree.basins.length === grid.values.length ? tree.branches : [];
  eachFeature(branches, MAX_OF_A_KIND, add);
  return out;
}

/** Where planes start that do not start from the model, and the model if they hold it: seldom at a vertex. */
function addOrigin(grid: LiveGrid, out: CriticalPoint[]): void {
  const { offset } = grid.spec;
  const still = offset.axis === null || offset.value === 0;
  const add = (kind: "model" | "point", [x, y]: readonly [number, number]) => {
    const z = bilinear(grid, x, y);
    if (Number.isNaN(z)) return;
    const vertex = nearestVertex(grid, [x, y]);
    out.push({ kind, vertex, x, y, z, loss: z + grid.base, branch: null, rank: 1, of: 1, size: 1 });
  };
  const model = modelSpot(grid);
  if (model !== null) add("model", model);
  if (originOf(grid.spec) > 0 && still) add("point", [0, 0]);
}

function sizeOf(branch: Branch | null, tree: LiveTree | null): number {
  if (!branch || !tree) return 1;
  if (!Number.isFinite(branch.persistence)) return 1.1;
  const share = tree.maxPersistence > 0 ? Math.min(1, branch.persistence / tree.maxPersistence) : 1;
  return 0.62 + 0.38 * Math.sqrt(share);
}

/** Marked for where it is, not for the shape of the surface there. */
export const isPlace = (point: CriticalPoint): boolean => point.kind === "model" || point.kind === "point";

export function samePoint(point: CriticalPoint, other: Selection | Hover): boolean {
  if (point.vertex >= 0) return other.kind === point.kind && other.vertex === point.vertex;
  const [x, y] = other.coordinates ?? [];
  return other.vertex === null && x === point.x && y === point.y;
}

/** What the engine draws: critical points and the selected or hovered free point. */
export function markersOf(
  points: readonly CriticalPoint[],
  selection: Selection,
  hover: Hover,
  base: number,
): Marker[] {
  const markers: Marker[] = points.map((p) => ({
    shape: p.kind,
    x: p.x,
    y: p.y,
    z: p.z,
    selected: samePoint(p, selection),
    hovered: samePoint(p, hover) || (hover.kind === "vertex" && isPlace(p) && hover.vertex === p.vertex),
    size: p.size * (p.kind === "saddle" ? 0.85 : p.kind === "point" ? 0.75 : 1),
    hollow: p.kind === "point" || p.branch?.evidence?.supported === false,
  }));
  if (
    selection.kind === "point" &&
    selection.vertex === null &&
    selection.coordinates &&
    selection.loss !== null
  ) {
    const [x, y] = selection.coordinates;
    markers.push({
      shape: "point",
      x,
      y,
      z: selection.loss - base,
      selected: true,
      hovered: false,
      size: 0.75,
    });
  }
  const free = hover.from === "tree" || hover.vertex === null;
  if (free && hover.kind === "vertex" && hover.coordinates && hover.loss !== null) {
    const [x, y] = hover.coordinates;
    markers.push({ shape: "point", x, y, z: hover.loss - base, selected: false, hovered: true, size: 0.8 });
  }
  return markers;
}
