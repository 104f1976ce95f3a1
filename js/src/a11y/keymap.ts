import type { Store } from "../model/store";

type KeyAction = "undo" | "redo" | "home" | "help";

type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** What a key means anywhere inside a view; null = nothing. */
export function keyAction(event: Key): KeyAction | null {
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (event.altKey) return null;
  if (command && key === "z") return event.shiftKey ? "redo" : "undo";
  if (command && key === "y") return "redo";
  if (command) return null;
  if (event.key === "Home") return "home";
  return event.key === "?" ? "help" : null;
}

/** Keys without a command modifier belong to the view: the notebook would delete cells with them. */
export function isPlain(event: Key): boolean {
  return !event.ctrlKey && !event.metaKey;
}

/** Whether the focused element has its own use for text keys, Home or undo. */
export function isEditing(target: EventTarget | null | undefined): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  return (
    target instanceof HTMLInputElement && !["range", "checkbox", "radio", "button"].includes(target.type)
  );
}

function ownsHome(target: EventTarget | null | undefined): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}

/** Fired on the host element when the reader asks for the list of keys. */
export const HELP_EVENT = "nbl-help";

export const KEYS: readonly (readonly [string, string])[] = [
  ["Ctrl+Z", "Undo"],
  ["Ctrl+Shift+Z or Ctrl+Y", "Redo"],
  ["Home", "Reset the view of the surface"],
  ["Drag the surface", "Turn it; with Shift or the right button: move it"],
  ["Wheel on the surface", "Zoom once it was clicked; with Ctrl at once"],
  ["Arrow keys on the surface", "Turn it; with Shift: move it"],
  ["+ and − on the surface", "Zoom"],
  ["N and P on the surface", "Next and previous: the model, minima, saddles"],
  [", and . on the surface", "Previous and next checkpoint of the paths"],
  ["Enter on the surface", "Select what these keys have reached"],
  ["Escape on the surface", "Clear the selection"],
  ["O with a selected point", "Make it the new origin of the planes"],
  ["S with a selected point", "Send it to Python: explorer.sent"],
  ["D with a selected point", "All details, fewer details"],
  ["C on the surface", "Contour lines on and off"],
  ["B on the surface", "Basin map on and off"],
  ["T on the surface", "Losses on the contour lines on and off"],
  ["M on the surface", "The map from above, and back"],
  ["L on the surface", "The loss along a line: click its two ends"],
  ["F on the surface", "Map on the floor on and off"],
  ["1, 2, 3, 4 on the surface", "Look obliquely, from above, along the second axis, along the first axis"],
  ["Arrow keys on the colour bar", "Cut the surface off above a loss; keep the colours of a band of losses"],
  [
    "Arrow keys in the tree",
    "Up: the branch it merges into; down: branches that merge into it; left, right: neighbours",
  ],
  ["Enter in the tree", "Select the minimum; again: its saddle"],
  ["Arrow keys on the tabs above the tree", "Merge tree, persistence diagram, barcode, landscape profile"],
  ["Arrow keys in diagram and barcode", "More and less persistent pairs; in the profile: neighbours"],
  ["X, Y, O on an eigenvalue", "Use it as first axis, second axis, offset"],
  ["Shift+click on an eigenvalue", "Use it as second axis"],
  ["Shift+C", "Captions: what each panel shows, in words"],
  ["Shift+T", "Minima and saddles as a table"],
  ["Shift+G", "A tour"],
  ["Shift+P, Shift+F", "Projector; full screen"],
  ["?", "This list"],
];

/** Handles the keys of a view and keeps the rest from the notebook. */
export function createKeyGuard(host: HTMLElement, store: Store): () => void {
  const onKey = (event: KeyboardEvent) => {
    const target = event.composedPath()[0];
    const editing = isEditing(target);
    const action = event.defaultPrevented || editing ? null : keyAction(event);
    const taken = action !== null && !(action === "home" && ownsHome(target));
    if (taken) {
      event.preventDefault();
      if (action === "undo") store.undo();
      else if (action === "redo") store.redo();
      else if (action === "home") store.resetView();
      else host.dispatchEvent(new CustomEvent(HELP_EVENT));
    }
    if (taken || editing || isPlain(event)) event.stopPropagation();
  };
  host.addEventListener("keydown", onKey);
  return () => host.removeEventListener("keydown", onKey);
}
