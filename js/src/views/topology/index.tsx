import { useComputed } from "@preact/signals";
import type { ComponentType } from "preact";
import { useRef } from "preact/hooks";
import { isRunning } from "../../model/lanes";
import type { TopologyView } from "../../model/protocol";
import type { LiveGrid, LiveTree, Store } from "../../model/store";
import { FeatureTable } from "../merge-tree/feature-table";
import { PersistenceSlider } from "../merge-tree/persistence-slider";
import { MARGIN, TreePlot } from "../merge-tree/tree-plot";
import { useSize } from "../parts/use-size";
import { Barcode } from "./barcode";
import { Diagram } from "./diagram";
import { Headline } from "./headline";
import { mostLeaves } from "./most-leaves";
import { Tabs } from "./tabs";

export { default as mergeTreeStyles } from "../merge-tree/merge-tree.css";
export { default as topologyStyles } from "./topology.css";

interface Plot {
  name: string;
  tab: string;
  /** Leaves stand side by side, as many as the width allows. */
  byLeaf: boolean;
  View: ComponentType<{ store: Store; tree: LiveTree; grid: LiveGrid | null }>;
}

type Plots = { tree: Plot } & Partial<Record<TopologyView, Plot>>;

const PLOTS: Plots = {
  tree: { name: "Merge tree", tab: "Merge tree", byLeaf: true, View: TreePlot },
  diagram: { name: "Persistence diagram", tab: "Diagram", byLeaf: false, View: Diagram },
  barcode: { name: "Barcode", tab: "Barcode", byLeaf: false, View: Barcode },
};

/** What a tree alone can show. */
export const MergeTreePanel = topologyPanel(PLOTS);

/** The same with further pictures, which need the surface as well, and with questions to the loss. */
export const topologyPanelWith = (more: Partial<Plots>, Check: PointCheck) =>
  topologyPanel({ ...PLOTS, ...more }, Check);

type PointCheck = ComponentType<{ store: Store; vertex: number }>;

function topologyPanel(plots: Plots, Check?: PointCheck): ComponentType<{ store: Store }> {
  return ({ store }) => <TopologyPanel store={store} plots={plots} Check={Check} />;
}

/** Pictures of the topology to choose from, their common threshold, and what is selected in them. */
function TopologyPanel({
  store,
  plots,
  Check,
}: {
  store: Store;
  plots: Plots;
  Check?: PointCheck | undefined;
}) {
  const live = store.tree.value;
  // The prediction of another window has no tree, and nothing of it is shown here.
  const grid = useComputed(() => (store.tree.value === null ? null : store.grid.value)).value;
  // Computed: the view changes with every frame of a rotation, these do not.
  const wanted = useComputed(() => store.view.value.topology ?? "tree").value;
  // While another window is computed, the last tree stays, faded, instead of a blank panel.
  const last = useRef<{ tree: LiveTree; grid: LiveGrid | null } | null>(null);
  if (live !== null) last.current = { tree: live, grid };
  const drawn = last.current;
  const stale = live === null && drawn !== null;
  const view = plots[wanted] === undefined ? "tree" : wanted;
  const { name, View, byLeaf } = plots[view] ?? plots.tree;
  const panel = useRef<HTMLDivElement>(null);
  const [width] = useSize(panel);
  const leaves = mostLeaves(width - MARGIN.left - MARGIN.right);
  const hidden = drawn === null || !byLeaf ? 0 : Math.max(drawn.tree.branches.length - leaves, 0);
  return (
    <section class="nbl nbl-tree" aria-label={name}>
      <header class="nbl-panel-head nbl-topology-head">
        <Tabs
          label="Pictures of the topology"
          tabs={Object.entries(plots).map(([id, { tab, name }]) => ({
            id: id as TopologyView,
            text: tab,
            title: name,
          }))}
          chosen={view}
          controls="nbl-topology-plot"
          onChoose={(id) => store.setView({ topology: id })}
        />
        <span class="nbl-spacer" />
        {drawn !== null && drawn.grid !== null && <BasinMapToggle store={store} />}
      </header>
      <div
        class="nbl-topology-panel"
        ref={panel}
        id="nbl-topology-plot"
        role="tabpanel"
        aria-labelledby={`nbl-topology-plot-tab-${view}`}
      >
        {drawn === null ? (
          <Waiting store={store} />
        ) : (
          <div class={stale ? "nbl-tree-body nbl-stale" : "nbl-tree-body"} inert={stale}>
            <Headline tree={drawn.tree} stale={stale} view={view} hidden={hidden} />
            <View key={view} store={store} tree={drawn.tree} grid={drawn.grid} />
            <FeatureTable store={store} tree={live} Check={Check} />
            <PersistenceSlider store={store} tree={drawn.tree} />
          </div>
        )}
      </div>
    </section>
  );
}

function BasinMapToggle({ store }: { store: Store }) {
  const on = useComputed(() => store.view.value.basin_map === true).value;
  return (
    <button
      type="button"
      class="nbl-button nbl-small"
      aria-pressed={on}
      title="Basin map: tints every basin of the surface (B on the surface)"
      onClick={() => store.setView({ basin_map: !on })}
    >
      <span class="nbl-basins-icon" aria-hidden="true" />
      <span class="nbl-basins-name">Basins</span>
    </button>
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
