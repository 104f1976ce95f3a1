import type { Store } from "../../model/store";

/** What is told of a landscape; null = not known (yet). `Comparison.to_frame` gives the same. */
export interface Numbers {
  loss: number | null;
  lowest: number | null;
  largest: number | null;
  smallest: number | null;
  minima: number | null;
  smad: number | null;
}

export function numbersOf(store: Store): Numbers {
  const grid = store.grid.value;
  const tree = store.tree.value;
  const values = store.spectrum.value?.values ?? [];
  const measured = grid !== null && grid.state !== "predicted";
  return {
    loss: measured && grid.origin !== null ? grid.values[grid.origin]! + grid.base : null,
    lowest: measured && Number.isFinite(grid.range[0]) ? grid.range[0] + grid.base : null,
    largest: values[0] ?? null,
    smallest: values[values.length - 1] ?? null,
    minima: tree === null ? null : tree.branches.length,
    smad: tree === null ? null : tree.smad,
  };
}
