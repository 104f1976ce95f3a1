import type { LiveGrid, LiveTree } from "../../model/store";
import { count, num } from "../parts/format";

/** The picture in words, for readers who do not see it. */
export function describe(grid: LiveGrid | null, tree: LiveTree | null): string {
  if (!grid) return "No surface yet.";
  const axis = (k: 0 | 1) => {
    const x = k === 0 ? grid.x0 : grid.x1;
    return `${grid.labels[k]} from ${num(x[0]!)} to ${num(x[x.length - 1]!)}`;
  };
  const parts = [
    `Surface of the ${grid.quantity} over ${axis(0)} and ${axis(1)}, ${grid.n0} by ${grid.n1} points.`,
  ];
  const [low, high] = grid.range;
  if (Number.isFinite(low)) parts.push(`Lowest ${num(low + grid.base)}, highest ${num(high + grid.base)}.`);
  if (tree) parts.push(`${count(tree.branches.length, "minimum", "minima")}.`);
  if (grid.state === "predicted") parts.push("Predicted from the eigenvalues, not measured.");
  if (grid.state === "partial")
    parts.push(`${Math.round(100 * grid.known)} percent of the points are measured.`);
  return parts.join(" ");
}
