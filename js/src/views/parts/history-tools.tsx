import type { Store } from "../../model/store";
import * as icons from "./icons";
import { Tool } from "./tool";

/** What every view with a history begins with: back, forward, and the camera's first place. */
export function HistoryTools({ store }: { store: Store }) {
  return (
    <>
      <Tool
        icon={icons.undo}
        label="Undo"
        hint="Undo (Ctrl+Z)"
        disabled={!store.canUndo.value}
        onClick={store.undo}
      />
      <Tool
        icon={icons.redo}
        label="Redo"
        hint="Redo (Ctrl+Shift+Z)"
        disabled={!store.canRedo.value}
        onClick={store.redo}
      />
      <span class="nbl-divider" />
      <Tool icon={icons.home} label="Reset view" hint="Reset the view (Home)" onClick={store.resetView} />
    </>
  );
}
