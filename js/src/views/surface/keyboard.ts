import { type Action, type CanvasKey, canvasKey, isPlain, type Key } from "../canvas/keyboard";
import type { Preset } from "./presets";

/** The keys of the focused surface. */

export type SurfaceKey =
  | CanvasKey
  | { do: "stop"; by: 1 | -1 }
  | { do: "preset"; to: Preset }
  | Action<"floor" | "labels" | "map">;

/** What a key means on the surface; null = not for us. */
export function surfaceKey(event: Key): SurfaceKey | null {
  if (!isPlain(event)) return null;
  switch (event.key) {
    case ".":
      return { do: "stop", by: 1 };
    case ",":
      return { do: "stop", by: -1 };
    case "f":
      return { do: "floor" };
    case "m":
      return { do: "map" };
    case "t":
      return { do: "labels" };
    case "1":
      return { do: "preset", to: "oblique" };
    case "2":
      return { do: "preset", to: "top" };
    case "3":
      return { do: "preset", to: "first" };
    case "4":
      return { do: "preset", to: "second" };
    default:
      return canvasKey(event);
  }
}
