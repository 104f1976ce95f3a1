import type { TopologyView } from "../../model/protocol";
import type { LiveTree } from "../../model/store";
import { count, num, whole } from "../parts/format";
import { UNSUPPORTED } from "./pair";

/** The numbers of what is shown, and how many of the least persistent branches are not drawn one by one. */
export function headline(tree: LiveTree, stale: boolean, hidden: number): string {
  const { branches, total, smad, supported } = tree;
  if (stale) return "of the previous window";
  const parts = [count(branches.length, "minimum", "minima")];
  if (supported) parts[0] += ` (supported ${whole(supported.count)} of ${whole(branches.length)})`;
  if (total > branches.length) parts.push(`${whole(total - branches.length)} below the threshold`);
  if (branches.length > 1) parts.push(`SMAD ${num(smad, 3)}`);
  if (supported && supported.count > 1) parts.push(`supported only ${num(supported.smad, 3)}`);
  if (hidden > 0) parts.push(`the ${whole(hidden)} least persistent only hinted at`);
  return parts.join(" · ");
}

/** What the marks mean that are there only where an error is known. */
export function Legend({ tree, view }: { tree: LiveTree; view: TopologyView }) {
  if (!tree.branches.some((branch) => branch.evidence?.supported === false)) return null;
  return (
    <p class="nbl-legend" title={tree.supported?.basis}>
      <svg width="30" height="12" aria-hidden="true">
        {view !== "diagram" && <path class="nbl-legend-line" d="M0,6H16" />}
        <path class="nbl-legend-mark" d="M23,11 18,2H28Z" />
      </svg>
      <span>
        {UNSUPPORTED}
        {view === "diagram" && ": the bar reaches the diagonal"}
        {tree.supported?.basis && <span class="nbl-hidden"> (judged by: {tree.supported.basis})</span>}
      </span>
    </p>
  );
}
