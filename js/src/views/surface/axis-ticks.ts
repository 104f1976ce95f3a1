import type { Camera } from "../../gl/camera";
import type { Grid, Scale } from "../../gl/engine";
import { type AxisTicks, tickCounts } from "../canvas/axes";
import { linearTicks, lossTicks } from "../parts/ticks";

const SCALES: readonly Scale[] = ["linear", "log", "symlog"];

/**
 * As many round numbers as the box edges have room for; `range` holds heights (loss - base). While their
 * numbers stay the same, so do the arrays: a rotation makes few new ones.
 */
export function createAxisTicks() {
  const counts = new Int32Array(3);
  const last = new Float64Array(11);
  const next = new Float64Array(11);
  let ticks: AxisTicks | null = null;
  return (
    camera: Camera,
    grid: Grid,
    range: readonly [number, number],
    base: number,
    scale: Scale,
  ): AxisTicks => {
    tickCounts(camera, counts);
    const [across, deep, up] = [counts[0]!, counts[1]!, counts[2]!];
    next.set(counts);
    next.set(grid.x0, 3);
    next.set(grid.x1, 5);
    next.set(range, 7);
    next[9] = base;
    next[10] = SCALES.indexOf(scale);
    if (ticks !== null && next.every((value, k) => value === last[k])) return ticks;
    last.set(next);
    const losses = lossTicks(range[0] + base, range[1] + base, scale, up);
    ticks = {
      x: linearTicks(grid.x0[0], grid.x0[1], across),
      y: linearTicks(grid.x1[0], grid.x1[1], deep),
      z: losses.map((loss) => loss - base),
      losses,
    };
    return ticks;
  };
}
