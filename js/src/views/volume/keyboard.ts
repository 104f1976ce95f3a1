/** The keys of the focused volume. */
import { KEYS } from "../../a11y/keymap";
import { type SurfaceKey, surfaceKey } from "../surface/keyboard";

export type VolumeKey =
  | SurfaceKey
  /** Steps of the level's slider. */
  | { do: "level"; by: number }
  /** To the next or the last merge. */
  | { do: "merge"; by: 1 | -1 }
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

const OWN: typeof KEYS = [
  ["Drag the volume", "Turn it; with Shift or the right button: move it"],
  ["Arrow keys on the volume", "Turn it; with Shift: move it"],
  ["+ and − on the volume", "Zoom"],
  ["Page Up, Page Down on the volume", "Raise and lower the level; with Shift: from merge to merge"],
  ["1, 2, 3 on the volume", "Slice across the first, second, third axis on and off"],
  [", and . on the volume", "Move the slice that was touched last"],
  ["N and P on the volume", "Next and previous: the model, minima, saddles"],
  ["Enter, Escape on the volume", "Select what N or P has reached; clear the selection"],
  ["C, B on the volume", "Contour lines on the slices; colours of the basins"],
];

/** The list of keys of an explorer of volumes. */
export const VOLUME_KEYS: typeof KEYS = [
  ...OWN,
  ...KEYS.filter(([key, meaning]) => !/surface|selected point|eigenvalue|colour bar/.test(key + meaning)),
];
