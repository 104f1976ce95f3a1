import { selectedBranch } from "../../model/selection";
import type { LiveTree, Store } from "../../model/store";
import { num, percent, point } from "../parts/format";

const KINDS = { none: "", minimum: "Minimum", saddle: "Saddle", point: "Point", model: "The model" } as const;

/** What is selected, as text that can be selected and copied. */
export function FeatureTable({ store, tree }: { store: Store; tree: LiveTree | null }) {
  const selection = store.selection.value;
  if (selection.kind === "none") {
    return <p class="nbl-feature nbl-panel-note">Select a minimum ▼ or a saddle ✕.</p>;
  }
  const branch = selectedBranch(selection, tree);
  const rank = branch === null ? -1 : (tree?.branches.indexOf(branch) ?? -1);
  const name = `${KINDS[selection.kind]}${selection.kind === "minimum" && rank >= 0 ? ` ${rank + 1}` : ""}`;
  const rows: [string, string][] = [];
  if (selection.loss !== null) rows.push(["loss", num(selection.loss, 6)]);
  if (selection.coordinates !== null) rows.push(["at", point(selection.coordinates)]);
  if (branch !== null) {
    const deepest = !Number.isFinite(branch.persistence);
    rows.push(["persistence", deepest ? "∞ (deepest)" : num(branch.persistence)]);
    rows.push([
      "basin",
      `${percent(branch.share)}${selection.kind === "minimum" ? "" : ` of minimum ${rank + 1}`}`,
    ]);
  }
  return (
    <div class="nbl-feature">
      <strong>{name}</strong>
      <dl class="nbl-select-text">
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
