import type { Preset } from "./navigate";

/** The keys of the focused surface. */

export type SurfaceKey =
  | { do: "rotate"; dx: number; dy: number }
  | { do: "pan"; dx: number; dy: number }
  | { do: "zoom"; factor: number }
  | { do: "step" | "stop"; by: 1 | -1 }
  | { do: "preset"; to: Preset }
  | { do: "reset" | "select" | "contours" | "basins" | "floor" | "labels" | "map" | "clear" };

type Key = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

/** Pixels per key press, as if dragged. */
const STEP = 14;

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What a key means on the surface; null = not for us. */
export function surfaceKey(event: Key): SurfaceKey | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const arrow = ARROWS[event.key];
  if (arrow) {
    const [dx, dy] = [arrow[0] * STEP, arrow[1] * STEP];
    return { do: event.shiftKey ? "pan" : "rotate", dx, dy };
  }
  switch (event.key) {
    case "+":
    case "=":
      return { do: "zoom", factor: 1.15 };
    case "-":
    case "_":
      return { do: "zoom", factor: 1 / 1.15 };
    case "]":
    case "n":
      return { do: "step", by: 1 };
    case "[":
    case "p":
      return { do: "step", by: -1 };
    case ".":
      return { do: "stop", by: 1 };
    case ",":
      return { do: "stop", by: -1 };
    case "Home":
      return { do: "reset" };
    case "Enter":
      return { do: "select" };
    case "c":
      return { do: "contours" };
    case "b":
      return { do: "basins" };
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
    case "Escape":
      return { do: "clear" };
    default:
      return null;
  }
}
