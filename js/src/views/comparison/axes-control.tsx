import type { ComparisonStore } from "../../model/comparison";
import { eigenLabel, resolveIndex, signedIndex } from "../../model/spec";
import type { Store } from "../../model/store";
import { num } from "../parts/format";

/** Which of its own eigenvectors spans each plane: the same choice for all. */
export function AxesControl({ comparison, store }: { comparison: ComparisonStore; store: Store }) {
  const spectrum = store.spectrum.value;
  const spec = store.spec.value;
  if (!spectrum || !spec || !store.abilities.value.axes) return null;
  const with_ = comparison.members.filter((m) => m.store.spectrum.value !== null);
  const choices = spectrum.values.map((_, i) => signedIndex(i, spectrum));
  const set = (which: 0 | 1, index: number) => {
    const axes: [number, number] = [...spec.axes];
    if (axes[1 - which] === index) axes[(1 - which) as 0 | 1] = axes[which];
    axes[which] = index;
    store.request({ axes });
  };
  return (
    <div class="nbl-comparison-row">
      {([0, 1] as const).map((which) => (
        <label key={which}>
          <span class="nbl-chip">{which === 0 ? "x" : "y"}</span>
          <select
            class="nbl-select"
            aria-label={`Eigenvector of the ${which === 0 ? "first" : "second"} axis, of each landscape its own`}
            value={String(spec.axes[which])}
            onChange={(event) => set(which, Number(event.currentTarget.value))}
          >
            {choices.map((index) => (
              <option key={index} value={String(index)}>
                {eigenLabel(index)}
              </option>
            ))}
          </select>
        </label>
      ))}
      <span class="nbl-panel-note">
        {with_
          .map(({ name, store: own }) => {
            const values = own.spectrum.value!.values;
            const of = (k: 0 | 1) => num(values[resolveIndex(spec.axes[k], values.length)] ?? Number.NaN, 3);
            return `${name}: ${of(0)}, ${of(1)}`;
          })
          .join("  ·  ")}
      </span>
    </div>
  );
}
