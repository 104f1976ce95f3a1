import type { Store } from "../../model/store";

type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

type ExplorerKey = "projector" | "full" | "captions" | "table" | "tour";

const KEYS: { [key: string]: ExplorerKey } = {
  P: "projector",
  F: "full",
  C: "captions",
  T: "table",
  G: "tour",
};

/** Shift and a letter: what concerns the explorer as a whole. Letters alone belong to its panels. */
export function explorerKey(event: Key): ExplorerKey | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  return KEYS[event.key] ?? null;
}

export function toggleCaptions(store: Store): void {
  store.setView({ captions: store.view.peek().captions !== true });
}

export function toggleProjector(store: Store): void {
  store.setView({ projector: store.view.peek().projector !== true });
}
