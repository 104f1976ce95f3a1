import type { ComparisonStore } from "../../model/comparison";
import { isRunning } from "../../model/lanes";
import { count } from "../parts/format";
import { failureOf } from "./card";

interface Line {
  tone: "quiet" | "run" | "ok" | "warn" | "error";
  text: string;
}

/** The one sentence that says what goes on in all of them. */
export function statusLine({ members, status: overall }: ComparisonStore): Line {
  const status = overall.value;
  const kernels = members.map((m) => m.store.kernel.value);
  if (kernels.includes("busy"))
    return { tone: "warn", text: "waiting: the kernel is busy with another cell" };
  if (isRunning(status)) {
    const running = members.filter(
      ({ store }) => isRunning(store.status.value) || isRunning(store.spectrumStatus.value),
    );
    const share = status.total > 0 ? `, ${Math.floor((100 * status.done) / status.total)} %` : "";
    return { tone: "run", text: `computing ${running.length} of ${members.length}${share}` };
  }
  const failed = members.filter((member) => failureOf(member) !== "");
  if (failed.length > 0)
    return {
      tone: "error",
      text: `${count(failed.length, "landscape", "landscapes")} failed: ${failed.map((m) => m.name).join(", ")}`,
    };
  if (status.phase === "cancelled") return { tone: "warn", text: "cancelled" };
  const drawn = members.filter((m) => m.store.grid.value?.state === "final");
  if (drawn.length === 0) return { tone: "quiet", text: "nothing computed yet" };
  return { tone: "ok", text: "ready" };
}

export function StatusLine({ comparison }: { comparison: ComparisonStore }) {
  const { tone, text } = statusLine(comparison);
  return (
    <footer class="nbl nbl-status">
      <div class={`nbl-phase nbl-tone-${tone}`}>
        <span class="nbl-dot" />
        {(tone === "run" || comparison.members.some((m) => m.store.kernel.value === "busy")) && (
          <button
            type="button"
            class="nbl-button nbl-small nbl-button-line"
            // A notebook may scroll while the button is down; the click must not get lost.
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onClick={comparison.cancel}
          >
            Cancel
          </button>
        )}
        <span class="nbl-phase-text">{text}</span>
      </div>
    </footer>
  );
}
