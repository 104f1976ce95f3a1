import type { Store } from "../../model/store";
import { eased, PRESETS, type Preset } from "./presets";

const FLIGHT_MS = 260;

/** Moves the camera to a preset, in a short flight unless the reader asks for none. */
export function createFlight(store: Store, keepMoving: () => void) {
  let frame = 0;
  return {
    to(preset: Preset): void {
      cancelAnimationFrame(frame);
      const { yaw, pitch } = store.view.value;
      const target = PRESETS[preset](store.surface.value?.facing);
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        store.setView(target);
        return;
      }
      const start = performance.now();
      const step = (now: number) => {
        keepMoving();
        const done = Math.min(1, Math.max(0, (now - start) / FLIGHT_MS));
        store.setView(eased({ yaw, pitch }, target, done));
        if (done < 1) frame = requestAnimationFrame(step);
      };
      frame = requestAnimationFrame(step);
    },
    stop: () => cancelAnimationFrame(frame),
  };
}

export type Flight = ReturnType<typeof createFlight>;
