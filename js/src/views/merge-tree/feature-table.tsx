import type { CheckedPoint } from "../../model/protocol";
import { selectedBranch } from "../../model/selection";
import type { LiveTree, Store } from "../../model/store";
import { num, percent, point, reasonOf } from "../parts/format";
import { isUnsupported, persistenceText } from "../topology/pair";

const GLYPHS = { none: "", minimum: "▼", saddle: "✕", point: "●", model: "★" } as const;
const KINDS = { none: "", minimum: "Minimum", saddle: "Saddle", point: "Point", model: "The model" } as const;

/** What is selected, as text that can be selected and copied. */
export function FeatureTable({ store, tree }: { store: Store; tree: LiveTree | null }) {
  const selection = store.selection.value;
  if (selection.kind === "none") {
    return <p class="nbl-feature nbl-panel-note">Select a minimum ▼ or a saddle ✕.</p>;
  }
  const branch = selectedBranch(selection, tree);
  const rank = branch === null ? -1 : (tree?.branches.indexOf(branch) ?? -1);
  const checkable = selection.kind === "minimum" || selection.kind === "saddle";
  const vertex = checkable && store.canCheck.value ? selection.vertex : null;
  const rows: [string, string][] = [];
  if (selection.loss !== null) rows.push(["loss", num(selection.loss, 6)]);
  if (branch !== null) {
    rows.push(["persistence", persistenceText(branch)]);
    rows.push(["basin", percent(branch.share)]);
    if (isUnsupported(branch)) rows.push(["supported", "no"]);
  }
  if (selection.coordinates !== null) rows.push(["at", point(selection.coordinates)]);
  return (
    <div class="nbl-feature">
      <strong title={KINDS[selection.kind]}>
        <span aria-hidden="true">{GLYPHS[selection.kind]}</span>
        <span class="nbl-feature-name"> {KINDS[selection.kind]}</span>
        {checkable && rank >= 0 && ` ${rank + 1}`}
      </strong>
      <dl class="nbl-select-text">
        {rows.map(([term, value]) => (
          <div key={term} class={term === "at" ? "nbl-feature-at" : undefined}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {vertex !== null && <PointCheck store={store} vertex={vertex} />}
    </div>
  );
}

const CHECK = "Make this point exact with the real loss and check it in the full space of parameters";

/** What the loss itself says of a critical point of the grid, on request. */
function PointCheck({ store, vertex }: { store: Store; vertex: number }) {
  const check = store.checkOf(vertex);
  const busy = check?.phase === "busy";
  return (
    <>
      <button
        type="button"
        class="nbl-button nbl-small nbl-button-line"
        aria-label={`Check: ${CHECK}`}
        title={CHECK}
        // Not `disabled`, which would take the focus away.
        aria-disabled={busy}
        onClick={() => store.check(vertex)}
      >
        {busy && <span class="nbl-spinner nbl-spinner-small" />}
        {busy ? "Checking" : "Check"}
      </button>
      <p class="nbl-check nbl-select-text" role="status" aria-live="polite" aria-busy={busy}>
        {check?.phase === "done" && (
          <>
            {check.point.verdict} <span class="nbl-panel-note">{moved(check.point)}</span>
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
