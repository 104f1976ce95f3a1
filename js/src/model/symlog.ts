/** The symmetric logarithmic scale of losses (nblandscape/figures/scales.py). */

/** Linear within this share of the largest magnitude, logarithmic beyond it on both sides of 0. */
const LINEAR_SHARE = 1e-3;

/** Width about 0 within which a symmetric logarithmic scale of these losses is about linear. */
export function linearWidth(low: number, high: number): number {
  return LINEAR_SHARE * Math.max(Math.abs(low), Math.abs(high)) || 1;
}

/** The symmetric logarithm: odd, increasing, x / width near 0. */
export function symlog(loss: number, width: number): number {
  return Math.sign(loss) * Math.log1p(Math.abs(loss) / width);
}

export function inverseSymlog(value: number, width: number): number {
  return Math.sign(value) * Math.expm1(Math.abs(value)) * width;
}
