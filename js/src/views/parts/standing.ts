import { isRunning } from "../../model/lanes";
import { samplingKey } from "../../model/spec";
import type { Store } from "../../model/store";
import type { VolumeData } from "../../model/volume-data";

/** What is drawn, against what was asked for, in words; empty = it is that, and finished. */
export function standing(store: Store): string {
  const grid = store.grid.value;
  const wanted = store.spec.value;
  const running = isRunning(store.status.value);
  if (grid && wanted && samplingKey(grid.spec) !== samplingKey(wanted))
    return running ? "earlier view, new values follow" : "earlier view, not the one asked for";
  if (grid?.state === "predicted") return "predicted (quadratic)";
  const { known } = grid ?? store.trait<VolumeData>("volume").value ?? { known: 1 };
  return known < 1 ? `${running ? "refining" : "stopped at"} ${Math.floor(100 * known)} %` : "";
}

/** How far a computation came that was cancelled. */
export function stopped(store: Store): string {
  const what = standing(store);
  return what.startsWith("stopped") || what === "" ? what || "stopped" : `stopped: ${what}`;
}
