import { useRef } from "preact/hooks";
import { isRunning } from "../../model/lanes";
import type { LiveGrid, LiveTree, Store } from "../../model/store";
import { count, num } from "../parts/format";
import { FeatureTable } from "./feature-table";
import { PersistenceSlider } from "./persistence-slider";
import { MOST_SHOWN, TreePlot } from "./tree-plot";

export { default as mergeTreeStyles } from "./merge-tree.css";

/** The merge tree, its threshold, and what is selected in it. */
export function MergeTreePanel({ store }: { store: Store }) {
  const live = store.tree.value;
  const grid = store.grid.value;
  // While another window is computed, the last tree stays, faded, instead of a blank panel.
  const last = useRef<{ tree: LiveTree; grid: LiveGrid | null } | null>(null);
  if (live !== null) last.current = { tree: live, grid };
  const drawn = last.current;
  const stale = live === null && drawn !== null;
  return (
    <section class="nbl nbl-tree" aria-label="Merge tree">
      <header class="nbl-panel-head">
        <h3 class="nbl-panel-title">Merge tree</h3>
        {drawn !== null && (
          <span class="nbl-panel-note" title={headline(drawn.tree, stale)}>
            {headline(drawn.tree, stale)}
          </span>
        )}
      </header>
      {drawn === null ? (
        <Waiting store={store} />
      ) : (
        <div class={stale ? "nbl-tree-body nbl-stale" : "nbl-tree-body"} inert={stale}>
          <TreePlot store={store} tree={drawn.tree} grid={drawn.grid} />
          <FeatureTable store={store} tree={live} />
          <PersistenceSlider store={store} tree={drawn.tree} />
        </div>
      )}
    </section>
  );
}

/** What the tree shows, and what it leaves out. */
function headline({ branches, total, smad }: LiveTree, stale: boolean): string {
  if (stale) return "of the previous window";
  const parts = [count(branches.length, "minimum", "minima")];
  if (total > branches.length) parts[0] += `, ${total - branches.length} below the threshold`;
  if (branches.length > 1) parts.push(`SMAD ${num(smad, 3)}`);
  if (branches.length > MOST_SHOWN)
    parts.push(`the ${branches.length - MOST_SHOWN} least persistent not drawn`);
  return parts.join(" · ");
}

function Waiting({ store }: { store: Store }) {
  const running = isRunning(store.status.value) || isRunning(store.spectrumStatus.value);
  return (
    <div class="nbl-empty">
      {running ? "The tree grows with the surface." : "No merge tree was computed for this surface."}
    </div>
  );
}
