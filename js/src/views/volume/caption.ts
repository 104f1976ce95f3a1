import type { Store } from "../../model/store";
import { volumeOf } from "../../model/volume-data";
import { count, num, percent } from "../parts/format";
import { waiting } from "../teaching/captions";
import type { Step } from "../teaching/tour";
import { fits, partsAt } from "./points";
import { levelOf, nestedLevels } from "./state";

/** Of the tour. */
export const VOLUME_STEP: Step = {
  at: ".nbl-panel-surface",
  title: "The volume leads",
  look: "The isosurface is where the loss has the chosen level; inside it is lower. Every closed part holds a minimum ▼.",
  try: "Drag to turn it. Move the level until two parts join: there is a saddle. Press 1, 2 or 3 for slices.",
};

/** What the volume shows now. */
export function volumeCaption(store: Store): string {
  const volume = volumeOf(store);
  if (volume === null) return waiting(store, "The volume appears here once its first points are evaluated.");
  const level = levelOf(store, volume);
  const tree = store.tree.value;
  const [low, high] = volume.range;
  const parts = [
    `The isosurface is where the ${volume.data.quantity} is ${num(level)}; inside it is lower. It goes from ${num(low + volume.base)} to ${num(high + volume.base)}.`,
  ];
  if (fits(volume, tree)) {
    const inside = partsAt(tree, level);
    if (inside === 0) parts.push("No minimum lies below that level: raise it.");
    else
      parts.push(
        inside === 1
          ? "What lies below that level is connected: one part."
          : `What lies below that level falls into ${count(inside, "part", "parts")}: raise it until they join at a saddle.`,
      );
  }
  const [inner, outer] = nestedLevels(store, volume);
  if (!Number.isNaN(outer))
    parts.push(`As of glass: where it is ${num(outer)}, around what is solid at ${num(inner)}.`);
  const cuts = (store.view.value.volume?.slices ?? []).filter((at) => at !== null);
  if (cuts.length > 0) parts.push(`${count(cuts.length, "slice shows", "slices show")} the losses inside.`);
  if (volume.data.known < 1) parts.push(`Measured so far: ${percent(volume.data.known)} of the points.`);
  return parts.join(" ");
}
