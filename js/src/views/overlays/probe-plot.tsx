import { useRef, useState } from "preact/hooks";
import { nothing } from "../../model/selection";
import type { LiveGrid, Store } from "../../model/store";
import { linearWidth } from "../../model/symlog";
import { num, point, squeezed } from "../parts/format";
import { digitsIn } from "../parts/offset";
import { linearScale, logScale, symlogScale } from "../parts/scales";
import { tickTexts } from "../parts/ticks";
import { useSize } from "../parts/use-size";
import { useScale } from "../parts/use-spec";
import type { SurfaceUi } from "../surface/ui";
import type { Ends, Probe, Profile } from "./profile";

const MARGIN = { left: 44, right: 10, top: 8, bottom: 20 };

interface Props {
  store: Store;
  ui: SurfaceUi;
  probe: Probe;
  grid: LiveGrid;
}

/** The loss along the probe line, tied to the surface by the pointer. */
export function ProbePlot({ store, ui, probe, grid }: Props) {
  const { ends, inside, profile } = probe;
  const close = () => {
    ui.pick.value = null;
    store.setView({ probe: null });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  return (
    <section class="nbl-probe" aria-label="Loss along the probe line" onKeyDown={onKeyDown}>
      <header class="nbl-probe-head">
        {ui.pick.value !== null ? (
          <b class="nbl-probe-text" role="status">
            Click two points of the surface; Escape keeps this line
          </b>
        ) : (
          <span class="nbl-probe-text nbl-select-text">
            {inside === ends ? "" : "Within the window: "}
            {summary(profile, inside)}
          </span>
        )}
        <button type="button" class="nbl-readout-close" aria-label="Remove the probe line" onClick={close}>
          ×
        </button>
      </header>
      <Plot store={store} grid={grid} profile={profile} />
      <EndFields store={store} probe={ends} />
    </section>
  );
}

/** What the line tells in one sentence. */
export function summary({ losses, top, rise, x, y }: Profile, [from, to]: Ends): string {
  if (top < 0) return "The line holds no finite loss.";
  const last = losses.length - 1;
  const finite = losses.filter(Number.isFinite);
  const digits = digitsIn(Math.min(...finite), Math.max(...finite), 4);
  const ends = `${num(losses[0]!, digits)} → ${num(losses[last]!, digits)}`;
  const barrier = Math.min(rise[0], rise[1]);
  if (!(barrier > 0)) return `loss ${ends}, no barrier from ${point(from)} to ${point(to)}`;
  return `loss ${ends}, barrier ${num(barrier, 3)} (highest ${num(losses[top]!, digits)} at ${point([x[top]!, y[top]!])})`;
}

function Plot({ store, grid, profile }: { store: Store; grid: LiveGrid; profile: Profile }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const [at, setAt] = useState<number | null>(null);
  const { s, losses } = profile;
  const kind = useScale(store);
  const finite = losses.filter((v) => Number.isFinite(v));
  if (finite.length === 0) return <div class="nbl-probe-plot" ref={box} />;
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const pad = 0.06 * (high - low || Math.abs(high) || 1);
  const scale =
    kind === "log" && low > 0 && high > low
      ? logScale(low, high)
      : kind === "symlog" && high > low
        ? symlogScale(low, high, linearWidth(low, high))
        : linearScale(low - pad, high + pad);
  const length = s[s.length - 1]! || 1;
  const w = Math.max(10, width - MARGIN.left - MARGIN.right);
  const h = Math.max(10, height - MARGIN.top - MARGIN.bottom);
  const px = (k: number) => MARGIN.left + (w * s[k]!) / length;
  const py = (loss: number) => MARGIN.top + h * (1 - scale.at(loss));
  let path = "";
  for (let k = 0; k < s.length; k++) {
    const drawn = Number.isFinite(losses[k]!);
    if (drawn)
      path += `${path === "" || !Number.isFinite(losses[k - 1]!) ? "M" : "L"}${px(k).toFixed(1)},${py(losses[k]!).toFixed(1)}`;
  }
  const show = (k: number | null) => {
    setAt(k);
    const there = k !== null && Number.isFinite(losses[k]!);
    store.hover.value = there
      ? {
          kind: "vertex",
          vertex: null,
          coordinates: [profile.x[k]!, profile.y[k]!],
          loss: losses[k]!,
          from: "tree",
        }
      : nothing("tree");
  };
  const move = (event: PointerEvent) => {
    const left = (event.currentTarget as Element).getBoundingClientRect().left;
    const share = (event.clientX - left - MARGIN.left) / w;
    show(Math.round(Math.min(1, Math.max(0, share)) * (s.length - 1)));
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -2, ArrowRight: 2, PageDown: -20, PageUp: 20 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    show(Math.min(s.length - 1, Math.max(0, (at ?? 0) + by)));
  };
  const shown = at !== null && Number.isFinite(losses[at]!) ? at : null;
  return (
    <div
      class="nbl-probe-plot"
      ref={box}
      role="slider"
      tabIndex={0}
      aria-label={`Place along the probe line: ${grid.quantity}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round((100 * (at ?? 0)) / (s.length - 1))}
      aria-valuetext={
        shown === null
          ? "none"
          : `distance ${num(s[shown]!, 3)}, loss ${num(losses[shown]!, digitsIn(low, high, 4))}`
      }
      onPointerMove={move}
      onPointerLeave={() => show(null)}
      onKeyDown={step}
      onBlur={() => show(null)}
    >
      {width > 60 && height > 30 && (
        <svg width={width} height={height} aria-hidden="true">
          <g class="nbl-axis">
            {scale.note && (
              <text class="nbl-axis-start" x={2} y={8}>
                {scale.note}
              </text>
            )}
            {scale.ticks(Math.max(2, Math.floor(h / 18))).map((t, k, all) => (
              <g key={t} transform={`translate(0,${py(t).toFixed(1)})`}>
                <line x1={MARGIN.left} x2={width - MARGIN.right} />
                <text
                  x={MARGIN.left - 6}
                  dy="0.32em"
                  textLength={squeezed(tickTexts(all)[k]!, MARGIN.left - 7)}
                  lengthAdjust="spacingAndGlyphs"
                >
                  {tickTexts(all)[k]}
                </text>
              </g>
            ))}
          </g>
          <text class="nbl-probe-unit" x={MARGIN.left} y={height - 5}>
            0
          </text>
          <text class="nbl-probe-unit nbl-probe-end" x={width - MARGIN.right} y={height - 5}>
            {num(length, 3)}
          </text>
          <text class="nbl-probe-unit nbl-probe-middle" x={MARGIN.left + w / 2} y={height - 5}>
            distance along the line
          </text>
          <path class="nbl-probe-line" d={path} />
          {profile.top > 0 && profile.top < s.length - 1 && (
            <path
              class="nbl-probe-top"
              d={`M${px(profile.top) - 3},${py(losses[profile.top]!) - 3}l6,6m0,-6l-6,6`}
            />
          )}
          {shown !== null && (
            <>
              <line class="nbl-probe-at" x1={px(shown)} x2={px(shown)} y1={MARGIN.top} y2={MARGIN.top + h} />
              <circle class="nbl-probe-dot" cx={px(shown)} cy={py(losses[shown]!)} r={3.5} />
            </>
          )}
        </svg>
      )}
      {shown !== null && (
        <div class="nbl-probe-value" aria-hidden="true">
          {num(losses[shown]!, digitsIn(low, high, 4))} at {point([profile.x[shown]!, profile.y[shown]!])}
        </div>
      )}
    </div>
  );
}

/** The ends as numbers, for exact lines and for the keyboard. */
function EndFields({ store, probe }: { store: Store; probe: Ends }) {
  const set = (end: 0 | 1, axis: 0 | 1, text: string) => {
    const value = Number(text.replace("−", "-"));
    if (text.trim() === "" || !Number.isFinite(value)) return;
    const next: Ends = [[...probe[0]], [...probe[1]]];
    next[end][axis] = value;
    store.setView({ probe: next });
  };
  return (
    <div class="nbl-probe-ends">
      {([0, 1] as const).map((end) => (
        <span key={end}>
          {end === 0 ? "from" : "to"}
          {([0, 1] as const).map((axis) => (
            <input
              key={axis}
              class="nbl-probe-field"
              inputMode="decimal"
              aria-label={`${end === 0 ? "Start" : "End"} of the probe line, ${axis === 0 ? "first" : "second"} axis`}
              value={String(Number(probe[end][axis].toPrecision(5)))}
              onChange={(event) => set(end, axis, event.currentTarget.value)}
            />
          ))}
        </span>
      ))}
    </div>
  );
}
