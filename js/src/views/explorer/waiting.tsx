import { isRunning } from "../../model/lanes";
import type { Store } from "../../model/store";
import { count, reasonOf } from "../parts/format";

/** Before there is a surface to draw: what is being done, or why nothing is, and what to do about it. */
export function Waiting({ store }: { store: Store }) {
  const status = store.status.value;
  const spectrum = store.spectrumStatus.value;
  const failed = [status, spectrum].find((s) => s.phase === "error");
  if (failed !== undefined) {
    return (
      <div class="nbl-empty nbl-empty-failed" role="alert">
        <Landscape broken />
        <strong class="nbl-failed">Nothing could be computed</strong>
        <span class="nbl-empty-reason nbl-select-text">{reasonOf(failed.message)}</span>
        {failed.message.trim().includes("\n") && (
          <details>
            <summary>Traceback</summary>
            <pre class="nbl-select-text">{failed.message}</pre>
          </details>
        )}
      </div>
    );
  }
  const running = isRunning(status) || isRunning(spectrum);
  const done = spectrum.done > 0 ? count(spectrum.done, "Hessian product", "Hessian products") : "";
  const [text, more] = isRunning(spectrum)
    ? ["Finding the directions of largest and smallest curvature", done]
    : running
      ? ["Evaluating the first points", "The surface is drawn as soon as a coarse grid is known."]
      : status.phase === "cancelled"
        ? ["Cancelled before anything was computed", "Run the cell again, or move a slider, to start anew."]
        : store.kernel.value === "none"
          ? ["Nothing was saved of this landscape", "Run the cell again to compute it."]
          : ["Nothing has been computed yet", ""];
  return (
    <div class="nbl-empty" aria-busy={running}>
      <Landscape moving={running} />
      <strong class="nbl-empty-title">{text}</strong>
      <span>{more}</span>
    </div>
  );
}

/** Contour lines of a landscape that is not there yet. */
function Landscape({ moving = false, broken = false }: { moving?: boolean; broken?: boolean }) {
  return (
    <svg
      class={`nbl-sketch${moving ? " nbl-sketch-moving" : ""}${broken ? " nbl-sketch-broken" : ""}`}
      viewBox="0 0 120 72"
      aria-hidden="true"
    >
      <path d="M6 40C6 14 32 6 58 8S114 16 114 38 88 66 58 66 6 62 6 40Z" />
      <path d="M17 40C17 23 37 16 58 18S103 24 103 38 80 57 58 57 17 54 17 40Z" />
      <path d="M28 40C28 30 39 26 47 29S57 36 66 33 92 30 92 39 76 48 66 46 52 44 46 49 28 50 28 40Z" />
      <path d="M35 40C35 35 41 33 44 36S46 45 41 45 35 43 35 40ZM74 39C74 35 85 34 85 39S74 43 74 39Z" />
    </svg>
  );
}
