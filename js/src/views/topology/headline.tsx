import type { TopologyView } from "../../model/protocol";
import type { LiveTree } from "../../model/store";
import { count, num, whole } from "../parts/format";
import { isUnsupported, UNSUPPORTED } from "./pair";

interface Props {
  tree: LiveTree;
  stale: boolean;
  view: TopologyView;
  /** How many of the least persistent branches are not drawn one by one. */
  hidden: number;
}

/** The numbers of what is shown, and what the marks mean that are there only where an error is known. */
export function Headline({ tree, stale, view, hidden }: Props) {
  const { branches, total, smad, supported } = tree;
  if (stale) return <p class="nbl-panel-note nbl-topology-note">of the previous window</p>;
  const minima = count(branches.length, "minimum", "minima");
  const parts: string[] = [];
  if (total > branches.length) parts.push(`${whole(total - branches.length)} below the threshold`);
  if (branches.length > 1) parts.push(`SMAD ${num(smad, 3)}`);
  if (supported && supported.count > 1) parts.push(`supported only ${num(supported.smad, 3)}`);
  if (hidden > 0) parts.push(`the ${whole(hidden)} least persistent only hinted at`);
  const numbers = supported ? `supported ${whole(supported.count)} of ${whole(branches.length)}` : "";
  const basis = supported?.basis ? `Support: ${supported.basis}` : "";
  const why =
    basis && view === "diagram" ? `${basis}. The bar of an unsupported pair reaches the diagonal.` : basis;
  return (
    <p class="nbl-panel-note nbl-topology-note" title={why || undefined}>
      {minima}
      {numbers && ` (${numbers}`}
      {branches.some(isUnsupported) && <Legend line={view !== "diagram"} />}
      {numbers && ")"}
      {parts.map((part) => ` · ${part}`).join("")}
      {why && <span class="nbl-hidden">. {why}</span>}
    </p>
  );
}

function Legend({ line }: { line: boolean }) {
  return (
    <span class="nbl-legend">
      {"; "}
      <svg width={line ? 27 : 12} height="10" aria-hidden="true">
        {line && <path class="nbl-legend-line" d="M0,5H15" />}
        <path class="nbl-legend-mark" d={line ? "M21,9.5 16.5,1.5H25.5Z" : "M6,9.5 1.5,1.5H10.5Z"} />
      </svg>{" "}
      {UNSUPPORTED}
    </span>
  );
}
