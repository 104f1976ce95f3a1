import { effect } from "@preact/signals";
import { getEngine } from "../../gl/engine-registry";
import type { Store } from "../../model/store";
import { volumeOf } from "../../model/volume-data";
import { createFrames, type Elements, type Frames } from "../canvas/frames";
import { listenToPointers } from "../canvas/pointer";
import { createDrawing } from "./drawing";
import { createVolumeGestures } from "./gestures";
import type { VolumeUi } from "./ui";

/** Connects the store with one canvas: draws on change, and turns gestures into actions. Returns what undoes it. */
export function createVolumeController(store: Store, elements: Elements, ui: VolumeUi): () => void {
  const engine = getEngine();
  ui.flat.value = !engine;
  const frames: Frames = createFrames(elements, ui.size, engine, {
    draw: (context) => drawing.draw(context),
    hover: () => gestures.hover(),
  });
  const drawing = createDrawing(store, elements, ui, engine, frames);
  const gestures = createVolumeGestures(store, elements, ui, frames, drawing);

  const stopPointers = listenToPointers(elements.root, gestures.gestures);
  elements.root.addEventListener("keydown", gestures.onKey);
  const stopEffect = effect(() => {
    // Whatever a picture depends on.
    void [volumeOf(store), store.tree.value, store.view.value, store.selection.value];
    void [store.hover.value, store.spec.value, ui.size.value];
    frames.invalidate();
  });
  const stopMoving = effect(() => {
    if (ui.moving.value > 0) frames.keepMoving();
  });

  return () => {
    frames.stop();
    stopPointers();
    elements.root.removeEventListener("keydown", gestures.onKey);
    stopEffect();
    stopMoving();
    drawing.dispose();
  };
}
