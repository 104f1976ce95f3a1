import { useComputed } from "@preact/signals";
import { cssGradient } from "../../gl/luts";
import { trilinear } from "../../gl/volume";
import { distanceFromModel } from "../../model/place";
import type { Coordinates, Selection } from "../../model/protocol";
import type { Hover, LiveTree, Store } from "../../model/store";
import { indexAt, indices, type LiveVolume, type Place, placeOf } from "../../model/volume-data";
import { float32 } from "../../model/wire";
import { CardHead, cardClass, Rows, Tip } from "../canvas/cards";
import { barLength, barPlace, isCramped } from "../canvas/layout";
import { type Reading, type Row, readingOf } from "../canvas/marked";
import { num, percent, shortLabel } from "../parts/format";
import { digitsIn, tickNote } from "../parts/offset";
import { lossTicks, tickTexts } from "../parts/ticks";
import { fits, samePoint, volumePoints } from "./points";
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

/** What is known about a point: its place, its loss, its basin. */
function reading(
  volume: LiveVolume,
  tree: LiveTree | null,
  at: Selection | Hover,
  heading = "Point",
): Reading | null {
  const place = placeIn(volume, at);
  if (place === null || at.loss === null) return null;
  const marked = volumePoints(volume, tree).find(
    (p) =>
      samePoint(p, at) ||
      (p.kind === "model" && at.vertex === p.vertex && p.place.every((x, k) => x === place[k])),
  );
  const rows = volume.data.labels.map((label, k) => ({
    name: shortLabel(label, `axis ${k + 1}`),
    value: num(place[k] ?? Number.NaN, 5),
  }));
  const [low, high] = scaleOf(volume, "linear").range;
  const digits = digitsIn(low + volume.base, high + volume.base, 6);
  rows.push({ name: "loss", value: num(at.loss, digits) });
  const row = fits(volume, tree) && at.vertex !== null ? tree.basins[at.vertex] : undefined;
  const branch = tree?.branches.find((b) => b.row === row);
  const basin = branch && { branch, place: placeOf(volume, indices(volume, branch.birthVertex)) };
  const told = readingOf(marked, heading, rows, basin ?? null);
  if (marked?.kind === "minimum" && marked.branch)
    told.rows.push({ name: "basin", value: percent(marked.branch.share) });
  return told;
}

function placeIn(volume: LiveVolume, at: Selection | Hover): Readonly<Coordinates> | null {
  if (at.kind === "none") return null;
  return at.coordinates ?? (at.vertex === null ? null : placeOf(volume, indices(volume, at.vertex)));
}

export function VolumeTooltip({ store, ui, volume }: Props) {
  const hover = store.hover.value;
  const selection = store.selection.value;
  const told = hover.kind === selection.kind && hover.vertex === selection.vertex;
  const on = hover.from === "surface" ? ui.on.value : null;
  const where = on === "isosurface" ? "On the isosurface" : on === "slice" ? "On the slice" : "On the cut";
  const shown = ui.anchor.value && !told;
  return <Tip ui={ui} reading={shown ? reading(volume, store.tree.value, hover, where) : null} />;
}

/** What is known of a place besides its loss: the metrics, trilinear, and how far it is from the model. */
export function factsAt({ axes, shape, data }: LiveVolume, place: Readonly<Coordinates>): Row[] {
  const at = axes.map((axis, k) => indexAt(axis, place[k]!)) as Place;
  const rows = Object.entries(data.metrics ?? {}).map(([name, bytes]) => ({
    name,
    value: num(trilinear({ shape, values: float32(bytes) }, ...at), 5),
  }));
  if (data.model) rows.push({ name: "from the model", value: num(distanceFromModel(data.model, place), 5) });
  return rows;
}

/** The selected point in text that can be selected and copied; a line where there is little room. */
export function VolumeReadOut({ store, ui, volume }: Props) {
  const selection = store.selection.value;
  const told = reading(volume, store.tree.value, selection);
  const at = placeIn(volume, selection);
  const { width, height } = ui.size.value;
  const wanted = useComputed(() => store.view.value.details === true).value;
  if (!told || !at) return null;
  const line = isCramped(width, height);
  const open = !line || wanted;
  told.rows.push(...factsAt(volume, at));
  return (
    <div class={cardClass(ui, line)} onPointerDown={(event) => event.stopPropagation()}>
      <CardHead store={store} reading={told}>
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
      </CardHead>
      {open && <Rows reading={told} />}
    </div>
  );
}
