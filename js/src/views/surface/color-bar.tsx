import { useComputed } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import {
  createHeightMap,
  fraction,
  type HeightMap,
  height as heightAt,
  setHeightMap,
} from "../../gl/height-map";
import { cssGradient } from "../../gl/luts";
import type { LiveGrid, Store } from "../../model/store";
import { cellVolumes } from "../../model/volumes";
import { barLength, barPlace } from "../canvas/layout";
import { num, percent } from "../parts/format";
import { tickNote } from "../parts/offset";
import { lossTicks, tickTexts } from "../parts/ticks";
import { bandMeets, bandShare, spanned } from "./scene";
import type { Bar, SurfaceUi } from "./ui";

/** Movement that tells a drag from a click, CSS pixels. */
const SLOP = 4;
/** A drag over the whole bar cuts off nine tenths of the height. */
const DECADES = Math.log(10);
const LEAST = 1e-4;

type Band = [number, number];

/** The colours' losses. Dragging along it keeps the colours of a band; its upper end cuts the surface off. */
export function ColorBar({ store, ui }: { store: Store; ui: SurfaceUi }) {
  // Computed: the view changes with every frame of a rotation, its colours do not.
  const colormap = useComputed(() => store.view.value.colormap).value;
  const asked = useComputed(() => store.view.value.brush ?? null).value;
  const clip = useComputed(() => store.view.value.clip ?? null).value;
  const scaleBox = useRef<HTMLDivElement>(null);
  const bar = ui.bar.value;
  const { width, height } = ui.size.value;
  const place = barPlace(width, height);
  if (!bar || place === "none") return null;
  const { grid } = bar;
  const brush = asked !== null && bandMeets(asked, [bar.low, bar.high], grid.base) ? asked : null;
  const upright = place === "right";
  const map = mapOf(bar);
  const [length, count] = barLength(upright, width, height);
  const losses = lossTicks(bar.low + grid.base, bar.high + grid.base, bar.scale, count);
  const texts = tickTexts(losses);
  const note = tickNote(losses);
  const side = upright ? "bottom" : "left";
  const share = (loss: number) => Math.min(1, Math.max(0, fraction(map, loss - grid.base)));
  const at = (loss: number) => ({ [side]: `${(100 * fraction(map, loss - grid.base)).toFixed(2)}%` });
  const { loss } = store.hover.value;
  const pointed = loss !== null && loss - grid.base >= bar.low && loss - grid.base <= bar.high ? loss : null;
  const gradient = cssGradient(colormap, upright ? "to top" : "to right");

  const setBand = (a: number, b: number) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    const whole = from <= 0 && to >= 1;
    store.setView({ brush: whole ? null : [heightAt(map, from) + grid.base, heightAt(map, to) + grid.base] });
  };
  const place01 = (event: PointerEvent) => {
    const box = scaleBox.current!.getBoundingClientRect();
    const t = upright ? (box.bottom - event.clientY) / box.height : (event.clientX - box.left) / box.width;
    return Math.min(1, Math.max(0, t));
  };
  const startBand = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const from = place01(event);
    const [x, y] = [event.clientX, event.clientY];
    let moved = false;
    follow(event, {
      move(e) {
        moved ||= Math.hypot(e.clientX - x, e.clientY - y) >= SLOP;
        if (moved) setBand(from, place01(e));
      },
      end() {
        if (!moved) store.setView({ brush: null });
      },
    });
  };
  return (
    <div class={`nbl-bar ${place}`}>
      <div class="nbl-bar-title" aria-hidden="true">
        {grid.quantity}
        {bar.scale !== "linear" && <span> ({bar.scale})</span>}
        {note && <span> {note}</span>}
      </div>
      <div ref={scaleBox} class="nbl-bar-scale" style={{ [upright ? "height" : "width"]: `${length}px` }}>
        <div
          class="nbl-bar-colors"
          style={{ background: gradient }}
          title="Drag along the bar: only losses in between keep their colours"
          onPointerDown={startBand}
        />
        {losses.map((value, k) => (
          <div key={value} class="nbl-bar-tick" style={at(value)} aria-hidden="true">
            {texts[k]}
          </div>
        ))}
        {brush && (
          <>
            <div class="nbl-bar-off" style={stretch(upright, 0, share(brush[0]))} />
            <div class="nbl-bar-off" style={stretch(upright, share(brush[1]), 1)} />
          </>
        )}
        {[0, 1].map((k) => (
          <BandThumb
            key={k}
            end={k as 0 | 1}
            upright={upright}
            active={brush !== null}
            ends={brush ? [share(brush[0]), share(brush[1])] : [0, 1]}
            text={num(brush ? brush[k as 0 | 1] : (k === 0 ? bar.low : bar.high) + grid.base)}
            place={place01}
            set={setBand}
            clear={() => store.setView({ brush: null })}
          />
        ))}
        <ClipHandle store={store} bar={bar} clip={clip} upright={upright} length={length} />
        {pointed !== null && <div class="nbl-bar-pointer" style={at(pointed)} aria-hidden="true" />}
      </div>
      {brush && <Share grid={grid} band={brush} />}
      {asked && !brush && (
        <div class="nbl-bar-share" role="status">
          no loss from {num(asked[0], 3)} to {num(asked[1], 3)}: all coloured
        </div>
      )}
    </div>
  );
}

