import { isRunning } from "../../model/lanes";
import { samplingKey } from "../../model/spec";
import type { Store } from "../../model/store";

/** What is drawn, against what was asked for, in words; empty = it is that, and finished. */
export function standing(store: Store): string {
  const grid = store.grid.value;
  const wanted = store.spec.value;
  if (grid === null) return "";
  const running = isRunning(store.status.value);
  if (wanted !== null && samplingKey(grid.spec) !== samplingKey(wanted))
    return running ? "earlier view, new values follow" : "earlier view, not the one asked for";
  if (grid.state === "predicted") return "predicted (quadratic)";
  if (grid.state === "partial")
    return `${running ? "refining" : "stopped at"} ${Math.floor(100 * grid.known)} %`;
  return "";
}

/** How far a computation came that was cancelled. */
export function stopped(store: Store): string {
  const what = standing(store);
  return what.startsWith("stopped") || what === "" ? what || "stopped" : `stopped: ${what}`;
}
