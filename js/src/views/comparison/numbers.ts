import type { Member } from "../../model/comparison";
import type { Store } from "../../model/store";
import { float64 } from "../../model/wire";
import { csv } from "../table/csv";

/** What is told of a landscape; null = not known (yet). `Comparison.to_frame` gives the same. */
export interface Numbers {
  loss: number | null;
  largest: number | null;
  largest_residual: number | null;
  smallest: number | null;
  smallest_residual: number | null;
  minima: number | null;
  smad: number | null;
  lowest: number | null;
}

/** Names of the columns, in the order of `Comparison.to_frame`. */
const COLUMNS: readonly (keyof Numbers)[] = [
  "loss",
  "largest",
  "largest_residual",
  "smallest",
  "smallest_residual",
  "minima",
  "smad",
  "lowest",
];

export function numbersOf(store: Store): Numbers {
  const grid = store.grid.value;
  const tree = store.tree.value;
  const { values = [], residuals = [] } = store.spectrum.value ?? {};
  const measured = grid !== null && grid.state !== "predicted";
  return {
    loss: measured && grid.origin !== null ? grid.values[grid.origin]! + grid.base : null,
    largest: values[0] ?? null,
    largest_residual: residuals[0] ?? null,
    smallest: values.at(-1) ?? null,
    smallest_residual: residuals.at(-1) ?? null,
    minima: tree === null ? null : tree.branches.length,
    smad: tree === null ? null : tree.smad,
    // Where basins begin is known with every digit; the grid is rounded.
    lowest: tree === null ? null : float64(tree.tree.birth).reduce((a, b) => Math.min(a, b)),
  };
}

/** The table of `Comparison.to_frame`. */
export function numbersCsv(members: readonly Member[]): string {
  const rows = members.map(({ name, store }) => {
    const numbers = numbersOf(store);
    return [name, ...COLUMNS.map((column) => numbers[column] ?? Number.NaN)];
  });
  return csv([["name", ...COLUMNS], ...rows]);
}
