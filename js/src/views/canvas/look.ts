import type { Look } from "../../gl/engine";
import type { ViewState } from "../../model/protocol";

/** The picture of nothing: one object, written anew for every frame. `shared` is kept, and so are its arrays. */
export function createLook(shared: Pick<Look, "ticks" | "inset">): Look {
  return {
    yaw: 0,
    pitch: 0,
    zoom: 1,
    pan: [0, 0],
    exaggeration: 1,
    range: [0, 1],
    scale: "linear",
    base: 0,
    colormap: "viridis",
    contours: true,
    levels: [],
    levelWeights: [],
    selectedBasin: -1,
    hoverBasin: -1,
    fade: 0,
    ghost: false,
    background: [1, 1, 1],
    ink: [0.1, 0.1, 0.12],
    moving: false,
    width: 1,
    height: 1,
    pixelRatio: 1,
    ...shared,
  };
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
