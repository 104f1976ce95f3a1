import { MAX_PITCH, MIN_PITCH } from "../../gl/camera";
import type { ViewState } from "../../model/protocol";

/** Changes of the view by gestures; pure. */

const RADIANS_PER_PIXEL = 0.0085;
const ZOOM_LIMITS = [0.5, 14] as const;

type Camera = Pick<ViewState, "yaw" | "pitch" | "zoom" | "pan">;

/** The surface follows the pointer: dragged to the right it turns to the right. */
export function rotated(view: Camera, dx: number, dy: number): Pick<ViewState, "yaw" | "pitch"> {
  const turn = 2 * Math.PI;
  const yaw = view.yaw - dx * RADIANS_PER_PIXEL;
  const pitch = Math.min(MAX_PITCH, Math.max(MIN_PITCH, view.pitch + dy * RADIANS_PER_PIXEL));
  return { yaw: yaw - turn * Math.round(yaw / turn), pitch };
}

/** `room` is the shorter side of the drawing area. */
export function panned(view: Camera, dx: number, dy: number, room: number): Pick<ViewState, "pan"> {
  const limit = 0.75 * Math.max(1, view.zoom);
  const clamp = (x: number) => Math.min(limit, Math.max(-limit, x));
  return { pan: [clamp(view.pan[0] + dx / room), clamp(view.pan[1] + dy / room)] };
}

/** Zooms about a point given relative to the middle of the drawing area, which stays where it is. */
export function zoomed(
  view: Camera,
  factor: number,
  x: number,
  y: number,
  room: number,
): Pick<ViewState, "zoom" | "pan"> {
  const zoom = Math.min(ZOOM_LIMITS[1], Math.max(ZOOM_LIMITS[0], view.zoom * factor));
  const ratio = zoom / view.zoom;
  const keep = (pan: number, at: number) => (at - (at - pan * room) * ratio) / room;
  return { zoom, pan: [keep(view.pan[0], x), keep(view.pan[1], y)] };
}
