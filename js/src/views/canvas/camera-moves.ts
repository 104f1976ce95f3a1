import type { Store } from "../../model/store";
import type { Frames } from "./frames";
import { panned, rotated, zoomed } from "./navigate";
import type { CanvasUi } from "./ui";

/** Turns, moves and zooms the view by CSS pixels. */
export interface CameraMoves {
  rotate(dx: number, dy: number): void;
  pan(dx: number, dy: number): void;
  /** About a point of the panel. */
  zoom(factor: number, x: number, y: number): void;
}

/** `inset`: the room that the picture leaves free, device pixels, as it was drawn last. */
export function createCameraMoves(
  store: Store,
  { size }: Pick<CanvasUi<unknown>, "size">,
  frames: Frames,
  inset: readonly [number, number, number, number],
): CameraMoves {
  /** Middle and shorter side of the drawing area. */
  const area = () => {
    const { width, height } = size.peek();
    const ratio = frames.pixelRatio();
    const [left, top] = [inset[3] / ratio, inset[0] / ratio];
    const [w, h] = [width - left - inset[1] / ratio, height - top - inset[2] / ratio];
    return { x: left + w / 2, y: top + h / 2, room: Math.min(w, h) };
  };
  return {
    rotate(dx, dy) {
      frames.keepMoving();
      store.setView(rotated(store.view.value, dx, dy));
    },
    pan(dx, dy) {
      frames.keepMoving();
      store.setView(panned(store.view.value, dx, dy, area().room));
    },
    zoom(factor, x, y) {
      frames.keepMoving();
      const middle = area();
      store.setView(zoomed(store.view.value, factor, x - middle.x, y - middle.y, middle.room));
    },
  };
}
