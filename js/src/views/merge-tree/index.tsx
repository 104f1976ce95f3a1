import { useRef } from "preact/hooks";
import { isRunning } from "../../model/lanes";
import type { LiveGrid, LiveTree, Store } from "../../model/store";
import { count, num } from "../parts/format";
import { FeatureTable } from "./feature-table";
import { PersistenceSlider } from "./persistence-slider";
import { TreePlot } from "./tree-plot";

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
  const hidden = drawn === null ? 0 : drawn.tree.total - drawn.tree.branches.length;
  const beyond = drawn === null ? 0 : Math.max(0, drawn.tree.branches.length - 60);
  return (
    <section class="nbl nbl-tree" aria-label="Merge tree">
      <header class="nbl-panel-head">
        <h3 class="nbl-panel-title">Merge tree</h3>
        {drawn !== null && (
          <span class="nbl-panel-note">
            {stale
              ? "of the previous window"
              : `${count(drawn.tree.branches.length, "minimum", "minima")}${hidden > 0 ? `, ${hidden} below the threshold` : ""}`}
            {!stale && drawn.tree.branches.length > 1 ? ` · SMAD ${num(drawn.tree.smad, 3)}` : ""}
            {beyond > 0 ? ` · the ${beyond} least persistent not drawn` : ""}
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

function Waiting({ store }: { store: Store }) {
  const running = isRunning(store.status.value) || isRunning(store.spectrumStatus.value);
  return (
    <div class="nbl-empty">
      {running ? "The tree grows with the surface." : "No merge tree was computed for this surface."}
    </div>
  );
}
