import type { Store } from "../../model/store";

type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

export type ExplorerKey = "projector" | "full";

/** Shift and a letter: what concerns the explorer as a whole. Letters alone belong to its panels. */
export function explorerKey(event: Key): ExplorerKey | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === "P") return "projector";
  return event.key === "F" ? "full" : null;
}

export function toggleProjector(store: Store): void {
  store.setView({ projector: store.view.peek().projector !== true });
}
