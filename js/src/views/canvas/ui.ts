import { type Signal, signal } from "@preact/signals";
import type { Corner } from "./free-corner";

/** CSS pixels of a panel. */
export interface Spot {
  x: number;
  y: number;
}

/** What a canvas and the components around it tell each other; `P`: a marked point of the picture. */
export interface CanvasUi<P> {
  /** Where the pointer rests. */
  pointer: Signal<Spot | null>;
  /** The marked point that was reached last, by key or by click. */
  stepped: Signal<P | null>;
  /** Where the tooltip points; null = hidden. */
  anchor: Signal<Spot | null>;
  size: Signal<{ width: number; height: number }>;
  /** Where the read-out of the selection covers least. */
  corner: Signal<Corner>;
  /** Whether there is no WebGL to draw with. */
  flat: Signal<boolean>;
  /** Counts wheel turns that were left to the page. */
  declined: Signal<number>;
}

export function createCanvasUi<P>(corner: Corner): CanvasUi<P> {
  return {
    pointer: signal(null),
    stepped: signal(null),
    anchor: signal(null),
    size: signal({ width: 0, height: 0 }),
    corner: signal(corner),
    flat: signal(false),
    declined: signal(0),
  };
}

/** Moves the tooltip; told the same place again, nobody hears of it. */
export function setAnchor({ anchor }: Pick<CanvasUi<unknown>, "anchor">, next: Spot | null): void {
  const last = anchor.peek();
  if (next?.x !== last?.x || next?.y !== last?.y) anchor.value = next;
}
