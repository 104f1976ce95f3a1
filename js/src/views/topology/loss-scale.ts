import type { Spec } from "../../model/protocol";
import type { Branch, LiveGrid } from "../../model/store";
import { inverseSymlog, linearWidth, symlog } from "../../model/symlog";
import { linearScale, logScale, type Scale, symlogScale } from "../parts/scales";

export interface LossScale extends Scale {
  low: number;
  high: number;
  log: boolean;
  /** The loss at a position 0…1. */
  value(position: number): number;
}

/** A scale of losses from the lowest birth to a little above the highest death; logarithmic only above zero. */
export function lossScale(
  shown: readonly Branch[],
  grid: Pick<LiveGrid, "base" | "range"> | null,
  scale: Spec["scale"],
): LossScale {
  let low = Number.POSITIVE_INFINITY;
  let top = Number.NEGATIVE_INFINITY;
  let merges = false;
  for (const { birth, death } of shown) {
    low = Math.min(low, birth);
    top = Math.max(top, birth, Number.isFinite(death) ? death : birth);
    merges ||= Number.isFinite(death);
  }
  const high = merges || grid === null ? top : grid.base + grid.range[1];
  if (scale === "symlog") return symmetric(low, high + 0.02 * (high - low || Math.abs(low) || 1));
  return scale === "log" && low > 0
    ? logarithmic(low, high > low ? high * (high / low) ** 0.08 : low * 1.02)
    : linear(low, high + 0.08 * (high - low || Math.abs(low) || 1));
}

const linear = (low: number, high: number): LossScale => ({
  ...linearScale(low, high),
  low,
  high,
  log: false,
  value: (at) => low + at * (high - low),
});

const symmetric = (low: number, high: number): LossScale => {
  const width = linearWidth(low, high);
  const [from, to] = [symlog(low, width), symlog(high, width)];
  return {
    ...symlogScale(low, high, width),
    low,
    high,
    log: false,
    value: (at) => inverseSymlog(from + at * (to - from), width),
  };
};

const logarithmic = (low: number, high: number): LossScale => ({
  ...logScale(low, high),
  low,
  high,
  log: true,
  value: (at) => low * (high / low) ** at,
});
