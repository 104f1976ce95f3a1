import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import { eigenLabel, resolveIndex, signedIndex } from "../../model/spec";
import type { Store } from "../../model/store";
import { estimate, num } from "../parts/format";
import { Icon } from "../parts/icon";
import * as icons from "../parts/icons";
import { NumberField } from "../parts/number-field";
import { Slider } from "../parts/slider";
import { Term } from "../parts/term";
import { useScale, useSpec } from "../parts/use-spec";

export { default as controlsStyles } from "./controls.css";

/** What is computed (window, resolution, offset) and how it is drawn. */
export function Controls({ store }: { store: Store }) {
  const source = store.source.value;
  const wanted = useSpec(store, () => true);
  if (wanted === null || source === null) return null;
  const spectrum = store.spectrum.value;
  const { reason } = store.abilities.value;
  return (
    <section class="nbl nbl-controls" aria-label="Controls">
      {source.can_resample && <RangeControl store={store} />}
      {source.can_resample && source.points_choices.length > 1 && <ResolutionControl store={store} />}
      {source.can_choose_axes && spectrum !== null && spectrum.values.length > 2 && (
        <OffsetControl store={store} />
      )}
      {store.trait("volume").value === null && <ExaggerationControl store={store} />}
      <LookControl store={store} />
      {reason !== "" && (source.can_resample || source.can_choose_axes) && (
        <p class="nbl-controls-reason">{reason}</p>
      )}
    </section>
  );
}

function RangeControl({ store }: { store: Store }) {
  const [linked, setLinked] = useState(true);
  const span = useSpec(store, (spec) => spec.span)!;
  const { span_limits: limits } = store.source.value!;
  const { resample: enabled, reason } = store.abilities.value;
  const [low, high] = limits.map(Math.log) as [number, number];
  const clamp = (s: number) => Number(Math.min(Math.max(s, limits[0]), limits[1]).toPrecision(4));

  const scaled = (which: 0 | 1, value: number): [number, number] => {
    if (!linked) return which === 0 ? [clamp(value), span[1]] : [span[0], clamp(value)];
    const factor = value / span[which];
    return [clamp(span[0] * factor), clamp(span[1] * factor)];
  };
  const set = (which: 0 | 1, value: number, transient: boolean) =>
    store.request({ span: scaled(which, value) }, { transient });

  const slider = (which: 0 | 1) => (
    <Slider
      value={Math.log(span[which])}
      min={low}
      max={high}
      label={linked ? "Range" : `Range of the ${which === 0 ? "first" : "second"} axis`}
      valueText={`plus minus ${num(span[which])}`}
      disabled={!enabled}
      title={enabled ? "Half-width of the window, in parameter displacement" : reason}
      onDrag={(value) => set(which, Math.exp(value), true)}
      onSettle={() => store.settle()}
    />
  );
  const field = (which: 0 | 1) => (
    <NumberField
      value={span[which]}
      label={`Half-width along the ${which === 0 ? "first" : "second"} axis`}
      disabled={!enabled}
      min={limits[0]}
      max={limits[1]}
      onCommit={(value) => set(which, value, false)}
    />
  );
  return (
    <div class="nbl-control nbl-control-wide">
      <div class="nbl-control-head">
        <span class="nbl-control-name">
          <Term of="range">Range</Term> ±
        </span>
        <span class="nbl-spacer" />
        {field(0)}
        <span class="nbl-times">×</span>
        {field(1)}
        <button
          type="button"
          class="nbl-button nbl-small"
          aria-pressed={linked}
          aria-label="Both axes together"
          title={linked ? "Both axes change together" : "Each axis changes by itself"}
          onClick={() => setLinked(!linked)}
        >
          <Icon path={linked ? icons.link : icons.unlink} />
        </button>
      </div>
      <div class="nbl-control-row">
        {slider(0)}
        {!linked && slider(1)}
      </div>
    </div>
  );
}

