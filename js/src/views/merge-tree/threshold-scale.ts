/** Slider positions 0…1 of persistence thresholds: 0 is zero, the rest logarithmic over the persistences present. */
interface ThresholdScale {
  toThreshold(position: number): number;
  toPosition(threshold: number): number;
}

/** Decades below the largest persistence that the slider resolves at most. */
const DECADES = 5;

export function thresholdScale(persistences: readonly number[], max: number): ThresholdScale {
  const top = max > 0 ? max * 1.05 : 1;
  let least = top;
  for (const p of persistences) if (p > 0 && p < least) least = p;
  const low = Math.max(Math.min(least * 0.8, top * 0.1), top * 10 ** -DECADES);
  const ratio = Math.log(top / low);
  return {
    toThreshold: (p) => (p <= 0 ? 0 : Number((low * Math.exp(ratio * Math.min(p, 1))).toPrecision(4))),
    toPosition: (t) => (t <= low ? 0 : Math.min(1, Math.log(t / low) / ratio)),
  };
}
