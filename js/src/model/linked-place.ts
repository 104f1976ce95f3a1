import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { hasValues } from "./common-scale";
import { valueAt } from "./place";
import type { Coordinates, Selection } from "./protocol";
import type { Hover, LiveGrid, Store } from "./store";
import { float32 } from "./wire";

/** A place of one surface, to be found again on the others. */
export interface LinkedPlace {
  /** Position of the member that it was chosen on. */
  from: number;
  coordinates: Readonly<Coordinates>;
  vertex: number | null;
  /** Pointed at, rather than selected. */
  hovered: boolean;
}

/** What a surface says of a place; NaN = outside its window, beside a hole, or (of the error) not known. */
interface PlaceReading {
  loss: number;
  stderr: number;
}

export function readAt(
  grid: LiveGrid | null,
  place: Pick<LinkedPlace, "coordinates" | "vertex">,
): PlaceReading {
  if (grid === null || !hasValues(grid)) return { loss: Number.NaN, stderr: Number.NaN };
  const errors = grid.data?.stderr;
  return {
    loss: valueAt(grid, grid.values, place) + grid.base,
    stderr: errors === undefined ? Number.NaN : valueAt(grid, float32(errors), place),
  };
}

/** What is pointed at on any of them, else what was selected last. Its `stop` ends the listening. */
export function linkPlaces(stores: readonly Store[]): {
  place: ReadonlySignal<LinkedPlace | null>;
  stop(): void;
} {
  const latest = signal(-1);
  const seen = stores.map((store) => store.selection.peek());
  latest.value = seen.findIndex((selection) => selection.kind !== "none");
  const stop = effect(() => {
    for (const [k, store] of stores.entries()) {
      if (store.selection.value === seen[k]) continue;
      seen[k] = store.selection.value;
      latest.value = k;
    }
  });
  const at = (from: number, chosen: Hover | Selection, hovered: boolean): LinkedPlace | null => {
    const { kind, coordinates, vertex } = chosen;
    if (kind === "none" || coordinates === null) return null;
    // A vertex is one of its own grid; on another grid the place is what counts.
    return { from, coordinates, vertex, hovered };
  };
  const place = computed(() => {
    for (const [k, store] of stores.entries()) {
      const found = at(k, store.hover.value, true);
      if (found !== null) return found;
    }
    const k = latest.value;
    return k < 0 ? null : at(k, stores[k]!.selection.value, false);
  });
  return { place, stop };
}