function ResolutionControl({ store }: { store: Store }) {
  const [p0, p1] = useSpec(store, (spec) => spec.points)!;
  const { points_choices: choices, point_seconds: cost = 0 } = store.source.value!;
  const { resample: enabled, actions, reason } = store.abilities.value;
  const [open, setOpen] = useState(false);
  const [draft, setDraft] = useState<number | null>(null);
  const nearest = choices.reduce(
    (best, n, i) => (Math.abs(n - p0) < Math.abs(choices[best]! - p0) ? i : best),
    0,
  );
  const odd = (n: number) => Math.max(3, 2 * Math.round((n - 1) / 2) + 1);
  const predicts = enabled && actions && cost > 0;
  const time = (a: number, b = a) => estimate(cost * a * b);
  const described = predicts ? "nbl-predicted-times" : undefined;
  const typed = draft === null ? null : odd(draft);
  const rows = [...new Set([...choices, typed ?? p0])].sort((a, b) => a - b);
  return (
    <fieldset
      class="nbl-control nbl-control-resolution"
      aria-label="Resolution"
      onPointerEnter={() => setOpen(true)}
      onPointerLeave={() => setOpen(false)}
      onFocusCapture={() => setOpen(true)}
      onBlurCapture={() => setOpen(false)}
      onKeyDown={(event) => setOpen(event.key !== "Escape")}
    >
      {predicts && (
        <>
          <p id={described} class="nbl-hidden">
            Predicted times: {choices.map((n) => `${n} by ${n} points ${time(n)}`).join(", ")}.
          </p>
          <p class="nbl-hidden" role="status">
            {typed === null ? "" : `${typed} by ${typed} points: about ${time(typed)}`}
          </p>
          {open && (
            <div class="nbl-times-tip" aria-hidden="true">
              {rows.map((n) => (
                <div key={n} data-chosen={n === (typed ?? p0)}>
                  <span>{n}²</span>
                  <span>
                    {cost * n * n < 0.1 ? "<" : "≈"} {time(n)}
                  </span>
                </div>
              ))}
            </div>
          )}
        </>
      )}
      <div class="nbl-control-head">
        <span class="nbl-control-name">
          <Term of="resolution">Resolution</Term>
        </span>
        <span class="nbl-spacer" />
        <NumberField
          value={p0}
          label="Points along each axis"
          digits={5}
          disabled={!enabled}
          min={3}
          max={choices[choices.length - 1] ?? 257}
          describedBy={described}
          onDraft={setDraft}
          onCommit={(value) => store.request({ points: [odd(value), odd(value)] })}
        />
        <span class="nbl-unit">{p0 === p1 ? "²" : `× ${p1}`}</span>
      </div>
      <Slider
        value={nearest}
        min={0}
        max={choices.length - 1}
        step={1}
        label="Resolution"
        valueText={`${p0} by ${p1} points${predicts ? `, about ${time(p0, p1)}` : ""}`}
        describedBy={described}
        disabled={!enabled}
        title={predicts ? undefined : enabled ? "Points along each axis" : reason}
        onDrag={(i) => store.request({ points: [choices[i]!, choices[i]!] }, { transient: true })}
        onSettle={() => store.settle()}
      />
    </fieldset>
  );
}

