import { useComputed } from "@preact/signals";
import { commonRange, hasValues, proposeCut } from "../../model/common-scale";
import type { ComparisonStore } from "../../model/comparison";
import type { Store } from "../../model/store";
import { num } from "../parts/format";
import { NumberField } from "../parts/number-field";

/** Where all surfaces are cut off; and, where one flattens the others, what helps. */
export function ScaleRow({ comparison, store }: { comparison: ComparisonStore; store: Store }) {
  const { members } = comparison;
  // Computed: the view changes with every frame of a rotation, this does not.
  const clip = useComputed(() => store.view.value.clip ?? null).value;
  const range = useComputed(() => commonRange(members.map((m) => m.store.grid.value))).value;
  if (range === null) return null;
  const [low, top] = range;
  const cut = clip !== null && clip > low && clip < top ? clip : null;
  const hidden = members.filter(({ store: { grid } }) => {
    const drawn = grid.value;
    return cut !== null && hasValues(drawn) && drawn!.range[0] + drawn!.base >= cut;
  });
  return (
    <div class="nbl-comparison-row nbl-comparison-scale">
      <span class="nbl-comparison-cut">
        <span class="nbl-control-name">Cut all above</span>
        <NumberField
          value={cut ?? top}
          label="Loss above which all are cut off"
          onCommit={(loss) => store.setView({ clip: loss >= top || loss <= low ? null : loss })}
        />
      </span>
      {cut !== null && (
        <button
          type="button"
          class="nbl-button nbl-small nbl-button-line"
          onClick={() => store.setView({ clip: null })}
        >
          Show all, up to {num(top)}
        </button>
      )}
      {hidden.length > 0 && (
        <span class="nbl-panel-note" role="status">
          All of {hidden.map((m) => m.name).join(", ")} lies above the cut.
        </span>
      )}
      {cut === null && comparison.common.value && <Proposal comparison={comparison} store={store} />}
    </div>
  );
}

/** Only when everything is computed: sooner the spike may not have been met. */
function Proposal({ comparison: { members }, store }: { comparison: ComparisonStore; store: Store }) {
  const found = useComputed(() => {
    const grids = members.map((m) => m.store.grid.value);
    return grids.every((grid) => grid === null || grid.state === "final") ? proposeCut(grids) : null;
  }).value;
  if (found === null || store.spec.value?.scale !== "linear") return null;
  const { spike, top, cut, symlog } = found;
  return (
    <div class="nbl-comparison-proposal" role="status">
      <span>
        <strong>{members[spike]!.name}</strong> reaches {num(top)}; 95 % of the losses of the others are below{" "}
        {num(cut)} and look flat beside it.
      </span>
      <button
        type="button"
        class="nbl-button nbl-small nbl-button-line"
        title="The colour bars and all surfaces end there; nothing is computed anew"
        onClick={() => store.setView({ clip: cut })}
      >
        Cut all at {num(cut)}
      </button>
      {symlog && (
        <button
          type="button"
          class="nbl-button nbl-small nbl-button-line"
          title="Linear close to 0 and logarithmic beyond, on both sides"
          onClick={() => store.request({ scale: "symlog" })}
        >
          Symlog for all
        </button>
      )}
    </div>
  );
}
