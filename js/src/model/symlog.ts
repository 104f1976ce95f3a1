/** The symmetric logarithmic scale of losses (nblandscape/figures/scales.py). */

/** Linear within this share of the largest magnitude, logarithmic beyond it on both sides of 0. */
const LINEAR_SHARE = 1e-3;

/** Losses over a smaller width could be too large for a number. */
const LEAST_WIDTH = 1e-290;

/** Width about 0 within which a symmetric logarithmic scale of these losses is about linear. */
export function linearWidth(low: number, high: number): number {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  return largest > 0 ? Math.max(LINEAR_SHARE * largest, LEAST_WIDTH) : 1;
}

/** The symmetric logarithm: odd, increasing, x / width near 0. */
export function symlog(loss: number, width: number): number {
  return Math.sign(loss) * Math.log1p(Math.abs(loss) / width);
}

export function inverseSymlog(value: number, width: number): number {
  return Math.sign(value) * Math.expm1(Math.abs(value)) * width;
}
