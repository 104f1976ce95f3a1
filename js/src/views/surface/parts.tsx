import { useComputed } from "@preact/signals";
import { nearestVertex } from "../../model/place";
import type { Coordinates } from "../../model/protocol";
import { coordinatesOf } from "../../model/selection";
import type { LiveGrid, Store } from "../../model/store";
import { ReadOutCard, Tip } from "../canvas/cards";
import { barPlace } from "../canvas/layout";
import { type Reading, readingOf } from "../canvas/marked";
import { num, shortLabel } from "../parts/format";
import { digitsIn } from "../parts/offset";
import { standing } from "../parts/standing";
import { useScale } from "../parts/use-spec";
import { type CriticalPoint, criticalPoints, isPlace, samePoint } from "./critical";
import { namedPoints, type SurfaceUi } from "./ui";

export interface Props {
  store: Store;
  ui: SurfaceUi;
}

/** Says what is not a finished measurement. */
export function StateBadge({ store, ui }: Props) {
  const text = useComputed(() => standing(store)).value;
  const state = useComputed(() => store.grid.value?.state).value;
  const wanted = useScale(store);
  if (text === "")
    return state && wanted === "log" && ui.bar.value?.scale === "linear" ? (
      <div class="nbl-badge">linear: no loss here is positive, so there is no logarithm</div>
    ) : null;
  // What is final is here for want of values of what is asked for.
  return <div class={`nbl-badge ${state === "final" ? "stale" : state}`}>{text}</div>;
}

/** What is known about a point: its place, its loss and the basin it lies in. */
export function reading(
  store: Store,
  grid: LiveGrid,
  at: Store["selection"]["value"] | Store["hover"]["value"],
  named: readonly CriticalPoint[],
): Reading | null {
  if (at.kind === "none" || !at.coordinates || at.loss === null) return null;
  const tree = store.tree.value;
  const marked = [...named, ...criticalPoints(grid, tree)].find(
    (p) => samePoint(p, at) || (at.kind === "vertex" && isPlace(p) && isAt(p, at.coordinates!)),
  );
  const names = grid.labels.map((label, k) => shortLabel(label, `axis ${k + 1}`));
  const rows = names.map((name, k) => ({ name, value: num(at.coordinates![k as 0 | 1], 5) }));
  const [low, high] = grid.range;
  const digits = digitsIn(low + grid.base, high + grid.base, 6);
  rows.push({ name: "loss", value: num(at.loss, digits) });
  const vertex = at.vertex ?? nearestVertex(grid, at.coordinates);
  const row = tree && tree.basins.length === grid.values.length ? tree.basins[vertex] : undefined;
  const branch = tree?.branches.find((b) => b.row === row);
  const basin = branch && { branch, place: coordinatesOf(grid, branch.birthVertex) };
  return readingOf(marked, "Point", rows, basin ?? null);
}

function isAt(p: { x: number; y: number }, coordinates: Readonly<Coordinates>): boolean {
  return p.x === coordinates[0] && p.y === coordinates[1];
}

function pointedAt(store: Store, ui: SurfaceUi, alone: boolean): Reading | null {
  const grid = store.grid.value;
  const { width, height } = ui.size.value;
  const hover = store.hover.value;
  const selection = store.selection.value;
  // The read-out says the same already.
  const told = hover.kind === selection.kind && hover.vertex === selection.vertex && hover.kind !== "none";
  const hidden = told && !(alone && barPlace(width, height) === "none");
  return grid && !hidden ? reading(store, grid, hover, namedPoints(ui)) : null;
}

/** Follows the pointer, or stands at what another panel or the keyboard points at. */
export function Tooltip({ store, ui, alone }: Props & { alone: boolean }) {
  return <Tip ui={ui} reading={ui.anchor.value && pointedAt(store, ui, alone)} />;
}

export function ReadOut({ store, ui }: Props) {
  const grid = store.grid.value;
  const shown = grid && reading(store, grid, store.selection.value, namedPoints(ui));
  return <ReadOutCard store={store} ui={ui} reading={shown} />;
}
