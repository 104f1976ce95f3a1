import { finiteRange } from "./preview";
import type { Spec, SurfaceData, TreeData } from "./protocol";
import { originOf, samplingKey } from "./spec";
import type { LiveGrid } from "./store";
import { float32, float64 } from "./wire";

/** The grid of a committed trait, labelled with the spec that it answers now. */
export function committedGrid(surface: SurfaceData, spec: Spec, revision: number): LiveGrid {
  const values = float32(surface.values);
  const [n0, n1] = surface.shape;
  if (values.length !== n0 * n1) {
    throw new RangeError(`surface: ${values.length} values for a grid of ${n0} × ${n1}`);
  }
  return {
    spec,
    n0,
    n1,
    x0: float64(surface.x0),
    x1: float64(surface.x1),
    values,
    base: surface.base,
    origin: surface.origin,
    labels: surface.labels,
    quantity: surface.quantity,
    state: "final",
    range: finiteRange(values),
    revision,
    known: 1,
    data: surface,
  };
}

interface Committed {
  surface: SurfaceData;
  tree: TreeData | null;
}

const KEPT = 8;

/** The last few results, so that undo shows the earlier one at once. */
export function createResultCache() {
  const results = new Map<string, Committed>();
  return {
    get: (spec: Spec): Committed | undefined => results.get(samplingKey(spec)),
    /** True: it shows that all earlier results are void. */
    put(surface: SurfaceData, tree: TreeData | null): boolean {
      let voided = false;
      const origin = originOf(surface.spec);
      for (const [key, other] of results) {
        // Another loss at the model: it or the data have changed, earlier results are void.
        const same = originOf(other.surface.spec) === origin;
        if (same && other.surface.base !== surface.base) {
          if (origin === 0) {
            results.clear();
            voided = true;
          } else results.delete(key);
        }
      }
      const key = samplingKey(surface.spec);
      results.delete(key);
      results.set(key, { surface, tree: tree?.id === surface.id ? tree : null });
      for (const oldest of results.keys()) {
        if (results.size <= KEPT) break;
        results.delete(oldest);
      }
      return voided;
    },
  };
}
