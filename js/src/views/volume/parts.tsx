import { useComputed } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { cssGradient } from "../../gl/luts";
import { trilinear } from "../../gl/volume";
import { distanceFromModel } from "../../model/place";
import type { Coordinates } from "../../model/protocol";
import type { LiveTree, Store } from "../../model/store";
import { indexAt, indices, type LiveVolume, type Place, placeOf } from "../../model/volume-data";
import { float32 } from "../../model/wire";
import { num, percent, point } from "../parts/format";
import { digitsIn, tickNote } from "../parts/offset";
import { barLength, barPlace, isCramped } from "../surface/layout";
import { shortLabel } from "../surface/scene";
import { lossTicks, tickTexts } from "../surface/ticks";
import { fits, samePoint, titleOf, volumePoints } from "./points";
import { levelOf, scaleOf, shareOf } from "./state";
import type { VolumeUi } from "./ui";

interface Props {
  store: Store;
  ui: VolumeUi;
  volume: LiveVolume;
}

/** The colours' losses; a triangle follows what is pointed at, a line marks the level. */
export function VolumeBar({ store, ui, volume }: Props) {
  const colormap = useComputed(() => store.view.value.colormap).value;
  const level = useComputed(() => levelOf(store, volume)).value;
  const { width, height } = ui.size.value;
  const place = barPlace(width, height);
  if (place === "none") return null;
  const scale = scaleOf(volume, store.spec.value?.scale ?? "linear");
  const upright = place === "right";
  const [length, count] = barLength(upright, width, height);
  const [low, high] = scale.range;
  const losses = lossTicks(low + volume.base, high + volume.base, scale.kind, count);
  const texts = tickTexts(losses);
  const note = tickNote(losses);
  const side = upright ? "bottom" : "left";
  const at = (loss: number) => ({ [side]: `${(100 * shareOf(scale, volume, loss)).toFixed(2)}%` });
  const { loss } = store.hover.value;
  return (
    <div class={`nbl-bar ${place}`} aria-hidden="true">
      <div class="nbl-bar-title">
        {volume.data.quantity}
        {scale.log && <span> ({scale.kind})</span>}
        {note && <span> {note}</span>}
      </div>
      <div class="nbl-bar-scale" style={{ [upright ? "height" : "width"]: `${length}px` }}>
        <div
          class="nbl-bar-colors"
          style={{ background: cssGradient(colormap, upright ? "to top" : "to right") }}
        />
        {losses.map((value, k) => (
          <div key={value} class="nbl-bar-tick" style={at(value)}>
            {texts[k]}
          </div>
        ))}
        <div class="nbl-bar-level" style={at(level)} />
        {loss !== null && <div class="nbl-bar-pointer" style={at(loss)} />}
      </div>
    </div>
  );
}

interface Reading {
  glyph: string;
  heading: string;
  rows: [string, string][];
  note: string;
}

const GLYPHS = { minimum: "▼", saddle: "✕", model: "★", point: "●" } as const;

