import type { Frame, Spec } from "../model/protocol";
import { originOf } from "../model/spec";

const offsetOf = (spec: Spec) =>
  spec.offset.axis === null || spec.offset.value === 0 ? { axis: null, value: 0 } : spec.offset;

const octaves = (a: number, b: number) => Math.abs(Math.log2(a / b));

/** How unlike two windows are: another origin outweighs any direction, another direction outweighs any offset, an offset any size, a size any resolution. */
function distance(a: Spec, b: Spec, offsetUnit: number): number {
  const [p, q] = [offsetOf(a), offsetOf(b)];
  let d = originOf(a) === originOf(b) ? 0 : 1e9;
  for (const i of [0, 1] as const) {
    if (a.axes[i] !== b.axes[i]) d += 1e6;
    d += octaves(a.span[i], b.span[i]) + 0.01 * octaves(a.points[i], b.points[i]);
  }
  if (p.axis !== q.axis && p.axis !== null && q.axis !== null) d += 1e4;
  return d + (10 * Math.abs(p.value - q.value)) / offsetUnit;
}

export function nearestFrame(frames: readonly Frame[], wanted: Spec): Frame | null {
  const unit = Math.max(...frames.map((f) => Math.abs(offsetOf(f.spec).value)), 0) || 1;
  let best: Frame | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const frame of frames) {
    const d = distance(frame.spec, wanted, unit);
    if (d < least) [best, least] = [frame, d];
  }
  return best;
}
