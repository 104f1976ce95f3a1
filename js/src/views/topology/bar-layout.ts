import type { Branch } from "../../model/store";
import type { LossScale } from "./loss-scale";

/** Pixels from bar to bar, at most and at least. */
const WIDE = 22;
const NARROW = 5;
/** Height of the strip that holds what has no row of its own. */
export const STRIP = 20;

/** How many bars have a row of their own, and how high a row is. */
interface Rows {
  count: number;
  pitch: number;
}

export function barRows(branches: number, height: number): Rows {
  const room = Math.max(height, NARROW);
  if (branches * NARROW <= room)
    return { count: branches, pitch: Math.min(WIDE, room / Math.max(branches, 1)) };
  const count = Math.max(1, Math.floor((room - STRIP) / NARROW));
  return { count, pitch: Math.max((room - STRIP) / count, 1) };
}

/** What a line of pixels of the strip stands for: a run of branches, from the lowest birth to the highest death. */
interface Run {
  first: Branch;
  count: number;
  from: number;
  to: number;
}

export function stripRuns(hidden: readonly Branch[], lines: number, scale: LossScale): Run[] {
  const runs: Run[] = [];
  const n = Math.min(lines, hidden.length);
  for (let k = 0; k < n; k++) {
    const [start, end] = [Math.floor((k * hidden.length) / n), Math.floor(((k + 1) * hidden.length) / n)];
    const run: Run = { first: hidden[start]!, count: end - start, from: 1, to: 0 };
    for (let i = start; i < end; i++) {
      run.from = Math.min(run.from, Math.max(scale.at(hidden[i]!.birth), 0));
      run.to = Math.max(run.to, Math.min(scale.at(hidden[i]!.death), 1));
    }
    runs.push(run);
  }
  return runs;
}
