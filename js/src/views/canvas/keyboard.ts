import type { Store } from "../../model/store";
import type { CameraMoves } from "./camera-moves";
import type { Marked } from "./marked";
import type { Pointing } from "./pointing";

/** The keys that every focused picture knows. */

export type CanvasKey =
  | { do: "rotate" | "pan"; dx: number; dy: number }
  | { do: "zoom"; factor: number }
  | { do: "step"; by: 1 | -1 }
  | Action<"reset" | "select" | "contours" | "basins" | "clear">;

/** One member of a union for each name: told apart by it. */
export type Action<D> = D extends string ? { do: D } : never;

export type Key = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

/** Pixels per key press, as if dragged. */
const STEP = 14;

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Keys with a modifier are the host's. */
export const isPlain = ({ ctrlKey, metaKey, altKey }: Key): boolean => !ctrlKey && !metaKey && !altKey;

/** What a key means on every picture; null = nothing. */
export function canvasKey(event: Key): CanvasKey | null {
  if (!isPlain(event)) return null;
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
    case "Home":
      return { do: "reset" };
    case "Enter":
      return { do: "select" };
    case "c":
      return { do: "contours" };
    case "b":
      return { do: "basins" };
    case "Escape":
      return { do: "clear" };
    default:
      return null;
  }
}

/** Does what a key means on every picture; the view of the basins is each picture's own. */
export function answerKey<P extends Marked>(
  key: Exclude<CanvasKey, { do: "basins" }>,
  store: Store,
  { width, height }: { width: number; height: number },
  moves: CameraMoves,
  pointing: Pointing<P>,
  points: readonly P[],
): void {
  if (key.do === "rotate") moves.rotate(key.dx, key.dy);
  else if (key.do === "pan") moves.pan(key.dx, key.dy);
  else if (key.do === "zoom") moves.zoom(key.factor, width / 2, height / 2);
  else if (key.do === "step") pointing.step(key.by, points);
  else if (key.do === "reset") store.resetView();
  else if (key.do === "select") pointing.selectStepped();
  else if (key.do === "contours") store.setView({ contours: !store.view.value.contours });
  else pointing.forget();
}
