import { useSignalEffect } from "@preact/signals";
import type { ComparisonStore } from "../../model/comparison";
import { type LinkedPlace, readAt } from "../../model/linked-place";
import { num, point } from "../parts/format";

/** "5.45 ± 0.02", or why there is no loss. */
function lossAt({ members }: ComparisonStore, place: LinkedPlace, k: number): string {
  const grid = members[k]!.store.grid.value;
  const { loss, stderr } = readAt(grid, place);
  if (grid === null) return "not computed";
  if (Number.isNaN(loss)) {
    const inside = [grid.x0, grid.x1].every((x, axis) => {
      const at = place.coordinates[axis as 0 | 1];
      return at >= x[0]! && at <= x[x.length - 1]!;
    });
    return inside ? "not finite" : "outside the window";
  }
  const error = Number.isNaN(stderr) ? "" : ` ± ${num(stderr, 2)}`;
  return `${num(loss, 6)}${error}${grid.state === "predicted" ? " predicted" : ""}`;
}

/** The losses of all at the place that is pointed at or selected on one of them. */
export function PlaceRow({ comparison }: { comparison: ComparisonStore }) {
  const { members, announcement } = comparison;
  const place = comparison.place.value;
  useSignalEffect(() => {
    const chosen = comparison.place.value;
    if (chosen === null || chosen.hovered) return;
    const all = members.map(({ name }, k) => `${name} ${lossAt(comparison, chosen, k)}`);
    announcement.value = `At ${point(chosen.coordinates)}: ${all.join(", ")}.`;
  });
  return (
    <div class="nbl-comparison-row nbl-comparison-place">
      {place === null ? (
        <span class="nbl-panel-note">
          Point at a surface, or select a place of it: it is marked on all, with their losses here.
        </span>
      ) : (
        <dl class="nbl-select-text">
          <div>
            <dt>{place.hovered ? "here" : "selected"}</dt>
            <dd>{point(place.coordinates)}</dd>
          </div>
          {members.map(({ name }, k) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{lossAt(comparison, place, k)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
