import { effect, type ReadonlySignal } from "@preact/signals";
import type { AnyModel } from "./any-model";
import { DEFAULT_VIEW } from "./core-store";
import type { Camera, ViewState } from "./protocol";
import type { Store } from "./store";

/** What differs between surfaces that are turned one by one. */
const CAMERA: ReadonlySet<string> = new Set(["yaw", "pitch", "zoom", "pan"]);

export const cameraOf = ({ yaw, pitch, zoom, pan }: ViewState): Camera => ({ yaw, pitch, zoom, pan });

/** `view` with the camera of `own`; `own` itself if nothing else differs. */
function withCameraOf(own: ViewState, view: ViewState): ViewState {
  const names = new Set([...Object.keys(own), ...Object.keys(view)]) as Set<keyof ViewState>;
  if ([...names].every((name) => CAMERA.has(name) || Object.is(own[name], view[name]))) return own;
  return { ...view, ...cameraOf(own) };
}

/** All are drawn alike; seen from one place while they are locked. Gives what ends it. */
export function shareView(
  whole: AnyModel,
  stores: readonly Store[],
  locked: ReadonlySignal<boolean>,
): () => void {
  // One object for all: who has it already is not told again.
  const stops = stores.map((store) =>
    effect(() => {
      const view = store.view.value;
      const together = locked.value;
      for (const other of stores) {
        const own = other.view.peek();
        if (own !== view) other.view.value = together ? view : withCameraOf(own, view);
      }
    }),
  );
  const fromKernel = () => {
    const view = whole.get("view") as ViewState;
    // A member's own view on its way to the kernel is none of the kernel's.
    if (stores.some((store) => store.view.peek() === view)) return;
    stores[0]!.view.value = { ...DEFAULT_VIEW, ...view };
  };
  whole.on("change:view", fromKernel);
  return () => {
    for (const stop of stops) stop();
    whole.off("change:view", fromKernel);
  };
}
