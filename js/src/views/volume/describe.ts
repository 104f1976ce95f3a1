import type { LiveTree } from "../../model/store";
import { endsOf, type LiveVolume } from "../../model/volume-data";
import { count, num } from "../parts/format";
import { fits, partsAt } from "./points";

/** The picture in words, for readers who do not see it. */
export function describeVolume(volume: LiveVolume, tree: LiveTree | null, level: number): string {
  const { labels, quantity, known } = volume.data;
  const axes = labels.map(
    (label, k) =>
      `${label} from ${endsOf(volume, k)
        .map((x) => num(x))
        .join(" to ")}`,
  );
  const [low, high] = volume.range;
  const parts = [
    `Isosurface of the ${quantity} over ${axes.slice(0, 2).join(", ")} and ${axes[2]}, ${volume.shape.join(" by ")} points.`,
    `Lowest ${num(low + volume.base)}, highest ${num(high + volume.base)}.`,
  ];
  if (fits(volume, tree)) {
    const inside = partsAt(tree, level);
    parts.push(
      `At the level ${num(level)} ${count(inside, "part", "parts")} of ${count(tree.branches.length, "minimum", "minima")}.`,
    );
  }
  if (known < 1) parts.push(`${Math.round(100 * known)} percent of the points are measured.`);
  return parts.join(" ");
}
