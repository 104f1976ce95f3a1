import type { TopologyView } from "../../model/protocol";
import type { LiveTree } from "../../model/store";
import { count, num, whole } from "../parts/format";
import { Term } from "../parts/term";
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
  const below = total > branches.length ? ` · ${whole(total - branches.length)} below the threshold` : "";
  const rest: string[] = [];
  if (supported && supported.count > 1) rest.push(`supported only ${num(supported.smad, 3)}`);
  if (hidden > 0) rest.push(`the ${whole(hidden)} least persistent only hinted at`);
  const numbers = supported ? `${whole(supported.count)} of ${whole(branches.length)}` : "";
  const basis = supported?.basis ? `Support: ${supported.basis}` : "";
  const why =
    basis && view === "diagram" ? `${basis}. The bar of an unsupported pair reaches the diagonal.` : basis;
  return (
    <p class="nbl-panel-note nbl-topology-note" title={why || undefined}>
      {minima}
      {numbers && (
        <span key="supported">
          {" ("}
          <Term of="supported">supported</Term> {numbers}
          {branches.some(isUnsupported) && <Legend line={view !== "diagram"} />}
          {")"}
        </span>
      )}
      {below && <span key="below">{below}</span>}
      {branches.length > 1 && (
        <span key="smad">
          {" · "}
          <Term of="smad">SMAD</Term> {num(smad, 3)}
        </span>
      )}
      {rest.length > 0 && <span key="rest">{rest.map((part) => ` · ${part}`).join("")}</span>}
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
