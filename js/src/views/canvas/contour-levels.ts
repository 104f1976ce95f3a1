import type { Scale } from "../../gl/engine";
import { linearTicks, logTicks, niceStep, symlogTicks } from "../parts/ticks";

export interface Levels {
  heights: number[];
  weights: number[];
}

const MAX_LEVELS = 16;

/** Contour lines at round losses; every fifth (or each power of ten) is a major one. */
export function contourLevels(range: readonly [number, number], base: number, scale: Scale): Levels {
  const low = range[0] + base;
  const high = range[1] + base;
  let losses: number[];
  let isMajor: (loss: number) => boolean;
  const decade = (loss: number) => {
    const exponent = Math.log10(Math.abs(loss));
    return loss === 0 || Math.abs(exponent - Math.round(exponent)) < 1e-6;
  };
  if (scale === "symlog") {
    losses = symlogTicks(low, high, MAX_LEVELS);
    isMajor = decade;
  } else if (scale === "log" && high / low >= 5) {
    losses = logTicks(low, high, MAX_LEVELS);
    isMajor = decade;
  } else {
    losses = linearTicks(low, high, 13).slice(0, MAX_LEVELS);
    const step = niceStep(high - low, 13);
    isMajor = (loss) => Math.abs(loss / (5 * step) - Math.round(loss / (5 * step))) < 1e-6;
  }
  return {
    heights: losses.map((loss) => loss - base),
    weights: losses.map((loss) => (isMajor(loss) ? 1 : 0)),
  };
}
