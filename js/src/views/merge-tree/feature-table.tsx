import type { ComponentType } from "preact";
import { selectedBranch } from "../../model/selection";
import type { LiveTree, Store } from "../../model/store";
import { num, percent, point } from "../parts/format";
import { digitsIn } from "../parts/offset";
import { Term, type TermId } from "../parts/term";
import { isUnsupported, persistenceText } from "../topology/pair";

const GLYPHS = { none: "", minimum: "▼", saddle: "✕", point: "●", model: "★" } as const;
const KINDS = { none: "", minimum: "Minimum", saddle: "Saddle", point: "Point", model: "The model" } as const;

interface Props {
  store: Store;
  tree: LiveTree | null;
  /** What can be asked about a critical point of a loss that the kernel has. */
  Check?: ComponentType<{ store: Store; vertex: number }> | undefined;
}

/** What is selected, as text that can be selected and copied. */
export function FeatureTable({ store, tree, Check }: Props) {
  const selection = store.selection.value;
  if (selection.kind === "none") {
    return <p class="nbl-feature nbl-panel-note">Select a minimum ▼ or a saddle ✕.</p>;
  }
  const branch = selectedBranch(selection, tree);
  const rank = branch === null ? -1 : (tree?.branches.indexOf(branch) ?? -1);
  const checkable = selection.kind === "minimum" || selection.kind === "saddle";
  const vertex = checkable && store.canCheck.value ? selection.vertex : null;
  const rows: [TermId | "at", string][] = [];
  if (selection.loss !== null) {
    const { base, range } = store.grid.value ?? { base: 0, range: [0, 0] };
    rows.push(["loss", num(selection.loss, digitsIn(base + range[0], base + range[1], 6))]);
  }
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
          <div key={term} class={`nbl-feature-${term}`}>
            <dt>{term === "at" ? term : <Term of={term}>{term}</Term>}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {vertex !== null && Check && <Check store={store} vertex={vertex} />}
    </div>
  );
}
