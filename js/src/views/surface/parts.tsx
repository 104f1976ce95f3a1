import { type Signal, useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { nearestVertex } from "../../model/place";
import type { Coordinates } from "../../model/protocol";
import type { LiveGrid, Store } from "../../model/store";
import { num, point } from "../parts/format";
import { digitsIn } from "../parts/offset";
import { standing } from "../parts/standing";
import { useScale } from "../parts/use-spec";
import { type CriticalPoint, criticalPoints, isPlace, type Row, samePoint, title } from "./critical";
import { barPlace } from "./layout";
import { shortLabel, vertexPoint } from "./scene";
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

export interface Reading {
  glyph: string;
  heading: string;
  rows: Row[];
  note: string;
}

const GLYPHS = { minimum: "▼", saddle: "✕", model: "★", point: "●" } as const;

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
  rows.push({ name: "loss", value: num(at.loss, digits) }, ...(marked?.told?.rows ?? []));
  const persistence = marked?.branch?.persistence;
  if (persistence !== undefined && marked?.kind === "minimum") {
    const error = marked.branch?.evidence?.stderr ?? Number.NaN;
    const value = Number.isFinite(error) ? `${num(persistence)} ± ${num(error, 2)}` : num(persistence);
    rows.push({ name: "persistence", value: Number.isFinite(persistence) ? value : "∞ (lowest)" });
  }
  let note = "";
  const vertex = at.vertex ?? nearestVertex(grid, at.coordinates);
  const row = tree && tree.basins.length === grid.values.length ? tree.basins[vertex] : undefined;
  const branch = marked?.kind === "minimum" ? undefined : tree?.branches.find((b) => b.row === row);
  if (branch && marked?.kind !== "saddle") {
    const { x, y } = vertexPoint(grid, branch.birthVertex);
    const depth = Number.isFinite(branch.persistence) ? `, persistence ${num(branch.persistence)}` : "";
    note = `Basin of the minimum ${num(branch.birth)} at ${point([x, y])}${depth}`;
  } else if (marked?.kind === "saddle" && marked.branch) {
    note = `Here the minimum ${num(marked.branch.birth)} joins a deeper one`;
  }
  if (marked?.branch?.evidence?.supported === false) note += `${note && "; "}not supported by the data`;
  return { glyph: GLYPHS[marked?.kind ?? "point"], heading: marked ? title(marked) : "Point", rows, note };
}

function isAt(p: { x: number; y: number }, coordinates: Readonly<Coordinates>): boolean {
  return p.x === coordinates[0] && p.y === coordinates[1];
}

export function Rows({ reading: { rows, note } }: { reading: Reading }) {
  return (
    <>
      <dl>
        {rows.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {note && <p>{note}</p>}
    </>
  );
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
  const box = useRef<HTMLDivElement>(null);
  const anchor = ui.anchor.value;
  const { width, height } = ui.size.value;
  const shown = anchor && pointedAt(store, ui, alone);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !anchor) return;
    const { offsetWidth: w, offsetHeight: h } = element;
    const x = anchor.x + 16 + w > width ? anchor.x - 14 - w : anchor.x + 16;
    const y = anchor.y + 14 + h > height ? anchor.y - 12 - h : anchor.y + 14;
    element.style.transform = `translate(${Math.max(2, x)}px, ${Math.max(2, y)}px)`;
  });
  if (!shown) return null;
  return (
    <div ref={box} class="nbl-tip" role="tooltip">
      <div class="nbl-tip-head">
        <span aria-hidden="true">{shown.glyph}</span> {shown.heading}
      </div>
      <Rows reading={shown} />
    </div>
  );
}

/** The selected point in text that can be selected and copied. */
export function ReadOut({ store, ui }: Props) {
  const grid = store.grid.value;
  const shown = grid ? reading(store, grid, store.selection.value, namedPoints(ui)) : null;
  const { width, height } = ui.size.value;
  if (!shown || barPlace(width, height) === "none") return null;
  const clear = () => store.select({ kind: "none", vertex: null, coordinates: null, loss: null });
  return (
    <div
      class={`nbl-readout ${ui.corner.value} bar-${barPlace(width, height)}`}
      onPointerDown={(event) => event.stopPropagation()}
    >
      <div class="nbl-tip-head">
        <span aria-hidden="true">{shown.glyph}</span> {shown.heading}
        <button type="button" class="nbl-readout-close" aria-label="Clear the selection" onClick={clear}>
          ×
        </button>
      </div>
      <Rows reading={shown} />
    </div>
  );
}

/** Tells once that the wheel needs a click first. */
export function WheelHint({ declined }: { declined: Signal<number> }) {
  const [shown, setShown] = useState(false);
  const told = useRef(false);
  const turns = declined.value;
  useEffect(() => {
    if (turns < 3 || told.current) return undefined;
    told.current = true;
    setShown(true);
    const timer = setTimeout(() => setShown(false), 2600);
    return () => clearTimeout(timer);
  }, [turns >= 3]);
  return shown ? <div class="nbl-hint">Click the surface, or hold Ctrl, to zoom with the wheel</div> : null;
}
