import { effect } from "@preact/signals";
import { getEngine } from "../../gl/engine-registry";
import type { Store } from "../../model/store";
import { createFrames, type Elements, type Frames } from "../canvas/frames";
import { listenToPointers } from "../canvas/pointer";
import { createDrawing } from "./drawing";
import { createFlight } from "./flight";
import { createSurfaceGestures } from "./gestures";
import type { SurfaceUi } from "./ui";

/** Connects the store with one canvas: draws on change, and turns gestures into actions. Returns what undoes it. */
export function createController(store: Store, elements: Elements, ui: SurfaceUi): () => void {
  const engine = getEngine();
  ui.flat.value = !engine;
  const frames: Frames = createFrames(elements, ui.size, engine, {
    draw: (context) => drawing.draw(context),
    hover: () => gestures.hover(),
  });
  const drawing = createDrawing(store, elements, ui, engine, frames);
  const flight = createFlight(store, frames.keepMoving);
  const gestures = createSurfaceGestures(store, elements, ui, frames, drawing, flight);
  ui.actions.value = { drawing, fly: flight.to };

  const stopPointers = listenToPointers(elements.root, gestures.gestures);
  elements.root.addEventListener("keydown", gestures.onKey);
  const stopEffect = effect(() => {
    // Whatever a picture depends on.
    void [store.grid.value, store.tree.value, store.view.value, store.selection.value];
    void store.range?.value;
    void [store.hover.value, store.spec.value, ui.size.value, ui.lines.value, ui.marks.value];
    frames.invalidate();
  });

  return () => {
    ui.actions.value = null;
    frames.stop();
    flight.stop();
    stopPointers();
    elements.root.removeEventListener("keydown", gestures.onKey);
    stopEffect();
    drawing.dispose();
  };
}
