import { type Signal, signal } from "@preact/signals";
import type { VolumeHit } from "../../gl/volume-pick";
import { type CanvasUi, createCanvasUi } from "../canvas/ui";
import type { VolumePoint } from "./points";

/** What a volume and the components around its canvas tell each other. */
export interface VolumeUi extends CanvasUi<VolumePoint> {
  /** On what the pointer rests, beside the marked points. */
  on: Signal<VolumeHit["on"] | null>;
  /** A hand is on the level or a slice: draw what is quick. */
  moving: Signal<number>;
}

export function createVolumeUi(): VolumeUi {
  return { ...createCanvasUi("bottom-left"), on: signal(null), moving: signal(0) };
}
