import type { CheckedPoint } from "../../model/protocol";
import type { Store } from "../../model/store";
import { num, reasonOf } from "../parts/format";

const CHECK = "Make this point exact with the real loss and check it in the full space of parameters";

/** What the loss itself says of a critical point of the grid, on request. */
export function PointCheck({ store, vertex }: { store: Store; vertex: number }) {
  const check = store.checkOf(vertex);
  const busy = check?.phase === "busy";
  return (
    <>
      <button
        type="button"
        class="nbl-button nbl-small nbl-button-line"
        title={CHECK}
        // Not `disabled`, which would take the focus away.
        aria-disabled={busy}
        onClick={() => store.check(vertex)}
      >
        {busy && <span class="nbl-spinner nbl-spinner-small" />}
        {busy ? "Checking" : "Check"}
      </button>
      <p class="nbl-verdict nbl-select-text" role="status" aria-live="polite" aria-busy={busy}>
        {check?.phase === "done" && (
          <>
            {check.point.verdict} <span class="nbl-verdict-note">{moved(check.point)}</span>
          </>
        )}
        {check?.phase === "failed" && (
          <span class="nbl-failed" title={check.reason}>
            Not checked: {reasonOf(check.reason)}
          </span>
        )}
      </p>
    </>
  );
}

/** How the exact point differs from the vertex. */
function moved({ loss, moved }: CheckedPoint): string {
  const value = loss === null ? "" : `loss ${num(loss, 6)}`;
  const way = moved === null ? "" : `${num(moved, 2)} cells from the vertex`;
  return [value, way].filter(Boolean).join(", ");
}