function OffsetControl({ store }: { store: Store }) {
  const axes = useSpec(store, (spec) => spec.axes)!;
  const { axis, value } = useSpec(store, (spec) => spec.offset)!;
  // Without an axis the slider has no scale that a window could change.
  const reach = useSpec(store, ({ span, offset }) =>
    offset.axis === null ? 1 : Math.max(...span, Math.abs(offset.value)),
  )!;
  const spectrum = store.spectrum.value!;
  const { axes: enabled, reason } = store.abilities.value;
  const taken = axes.map((index) => resolveIndex(index, spectrum.values.length));
  const free = spectrum.values.map((_, i) => i).filter((i) => !taken.includes(i));
  const set = (next: number, transient: boolean) => {
    const chosen = axis ?? (free[0] === undefined ? null : signedIndex(free[0], spectrum));
    store.request({ offset: { axis: chosen, value: Number(next.toPrecision(4)) } }, { transient });
  };
  return (
    <div class="nbl-control nbl-control-wide" data-nbl-drop="offset">
      <div class="nbl-control-head">
        <span class="nbl-control-name">
          <Term of="offset">Offset</Term>
        </span>
        <select
          class="nbl-select"
          aria-label="Eigenvector of the offset"
          title="Moves the plane along a third eigenvector"
          disabled={!enabled}
          value={axis === null ? "" : String(axis)}
          onChange={(event) => {
            const text = event.currentTarget.value;
            store.request({ offset: { axis: text === "" ? null : Number(text), value: 0 } });
          }}
        >
          <option value="">none</option>
          {free.map((i) => {
            const index = signedIndex(i, spectrum);
            return (
              <option key={index} value={String(index)}>
                {eigenLabel(index)} = {num(spectrum.values[i]!, 3)}
              </option>
            );
          })}
        </select>
        <span class="nbl-spacer" />
        <NumberField
          value={value}
          label="Offset"
          disabled={!enabled || axis === null}
          onCommit={(next) => set(next, false)}
        />
      </div>
      <Slider
        value={value}
        min={-reach}
        max={reach}
        centred
        label="Offset"
        valueText={axis === null ? "none" : `${num(value)} along ${eigenLabel(axis)}`}
        disabled={!enabled || axis === null}
        title={
          enabled
            ? axis === null
              ? "Choose an eigenvector first"
              : "Moves the plane; double-click for zero"
            : reason
        }
        onDrag={(next) => set(next, true)}
        onSettle={() => store.settle()}
      />
    </div>
  );
}

function ExaggerationControl({ store }: { store: Store }) {
  // Computed: the view changes with every frame of a rotation, this does not.
  const exaggeration = useComputed(() => store.view.value.exaggeration).value;
  const set = (value: number) => store.setView({ exaggeration: Number(value.toPrecision(3)) });
  return (
    <div class="nbl-control nbl-control-narrow">
      <div class="nbl-control-head">
        <span class="nbl-control-name">Height</span>
        <span class="nbl-spacer" />
        <NumberField
          value={exaggeration}
          label="Height exaggeration"
          digits={3}
          min={0.1}
          max={5}
          onCommit={set}
        />
        <span class="nbl-unit">×</span>
      </div>
      <Slider
        value={Math.log(exaggeration)}
        min={Math.log(0.2)}
        max={Math.log(5)}
        centred
        label="Height exaggeration"
        valueText={`${num(exaggeration, 3)} times`}
        title="How steep the surface is drawn; double-click for 1"
        onDrag={(value) => set(Math.exp(value))}
        onSettle={() => {}}
      />
    </div>
  );
}

const MAPS = ["viridis", "cividis", "inferno"] as const;

function LookControl({ store }: { store: Store }) {
  const wanted = useScale(store);
  const colormap = useComputed(() => store.view.value.colormap).value;
  const contours = useComputed(() => store.view.value.contours).value;
  const scales = ["linear", "log", "symlog"] as const;
  return (
    <div class="nbl-control nbl-control-look">
      <div class="nbl-control-head">
        <span class="nbl-control-name">
          <Term of="loss">Loss</Term>
        </span>
        <label class="nbl-check nbl-check-end">
          <input
            type="checkbox"
            checked={contours}
            onChange={(event) => store.setView({ contours: event.currentTarget.checked })}
          />
          contours
        </label>
      </div>
      <div class="nbl-control-row">
        <fieldset class="nbl-segments" aria-label="Scale of the loss">
          {scales.map((scale) => (
            <button
              key={scale}
              type="button"
              aria-pressed={wanted === scale}
              data-term={scale === "linear" ? undefined : scale}
              onClick={() => store.request({ scale })}
            >
              {scale}
            </button>
          ))}
        </fieldset>
        <select
          class="nbl-select"
          aria-label="Colour map"
          value={colormap}
          onChange={(event) =>
            store.setView({ colormap: event.currentTarget.value as (typeof MAPS)[number] })
          }
        >
          {MAPS.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
