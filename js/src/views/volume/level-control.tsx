import { useComputed } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { fraction } from "../../gl/height-map";
import type { LiveTree, Store } from "../../model/store";
import type { LiveVolume } from "../../model/volume-data";
import { count, num, percent } from "../parts/format";
import { NumberField } from "../parts/number-field";
import { Slider } from "../parts/slider";
import { useSize } from "../parts/use-size";
import { fits, levelText, partsAt } from "./points";
import {
  change,
  firstSecond,
  isColored,
  levelOf,
  lossAt,
  nextMerge,
  positionOf,
  rounded,
  type Scale,
  scaleOf,
  secondOf,
} from "./state";
import type { VolumeUi } from "./ui";

interface Props {
  store: Store;
  ui: VolumeUi;
  volume: LiveVolume;
}

const BINS = 120;
const MAX_MARKS = 40;
/** The slider's thumb keeps this far from the ends of its track. */
const THUMB = 8;

/** How many values lie in each part of the scale. */
function histogram({ values }: LiveVolume, { map, log }: Scale): Float64Array {
  const bins = new Float64Array(BINS);
  for (let v = 0; v < values.length; v++) {
    const share = fraction(map, values[v]!);
    const t = log ? share : Math.sqrt(Math.max(0, share));
    if (Number.isNaN(t)) continue;
    bins[Math.min(BINS - 1, Math.max(0, Math.floor(t * BINS)))]!++;
  }
  return bins;
}

/** Share of the values that the isosurface encloses. */
export function enclosed({ values, base, data }: LiveVolume, level: number): number {
  let inside = 0;
  for (let v = 0; v < values.length; v++) if (values[v]! <= level - base) inside++;
  return inside / (values.length - data.holes);
}

/** The loss of the isosurface: a slider over the spread of the values, with the minima and the merges marked on it. */
export function LevelControl({ store, ui, volume }: Props) {
  const level = useComputed(() => levelOf(store, volume)).value;
  const colored = useComputed(() => isColored(store)).value;
  const kind = store.spec.value?.scale ?? "linear";
  const scale = useMemo(() => scaleOf(volume, kind), [volume, kind]);
  const bins = useMemo(() => histogram(volume, scale), [volume, scale]);
  const live = store.tree.value;
  const tree = fits(volume, live) ? live : null;
  const share = positionOf(scale, volume, level);
  const set = (loss: number) => {
    ui.moving.value++;
    change(store, { level: loss });
  };
  const jump = (by: 1 | -1) => {
    const next = nextMerge(store, volume, by);
    if (next === null) return;
    set(next);
    store.announcement.value = levelText(tree, next);
  };
  const inside = useMemo(() => enclosed(volume, level), [volume, level]);
  const parts = tree === null ? null : partsAt(tree, level);
  return (
    <div class="nbl-volume-level">
      <div class="nbl-control-head">
        <span class="nbl-control-name">Level</span>
        <span class="nbl-panel-note nbl-volume-says">
          {inside === 0 ? (
            "nothing is so low"
          ) : (
            <>
              {parts !== null && `${count(parts, "part", "parts")} · `}
              {percent(inside)}
              <span class="nbl-volume-wide"> of the values</span>
            </>
          )}
        </span>
        <span class="nbl-spacer" />
        {tree !== null && tree.branches.length > 1 && (
          <>
            <label class="nbl-check" title="Every part in the colour of its basin (B)">
              <input
                type="checkbox"
                checked={colored}
                onChange={(event) => store.setView({ basin_map: event.currentTarget.checked })}
              />
              basins
            </label>
            <Jump
              text="◂"
              name="Before the last merge"
              by={-1}
              jump={jump}
              off={nextMerge(store, volume, -1) === null}
            />
            <Jump
              text="▸"
              name="To the next merge"
              by={1}
              jump={jump}
              off={nextMerge(store, volume, 1) === null}
            />
          </>
        )}
        <NumberField value={level} label="Level of the isosurface" onCommit={set} />
      </div>
      <div class="nbl-volume-track">
        <Marks tree={tree} volume={volume} scale={scale} bins={bins} share={share} />
        <Slider
          value={share}
          min={0}
          max={1}
          label="Level of the isosurface"
          valueText={levelText(tree, level)}
          title="The isosurface encloses what has a loss of at most this (Page Up, Page Down; with Shift from merge to merge)"
          onDrag={(next) => set(rounded(volume, lossAt(scale, volume, next)))}
          onSettle={() => {}}
        />
      </div>
      <SecondLevel store={store} ui={ui} volume={volume} scale={scale} />
    </div>
  );
}

