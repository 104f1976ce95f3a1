/** The keys of the focused volume. */
import { type CanvasKey, canvasKey, isPlain, type Key } from "../canvas/keyboard";

export type VolumeKey =
  | CanvasKey
  /** Steps of the level's slider. */
  | { do: "level"; by: number }
  /** To the next or the last merge. */
  | { do: "merge"; by: 1 | -1 }
  | { do: "second" }
  | { do: "slice"; axis: 0 | 1 | 2 }
  | { do: "move"; by: 1 | -1 };

export function volumeKey(event: Key): VolumeKey | null {
  if (!isPlain(event)) return null;
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
    default:
      return canvasKey(event);
  }
}
