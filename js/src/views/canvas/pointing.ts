import type { Coordinates, Selection } from "../../model/protocol";
import { NO_SELECTION, nothing } from "../../model/selection";
import type { Hover, Store } from "../../model/store";
import type { Marked } from "./marked";
import type { CanvasUi, Spot } from "./ui";

/** A place of the picture between its marked points. */
export interface Place {
  /** The nearest vertex. */
  vertex: number;
  coordinates: Coordinates;
  loss: number;
}

/** What a picture knows of its places. */
interface Pictured<P, Q> {
  markedAt(at: Spot): P | null;
  placeAt(at: Spot): Q | null;
  selectionOf(point: P): Selection;
  isSelected(point: P, selection: Selection): boolean;
  /** A sentence for the live region. */
  announce(point: P): string;
  /** Whether something can be dragged there. */
  holds?(at: Spot): boolean;
}

const DOUBLE_CLICK_MS = 350;

/** Pointing at places, stepping through the marked ones, and selecting: all that the other panels hear of. */
export function createPointing<P extends Marked, Q extends Place>(
  store: Store,
  canvas: HTMLCanvasElement,
  { pointer, stepped }: Pick<CanvasUi<P>, "pointer" | "stepped">,
  picture: Pictured<P, Q>,
) {
  let lastClick = Number.NEGATIVE_INFINITY;
  let beforeClick: Selection | null = null;

  const hover = (next: Omit<Hover, "from">) => {
    store.hover.value = { ...next, from: "surface" };
  };
  function hoverPoint(point: P): void {
    const { kind, ...at } = picture.selectionOf(point);
    hover({ ...at, kind: kind === "minimum" || kind === "saddle" ? kind : "vertex" });
  }
  function leave(): void {
    const { kind, from } = store.hover.peek();
    if (kind !== "none" && from === "surface") store.hover.value = nothing("surface");
  }
  const select = (point: P) => store.select(picture.selectionOf(point));
  const clear = () => store.select(NO_SELECTION);

  return {
    /** What the pointer rests on. Returns the place, if it is on none of the marked points. */
    hover(): Q | null {
      const at = pointer.peek();
      const marked = at && picture.markedAt(at);
      canvas.style.cursor = marked ? "pointer" : at && picture.holds?.(at) ? "move" : "";
      const place = at && !marked ? picture.placeAt(at) : null;
      if (marked) hoverPoint(marked);
      else if (place) {
        const { vertex, coordinates, loss } = place;
        hover({ kind: "vertex", vertex, coordinates, loss });
      } else leave();
      return place;
    },
    click(at: Spot): void {
      // The second click of a double click resets the view and must not select as well.
      const now = performance.now();
      const second = now - lastClick < DOUBLE_CLICK_MS;
      lastClick = now;
      if (second) return;
      beforeClick = store.selection.value;
      const marked = picture.markedAt(at);
      if (marked) {
        stepped.value = marked;
        if (picture.isSelected(marked, store.selection.value)) clear();
        else select(marked);
        return;
      }
      const place = picture.placeAt(at);
      if (!place) {
        clear();
        return;
      }
      const { coordinates, loss } = place;
      store.select({ kind: "point", vertex: null, coordinates, loss });
    },
    /** What a double click does: the first of its clicks has selected nothing. */
    reset(): void {
      if (beforeClick && beforeClick !== store.selection.value) store.select(beforeClick);
      beforeClick = null;
      store.resetView();
    },
    step(by: 1 | -1, among: readonly P[]): void {
      if (among.length === 0) return;
      const here = stepped.peek();
      const at = among.findIndex(
        (p) => p.kind === here?.kind && p.vertex === here.vertex && p.told?.title === here.told?.title,
      );
      const next = at < 0 ? (by > 0 ? 0 : among.length - 1) : (at + by + among.length) % among.length;
      const point = among[next]!;
      stepped.value = point;
      pointer.value = null;
      hoverPoint(point);
      store.announcement.value = picture.announce(point);
    },
    /** The point that a key has reached. */
    selectStepped(): void {
      const point = stepped.peek();
      if (point) select(point);
    },
    forget(): void {
      stepped.value = null;
      leave();
      clear();
    },
  };
}

export type Pointing<P extends Marked> = ReturnType<typeof createPointing<P, Place>>;