/** A level besides the first, so that basins inside basins are seen. */
function SecondLevel({ store, ui, volume, scale }: Props & { scale: Scale }) {
  const second = useComputed(() => secondOf(store)).value;
  const set = (loss: number | null) => {
    ui.moving.value++;
    change(store, { second: loss });
  };
  return (
    <div class={second === null ? "nbl-volume-slice nbl-volume-off" : "nbl-volume-slice"}>
      <label
        class="nbl-check"
        title="A second isosurface: the higher one is drawn as glass around the other (L)"
      >
        <input
          type="checkbox"
          checked={second !== null}
          onChange={(event) => set(event.currentTarget.checked ? firstSecond(store, volume) : null)}
        />
        second
      </label>
      <Slider
        value={positionOf(scale, volume, second ?? firstSecond(store, volume))}
        min={0}
        max={1}
        label="Second level"
        valueText={second === null ? "off" : num(second)}
        onDrag={(next) => set(rounded(volume, lossAt(scale, volume, next)))}
        onSettle={() => {}}
      />
      {second !== null && <NumberField value={second} label="Second level" onCommit={set} />}
    </div>
  );
}

interface JumpProps {
  text: string;
  name: string;
  by: 1 | -1;
  off: boolean;
  jump(by: 1 | -1): void;
}

function Jump({ text, name, by, off, jump }: JumpProps) {
  return (
    <button
      type="button"
      class="nbl-button nbl-small"
      aria-label={name}
      title={`${name} (Shift+Page ${by > 0 ? "Up" : "Down"})`}
      disabled={off}
      onClick={() => jump(by)}
    >
      {text}
    </button>
  );
}

interface MarksProps {
  tree: LiveTree | null;
  volume: LiveVolume;
  scale: Scale;
  bins: Float64Array;
  share: number;
}

/** The spread of the values above the track, triangles at minima, crosses where parts merge. */
function Marks({ tree, volume, scale, bins, share }: MarksProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const span = Math.max(1, width - 2 * THUMB);
  const x = (t: number) => THUMB + t * span;
  const base = height - 9;
  const most = Math.max(...bins, 1);
  const path = useMemo(() => {
    const top = (n: number) => base - (base - 2) * Math.sqrt(n / most);
    const points = Array.from(bins, (n, k) => `L${x((k + 0.5) / BINS).toFixed(1)},${top(n).toFixed(1)}`);
    return `M${x(0)},${base}${points.join("")}L${x(1)},${base}Z`;
  }, [bins, width, height]);
  const at = (loss: number) => x(positionOf(scale, volume, loss));
  const branches = tree?.branches.slice(0, MAX_MARKS) ?? [];
  return (
    <div class="nbl-volume-marks" ref={box}>
      {width > 0 && (
        <svg width={width} height={height} aria-hidden="true">
          <clipPath id="nbl-volume-below">
            <rect x={0} y={0} width={x(share)} height={height} />
          </clipPath>
          <path class="nbl-volume-spread" d={path} />
          <path class="nbl-volume-spread nbl-volume-within" d={path} clip-path="url(#nbl-volume-below)" />
          {branches.map((b, rank) => (
            <path
              key={`m${b.row}`}
              class={rank < 6 ? `nbl-volume-mark nbl-hue-${rank}` : "nbl-volume-mark nbl-hue-ink"}
              transform={`translate(${at(b.birth).toFixed(1)},${base + 8})`}
              d="M0,0L-4,-7H4Z"
            >
              <title>{`Minimum ${rank + 1}: ${num(b.birth)}`}</title>
            </path>
          ))}
          {branches
            .filter((b) => Number.isFinite(b.death))
            .map((b) => (
              <path
                key={`s${b.row}`}
                class="nbl-volume-merge"
                transform={`translate(${at(b.death).toFixed(1)},${base + 4})`}
                d="M-3,-3L3,3M-3,3L3,-3"
              />
            ))}
        </svg>
      )}
    </div>
  );
}
