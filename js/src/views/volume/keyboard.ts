/** The keys of the focused volume. */
import { type SurfaceKey, surfaceKey } from "../surface/keyboard";

export type VolumeKey =
  | SurfaceKey
  /** Steps of the level's slider. */
  | { do: "level"; by: number }
  /** To the next or the last merge. */
  | { do: "merge"; by: 1 | -1 }
  | { do: "second" }
  | { do: "slice"; axis: 0 | 1 | 2 }
  | { do: "move"; by: 1 | -1 };

type Key = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

export function volumeKey(event: Key): VolumeKey | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  switch (event.key) {
    case "PageUp":
      return event.shiftKey ? { do: "merge", by: 1 } : { do: "level", by: 1 };
    case "PageDown":
      return event.shiftKey ? { do: "merge", by: -1 } : { do: "level", by: -1 };
    case "l":
    case "L":
      return { do: "second" };
    case "1":
    case "2":
    case "3":
      return { do: "slice", axis: (Number(event.key) - 1) as 0 | 1 | 2 };
    case ".":
      return { do: "move", by: 1 };
    case ",":
      return { do: "move", by: -1 };
    default: {
      const key = surfaceKey(event);
      return key !== null && SHARED.includes(key.do) ? key : null;
    }
  }
}

/** What keys of the surface do to a volume as well. */
const SHARED: readonly string[] = [
  "rotate",
  "pan",
  "zoom",
  "step",
  "reset",
  "select",
  "contours",
  "basins",
  "clear",
];
