import { MAX_PITCH } from "../../gl/camera";
import type { ViewState } from "../../model/protocol";

export type Preset = "oblique" | "top" | "first" | "second";

/** Where the eye is; `facing` is the yaw from which no wall hides a valley. */
export const PRESETS: Record<Preset, (facing?: number) => Pick<ViewState, "yaw" | "pitch">> = {
  oblique: (facing = OBLIQUE) => ({ yaw: facing, pitch: OBLIQUE }),
  top: () => ({ yaw: 0, pitch: MAX_PITCH }),
  first: () => ({ yaw: 0, pitch: LEVEL }),
  second: () => ({ yaw: Math.PI / 2, pitch: LEVEL }),
};
const OBLIQUE = 0.65;
/** Nearly level: the floor is still seen. */
const LEVEL = 0.12;

/** The share `done` of the way between two views, the short way round, slow at both ends. */
export function eased(
  from: Pick<ViewState, "yaw" | "pitch">,
  to: Pick<ViewState, "yaw" | "pitch">,
  done: number,
): Pick<ViewState, "yaw" | "pitch"> {
  const turn = 2 * Math.PI;
  const s = done * done * (3 - 2 * done);
  const way = to.yaw - from.yaw - turn * Math.round((to.yaw - from.yaw) / turn);
  return {
    yaw: done >= 1 ? to.yaw : from.yaw + s * way,
    pitch: from.pitch + s * (to.pitch - from.pitch),
  };
}