function mapOf({ low, high, scale, grid }: Bar): HeightMap {
  const map = createHeightMap();
  setHeightMap(map, { range: [low, high], scale, base: grid.base });
  return map;
}

const stretch = (upright: boolean, from: number, to: number) =>
  upright
    ? { bottom: `${100 * from}%`, height: `${100 * (to - from)}%` }
    : { left: `${100 * from}%`, width: `${100 * (to - from)}%` };

/** Calls back until the pointer is lifted. */
function follow(event: PointerEvent, { move, end }: { move(e: PointerEvent): void; end(): void }): void {
  const element = event.currentTarget as HTMLElement;
  const stop = new AbortController();
  const { signal } = stop;
  element.setPointerCapture(event.pointerId);
  event.preventDefault();
  element.addEventListener("pointermove", move, { signal });
  for (const name of ["pointerup", "pointercancel"]) {
    element.addEventListener(
      name,
      () => {
        stop.abort();
        end();
      },
      { signal },
    );
  }
}

function Share({ grid, band }: { grid: LiveGrid; band: Band }) {
  const { x0, x1 } = grid;
  // Once per window, not with every move of the band.
  const areas = useMemo(() => cellVolumes([x0, x1]), [x0, x1]);
  const text = `${percent(bandShare(grid, areas, band))} of the window`;
  return (
    <div class="nbl-bar-share" role="status" title={`Losses from ${num(band[0])} to ${num(band[1])}`}>
      {text}
    </div>
  );
}

interface ThumbProps {
  end: 0 | 1;
  upright: boolean;
  active: boolean;
  ends: Band;
  text: string;
  place(event: PointerEvent): number;
  set(a: number, b: number): void;
  clear(): void;
}

const STEPS: Record<string, number> = {
  ArrowUp: 0.02,
  ArrowRight: 0.02,
  ArrowDown: -0.02,
  ArrowLeft: -0.02,
  PageUp: 0.1,
  PageDown: -0.1,
};

/** One end of the band; without a band the ends of the bar, seen when they have the focus. */
function BandThumb({ end, upright, active, ends, text, place, set, clear }: ThumbProps) {
  const other = ends[1 - end]!;
  const onKey = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const to =
      event.key === "Home" ? 0 : event.key === "End" ? 1 : step === undefined ? null : ends[end] + step;
    if (event.key === "Escape" && active) clear();
    else if (to === null) return;
    else {
      const kept = end === 0 ? Math.min(to, other) : Math.max(to, other);
      set(Math.min(1, Math.max(0, kept)), other);
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      class={active ? "nbl-bar-thumb nbl-bar-thumb-on" : "nbl-bar-thumb"}
      style={{ [upright ? "bottom" : "left"]: `${100 * ends[end]}%` }}
      role="slider"
      tabIndex={0}
      aria-label={end === 0 ? "Lowest loss that keeps its colour" : "Highest loss that keeps its colour"}
      aria-orientation={upright ? "vertical" : "horizontal"}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * ends[end])}
      aria-valuetext={text}
      onKeyDown={onKey}
      onPointerDown={(event) =>
        active &&
        event.button === 0 &&
        follow(event, { move: (e) => set(place(e), other), end: () => undefined })
      }
    />
  );
}

interface ClipProps {
  store: Store;
  bar: Bar;
  clip: number | null;
  upright: boolean;
  length: number;
}

/** The upper end of the bar: drag it towards the lower one, and the surface is cut off above that loss. */
function ClipHandle({ store, bar, clip, upright, length }: ClipProps) {
  const { grid } = bar;
  const whole = createHeightMap();
  const { range } = spanned(grid, store.range?.value ?? null);
  setHeightMap(whole, { range, scale: bar.scale, base: grid.base });
  if (!(range[1] > range[0])) return null;
  const now = bar.clipped ? fraction(whole, bar.high) : 1;
  const set = (t: number) => {
    const next = Math.max(LEAST, t);
    store.setView({ clip: next >= 0.995 ? null : heightAt(whole, next) + grid.base });
  };
  const reset = () => store.setView({ clip: null });
  const onKey = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (["Home", "End", "Escape"].includes(event.key)) {
      if (clip === null) return;
      reset();
    } else if (step !== undefined) set(now * Math.exp(step * DECADES * 2));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const start = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const from = upright ? event.clientY : event.clientX;
    follow(event, {
      move(e) {
        const way = upright ? e.clientY - from : from - e.clientX;
        set(now * Math.exp((-way / length) * DECADES));
      },
      end: () => undefined,
    });
  };
  return (
    <div
      class={bar.clipped ? "nbl-bar-clip nbl-bar-clip-on" : "nbl-bar-clip"}
      role="slider"
      tabIndex={0}
      aria-label="Cut the surface off above this loss"
      aria-orientation={upright ? "vertical" : "horizontal"}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * now)}
      aria-valuetext={
        bar.clipped ? `${num(bar.high + grid.base)}, highest ${num(range[1] + grid.base)}` : "nowhere"
      }
      title={
        bar.clipped
          ? "Drag to cut elsewhere; double-click shows all again"
          : "Drag towards the low losses: the surface is cut off above"
      }
      onKeyDown={onKey}
      onPointerDown={start}
      onDblClick={reset}
    >
      {bar.clipped && <span class="nbl-bar-cut">cut above {num(bar.high + grid.base, 3)}</span>}
    </div>
  );
}
