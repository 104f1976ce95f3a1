import type { Store } from "../../model/store";
import { createCameraMoves } from "../canvas/camera-moves";
import type { Elements, Frames } from "../canvas/frames";
import { answerKey, isPlain } from "../canvas/keyboard";
import { announce } from "../canvas/marked";
import type { Gestures } from "../canvas/pointer";
import { createPointing, type Place } from "../canvas/pointing";
import type { Spot } from "../canvas/ui";
import { type CriticalPoint, samePoint } from "./critical";
import type { Drawing } from "./drawing";
import type { Flight } from "./flight";
import { type SurfaceKey, surfaceKey } from "./keyboard";
import type { SurfaceUi } from "./ui";

/** What pointer and keys do to a surface. */
export function createSurfaceGestures(
  store: Store,
  { canvas }: Elements,
  ui: SurfaceUi,
  frames: Frames,
  drawing: Drawing,
  flight: Flight,
) {
  const { shown, isFlat } = drawing;
  const moves = createCameraMoves(store, ui, frames, drawing.inset);
  const pointing = createPointing<CriticalPoint, Place>(store, canvas, ui, {
    markedAt: drawing.markedAt,
    placeAt(at) {
      const hit = drawing.pickAt(at);
      if (!hit || !shown.live) return null;
      return { vertex: hit.vertex, coordinates: [hit.x, hit.y], loss: hit.z + shown.live.base };
    },
    selectionOf: ({ kind, vertex, x, y, loss }) => ({
      kind,
      vertex: vertex < 0 ? null : vertex,
      coordinates: [x, y],
      loss,
    }),
    isSelected: samePoint,
    announce: (point) => announce(point, [point.x, point.y]),
  });

  const gestures: Gestures = {
    ...moves,
    rotate(dx, dy) {
      flight.stop();
      if (isFlat()) moves.pan(dx, dy);
      else moves.rotate(dx, dy);
    },
    point(at) {
      ui.pointer.value = at;
      frames.point();
    },
    click(x, y) {
      if (!shown.live) return;
      if (ui.pick.value) pick({ x, y }, ui.pick.value);
      else pointing.click({ x, y });
    },
    reset: pointing.reset,
    declined: () => {
      ui.declined.value++;
    },
  };

  function pick(at: Spot, take: (place: readonly [number, number]) => void): void {
    const place = drawing.markedAt(at) ?? drawing.pickAt(at);
    if (place) take([place.x, place.y]);
  }

  function onKey(event: KeyboardEvent): void {
    const key = surfaceKey(event);
    if (!key && !(isPlain(event) && ui.keys.peek()?.(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    if (key) answer(key);
  }

  function answer(key: SurfaceKey): void {
    const view = store.view.value;
    if (key.do === "stop") {
      shown.read();
      pointing.step(key.by, drawing.stops());
    } else if (key.do === "floor") store.setView({ floor: !view.floor });
    else if (key.do === "labels") store.setView({ contour_labels: view.contour_labels === false });
    else if (key.do === "map") store.setView({ map: !view.map });
    else if (key.do === "basins") store.setView({ basin_map: !view.basin_map });
    else if (key.do === "preset") {
      if (!isFlat()) flight.to(key.to);
    } else if (key.do === "clear" && ui.pick.peek()) ui.pick.value = null;
    else if (key.do === "clear" && view.brush) store.setView({ brush: null });
    else {
      shown.read();
      answerKey(key, store, ui.size.peek(), gestures, pointing, shown.points);
    }
  }

  return { gestures, onKey, hover: pointing.hover };
}
