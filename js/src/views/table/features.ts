import { coordinatesOf } from "../../model/selection";
import type { Branch, LiveTree, Store } from "../../model/store";
import { indices, placeOf, volumeOf } from "../../model/volume-data";

/** A minimum of the shown tree and the saddle at which it joins a deeper one: a row of `Explorer.to_frame`. */
export interface Feature {
  /** As in the tree and on the surface: 1 is the most persistent. */
  number: number;
  at: readonly number[];
  loss: number;
  persistence: number;
  stderr: number;
  share: number;
  /** null = nothing is known about the error. */
  supported: boolean | null;
  /** NaN where it joins none. */
  saddle: readonly number[];
  saddleLoss: number;
  branch: Branch;
}

/** Where the vertices of what is shown lie. */
export interface Places {
  labels: readonly string[];
  of(vertex: number): number[];
  /** Measured losses, all of them. */
  final: boolean;
}

export function placesOf(store: Store): Places | null {
  const volume = volumeOf(store);
  if (volume !== null) {
    const { labels, known } = volume.data;
    return { labels, of: (vertex) => placeOf(volume, indices(volume, vertex)), final: known >= 1 };
  }
  const grid = store.grid.value;
  if (grid === null) return null;
  return {
    labels: grid.labels,
    of: (vertex) => coordinatesOf(grid, vertex),
    final: grid.state === "final",
  };
}

/** The features shown, lowest minimum first, equal ones by their place: the order of `Explorer.to_frame`. */
export function featuresOf(places: Places, tree: LiveTree): Feature[] {
  const rows = tree.branches.map((branch, i): Feature => {
    const joins = branch.deathVertex >= 0;
    return {
      number: i + 1,
      at: places.of(branch.birthVertex),
      loss: branch.birth,
      persistence: branch.persistence,
      stderr: branch.evidence?.stderr ?? Number.NaN,
      share: branch.share,
      supported: branch.evidence?.supported ?? null,
      saddle: joins ? places.of(branch.deathVertex) : places.labels.map(() => Number.NaN),
      saddleLoss: joins ? branch.death : Number.NaN,
      branch,
    };
  });
  const byPlace = (a: Feature, b: Feature) => a.at.map((x, k) => x - b.at[k]!).find((d) => d !== 0) ?? 0;
  return rows.sort((a, b) => a.loss - b.loss || byPlace(a, b));
}

/** Names of the columns, in the order of `Explorer.to_frame`. */
export function columnsOf(dim: number): string[] {
  const at = Array.from({ length: dim }, (_, k) => `x${k}`);
  const saddle = [...at, "loss"].map((name) => `saddle_${name}`);
  return [...at, "loss", "persistence", "stderr", "share", "supported", ...saddle];
}

/** What stands in a column of a row. */
export function cellOf(row: Feature, column: string): number | boolean | null {
  const place = /^(saddle_)?x(\d)$/.exec(column);
  if (place !== null) return (place[1] ? row.saddle : row.at)[Number(place[2])]!;
  if (column === "saddle_loss") return row.saddleLoss;
  return row[column as "number" | "loss" | "persistence" | "stderr" | "share" | "supported"];
}

/** Rows sorted by a column: what is not known comes last, whichever way. */
export function sortFeatures(rows: readonly Feature[], by: string, descending: boolean): Feature[] {
  const key = (row: Feature) => Number(cellOf(row, by) ?? Number.NaN);
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [p, q] = [key(a), key(b)];
    if (Number.isNaN(p) || Number.isNaN(q)) return Number(Number.isNaN(p)) - Number(Number.isNaN(q));
    return p === q ? 0 : p < q ? -sign : sign;
  });
}
