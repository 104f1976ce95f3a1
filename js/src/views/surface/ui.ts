import { type Signal, signal } from "@preact/signals";
import type { Line, Marker, Scale } from "../../gl/engine";
import type { LiveGrid } from "../../model/store";
import type { Rgb } from "../canvas/colors";
import { type CanvasUi, createCanvasUi } from "../canvas/ui";
import type { CriticalPoint } from "./critical";
import type { Drawing } from "./drawing";
import type { Preset } from "./presets";

/** Heights at the ends of the colour bar, and the scale that is drawn. */
export interface Bar {
  /** The surface that is drawn. */
  grid: LiveGrid;
  low: number;
  high: number;
  scale: Scale;
  /** Whether the surface is cut off at the upper end. */
  clipped: boolean;
}

/** What can be asked of a surface that is on the page. */
interface SurfaceActions {
  drawing: Drawing;
  /** Moves the camera to a preset. */
  fly(to: Preset): void;
}

/** What a surface and the components around its canvas tell each other. */
export interface SurfaceUi extends CanvasUi<CriticalPoint> {
  bar: Signal<Bar | null>;
  /** Of the theme, as the picture uses them. */
  colors: Signal<{ ink: Rgb; background: Rgb }>;
  /** Drawn on the surface beside what belongs to it. */
  lines: Signal<readonly Line[]>;
  marks: Signal<readonly Marker[]>;
  /** Points of the lines that can be pointed at and selected. */
  stops: Signal<readonly CriticalPoint[]>;
  /** Takes clicked places while it is set, in place of the selection. */
  pick: Signal<((at: readonly [number, number]) => void) | null>;
  /** Takes the keys that the surface itself has no use for; returns whether it did. */
  keys: Signal<((key: string) => boolean) | null>;
  /** Null: it is on no page. */
  actions: Signal<SurfaceActions | null>;
}

export function createSurfaceUi(): SurfaceUi {
  return {
    ...createCanvasUi("bottom-right"),
    bar: signal(null),
    colors: signal({ ink: [0.1, 0.1, 0.12], background: [1, 1, 1] }),
    lines: signal([]),
    marks: signal([]),
    stops: signal([]),
    pick: signal(null),
    keys: signal(null),
    actions: signal(null),
  };
}

/** The points that have names of their own; of several in one place that comes first which a key has reached. */
export function namedPoints({
  stepped,
  stops,
}: Pick<SurfaceUi, "stepped" | "stops">): readonly CriticalPoint[] {
  const reached = stepped.value;
  return reached?.told ? [reached, ...stops.value] : stops.value;
}
