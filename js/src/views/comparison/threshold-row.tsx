import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ComparisonStore } from "../../model/comparison";
import type { LiveTree, Store } from "../../model/store";
import { persistences, ThresholdSlider } from "../merge-tree/persistence-slider";

/** One persistence threshold for all, and how many minima it leaves of each. */
export function ThresholdRow({
  comparison: { members },
  store,
}: {
  comparison: ComparisonStore;
  store: Store;
}) {
  const trees = useComputed(() => members.map((m) => m.store.tree.value)).value;
  const known = trees.filter((tree): tree is LiveTree => tree !== null);
  const values = useMemo(() => persistences(known), [...trees.map((tree) => tree?.tree)]);
  if (known.length === 0) return null;
  const sum = (of: (tree: LiveTree) => number) => known.reduce((total, tree) => total + of(tree), 0);
  return (
    <div class="nbl-comparison-row nbl-comparison-threshold">
      <ThresholdSlider
        store={store}
        values={values}
        total={sum((tree) => tree.total)}
        shown={sum((tree) => tree.branches.length)}
      />
      <ul aria-label="Minima shown of each">
        {members.map(({ name }, k) => {
          const tree = trees[k];
          return (
            <li key={name}>
              {name} <strong>{tree ? tree.branches.length : "–"}</strong>
              {tree && tree.branches.length < tree.total && ` of ${tree.total}`}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
