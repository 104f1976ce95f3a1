import type { PathsData } from "../../model/protocol";
import { planeKey } from "../../model/spec";
import type { Store } from "../../model/store";
import { float64 } from "../../model/wire";

export interface DrawnPath {
  label: string;
  kind: "trajectory" | "checkpoint";
  steps: readonly number[];
  points: Float64Array;
  losses: Float64Array;
  distance: Float64Array;
}

export const NONE: readonly DrawnPath[] = [];
const decoded = new WeakMap<PathsData, DrawnPath[]>();

/** What is drawn on the surface now: nothing while another plane is shown than the one of the projections. */
export function pathsOf(store: Store): readonly DrawnPath[] {
  const data = store.trait<PathsData>("paths").value;
  const grid = store.grid.value;
  if (data === null || grid === null || planeKey(data.spec) !== planeKey(grid.spec)) return NONE;
  let found = decoded.get(data);
  if (found === undefined) {
    found = data.items.map((item) => ({
      ...item,
      points: float64(item.points),
      losses: float64(item.losses),
      distance: float64(item.distance),
    }));
    decoded.set(data, found);
  }
  return found;
}
