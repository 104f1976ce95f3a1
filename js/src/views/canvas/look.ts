import type { Look } from "../../gl/engine";
import type { ViewState } from "../../model/protocol";

/** One object, written anew for every frame; what a picture does not write stays as it is here. */
export function createLook(shared: Pick<Look, "ticks" | "inset">): Look {
  const still: Partial<Look> = {
    range: [0, 1],
    scale: "linear",
    base: 0,
    selectedBasin: -1,
    hoverBasin: -1,
    fade: 0,
    ghost: false,
    ...shared,
  };
  return still as Look;
}

/** What every picture takes from the view. */
export function followView(look: Look, view: ViewState): void {
  look.yaw = view.yaw;
  look.pitch = view.pitch;
  look.zoom = view.zoom;
  look.pan = view.pan;
  look.colormap = view.colormap;
  look.contours = view.contours;
}
