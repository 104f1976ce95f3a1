import { useComputed } from "@preact/signals";
import type { Store } from "../../model/store";
import { endsOf, type LiveVolume } from "../../model/volume-data";
import { num, shortLabel } from "../parts/format";
import { NumberField } from "../parts/number-field";
import { Slider } from "../parts/slider";
import { lowestOf, volumePoints } from "./points";
import { change, restingPlace, type Slices, slicesOf } from "./state";
import type { VolumeUi } from "./ui";

interface Props {
  store: Store;
  ui: VolumeUi;
  volume: LiveVolume;
}

/** One switch and one slider for the plane across each axis. */
export function SliceControls({ store, ui, volume }: Props) {
  const slices = useComputed(() => slicesOf(store)).value;
  const set = (axis: number, at: number | null) => {
    ui.moving.value++;
    const next = [...slicesOf(store)] as Slices;
    next[axis] = at;
    change(store, { slices: next });
  };
  return (
    <fieldset class="nbl-volume-slices" aria-label="Slices">
      {volume.data.labels.map((label, axis) => {
        const name = shortLabel(label, `axis ${axis + 1}`);
        const [low, high] = endsOf(volume, axis);
        const at = slices[axis] ?? null;
        const rest = () => restingPlace(volume, lowestOf(volumePoints(volume, store.tree.peek())), axis);
        return (
          <div key={axis} class={at === null ? "nbl-volume-slice nbl-volume-off" : "nbl-volume-slice"}>
            <label class="nbl-check" title={`Slice across ${label} (${axis + 1})`}>
              <input
                type="checkbox"
                checked={at !== null}
                onChange={(event) => set(axis, event.currentTarget.checked ? rest() : null)}
              />
              {name}
            </label>
            <Slider
              value={at ?? rest()}
              min={low}
              max={high}
              label={`Slice across ${name}`}
              valueText={at === null ? "off" : num(at)}
              onDrag={(next) => set(axis, Number(next.toPrecision(5)))}
              onSettle={() => {}}
            />
            {at !== null && (
              <NumberField
                value={at}
                label={`Slice across ${name}`}
                min={low}
                max={high}
                onCommit={(next) => set(axis, next)}
              />
            )}
          </div>
        );
      })}
    </fieldset>
  );
}
