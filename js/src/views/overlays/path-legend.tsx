import { css } from "../../gl/paint-box";
import { num } from "../parts/format";
import { isDashed, pathColor } from "./lines";
import type { DrawnPath } from "./paths";

/** Nothing where it was never evaluated. */
const lossOf = (loss: number) => (Number.isNaN(loss) ? "" : `loss ${num(loss)}`);

/** Which line is which run, where it ends, and how far that is from what the surface shows. */
export function PathLegend({ paths }: { paths: readonly DrawnPath[] }) {
  if (paths.length === 0) return null;
  return (
    <ul class="nbl-path-legend" aria-label="Paths">
      {paths.map((path, k) => {
        const last = path.losses.length - 1;
        const off = path.distance[last]!;
        return (
          <li key={k}>
            <svg width="22" height="10" aria-hidden="true">
              {path.kind === "trajectory" && (
                <path
                  d="M1,5H18"
                  stroke={css(pathColor(k))}
                  stroke-width="2.5"
                  stroke-dasharray={isDashed(k) ? "5 3" : undefined}
                />
              )}
              <circle class="nbl-path-end" cx="18" cy="5" r="3.2" />
            </svg>
            <b>{path.label}</b>{" "}
            <span class="nbl-select-text">
              {lossOf(path.losses[last]!)}
              {off > 1e-6 && (
                <span title="Distance of its end from the plane: the surface shows its projection">
                  {Number.isNaN(path.losses[last]!) ? "" : ", "}off the plane by {num(off, 3)}
                </span>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