/** What is known about a point: its place, its loss, its basin. */
export function readingOf(
  volume: LiveVolume,
  tree: LiveTree | null,
  at: Store["selection"]["value"] | Store["hover"]["value"],
  heading = "Point",
): Reading | null {
  if (at.kind === "none" || at.loss === null) return null;
  const place = at.coordinates ?? (at.vertex === null ? null : placeOf(volume, indices(volume, at.vertex)));
  if (place === null) return null;
  const marked = volumePoints(volume, tree).find(
    (p) =>
      samePoint(p, at) ||
      (p.kind === "model" && at.vertex === p.vertex && p.place.every((x, k) => x === place[k])),
  );
  const rows: [string, string][] = volume.data.labels.map((label, k) => [
    shortLabel(label, `axis ${k + 1}`),
    num(place[k] ?? Number.NaN, 5),
  ]);
  const [low, high] = scaleOf(volume, "linear").range;
  rows.push(["loss", num(at.loss, digitsIn(low + volume.base, high + volume.base, 6))]);
  const branch = marked?.branch ?? null;
  let note = "";
  if (marked?.kind === "minimum" && branch) {
    const error = branch.evidence?.stderr ?? Number.NaN;
    const spread = Number.isFinite(error) ? ` ± ${num(error, 2)}` : "";
    const persistence = Number.isFinite(branch.persistence)
      ? `${num(branch.persistence)}${spread}`
      : "∞ (lowest)";
    rows.push(["persistence", persistence], ["basin", percent(branch.share)]);
  } else if (marked?.kind === "saddle" && branch) {
    note = `Here the minimum ${num(branch.birth)} joins a deeper one`;
  } else if (fits(volume, tree) && at.vertex !== null) {
    const row = tree.basins[at.vertex];
    const basin = tree.branches.find((b) => b.row === row);
    if (basin)
      note = `Basin of the minimum ${num(basin.birth)} at ${point(placeOf(volume, indices(volume, basin.birthVertex)))}`;
  }
  if (branch?.evidence?.supported === false) note += `${note && "; "}not supported by the data`;
  return { glyph: GLYPHS[marked?.kind ?? "point"], heading: marked ? titleOf(marked) : heading, rows, note };
}

function Rows({ rows, note }: Reading) {
  return (
    <>
      <dl>
        {rows.map(([name, value]) => (
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

export function VolumeTooltip({ store, ui, volume }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const anchor = ui.anchor.value;
  const { width, height } = ui.size.value;
  const hover = store.hover.value;
  const selection = store.selection.value;
  const told = hover.kind === selection.kind && hover.vertex === selection.vertex;
  const on = hover.from === "surface" ? ui.on.value : null;
  const where = on === "isosurface" ? "On the isosurface" : on === "slice" ? "On the slice" : "On the cut";
  const shown = anchor && !told ? readingOf(volume, store.tree.value, hover, where) : null;
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
      <Rows {...shown} />
    </div>
  );
}

/** What is known of a place besides its loss: the metrics, trilinear, and how far it is from the model. */
export function factsAt({ axes, shape, data }: LiveVolume, place: Readonly<Coordinates>): [string, string][] {
  const at = axes.map((axis, k) => indexAt(axis, place[k]!)) as Place;
  const rows = Object.entries(data.metrics ?? {}).map(([name, bytes]): [string, string] => [
    name,
    num(trilinear({ shape, values: float32(bytes) }, ...at), 5),
  ]);
  if (data.model) rows.push(["from the model", num(distanceFromModel(data.model, place), 5)]);
  return rows;
}

/** The selected point in text that can be selected and copied. */
export function VolumeReadOut({ store, ui, volume }: Props) {
  const selection = store.selection.value;
  const shown = readingOf(volume, store.tree.value, selection);
  const { width, height } = ui.size.value;
  const wanted = useComputed(() => store.view.value.details === true).value;
  if (!shown) return null;
  const line = isCramped(width, height);
  const open = !line || wanted;
  const { coordinates, vertex } = selection;
  const at = coordinates ?? (vertex === null ? null : placeOf(volume, indices(volume, vertex)));
  const clear = () => store.select({ kind: "none", vertex: null, coordinates: null, loss: null });
  return (
    <div
      class={`nbl-readout ${line ? "nbl-readout-line" : ui.corner.value} bar-${barPlace(width, height)}`}
      onPointerDown={(event) => event.stopPropagation()}
    >
      <div class="nbl-tip-head">
        <span aria-hidden="true">{shown.glyph}</span> {shown.heading}
        {!open && <span class="nbl-readout-loss">loss {num(selection.loss!)}</span>}
        {line && (
          <button
            type="button"
            class="nbl-readout-close"
            aria-label="All details"
            aria-expanded={open}
            onClick={() => store.setView({ details: !open })}
          >
            {open ? "▾" : "▴"}
          </button>
        )}
        <button type="button" class="nbl-readout-close" aria-label="Clear the selection" onClick={clear}>
          ×
        </button>
      </div>
      {open && <Rows {...shown} rows={[...shown.rows, ...(at ? factsAt(volume, at) : [])]} />}
    </div>
  );
}
