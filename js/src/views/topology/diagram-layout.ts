import type { Branch } from "../../model/store";
import type { LossScale } from "./loss-scale";

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Dot {
  branch: Branch;
  x: number;
  y: number;
}

/** Places of the pairs: births to the right, deaths up, those that never die on a line above all. */
export function placeDots(
  branches: readonly Branch[],
  scale: LossScale,
  frame: Frame,
  infinity: number,
): Dot[] {
  const at = (loss: number) => Math.min(Math.max(scale.at(loss), 0), 1);
  return branches.map((branch) => ({
    branch,
    x: frame.left + (frame.right - frame.left) * at(branch.birth),
    y: Number.isFinite(branch.death)
      ? frame.bottom - (frame.bottom - frame.top) * at(branch.death)
      : infinity,
  }));
}

/** The nearest dot within `reach` pixels; of equally near ones the most persistent, which comes first. */
export function nearestDot(dots: readonly Dot[], x: number, y: number, reach: number): Dot | null {
  let best: Dot | null = null;
  let least = reach * reach;
  for (const dot of dots) {
    const square = (dot.x - x) ** 2 + (dot.y - y) ** 2;
    if (square < least) [best, least] = [dot, square];
  }
  return best;
}

/** The line of equal persistence as a path, straight on a linear scale and bent on a logarithmic one. */
export function persistenceLine(scale: LossScale, frame: Frame, persistence: number): string {
  const steps = scale.log ? 48 : 1;
  const points: string[] = [];
  for (let k = 0; k <= steps; k++) {
    const position = k / steps;
    const death = scale.value(position) + persistence;
    const up = scale.at(death);
    const [x, y] = up > 1 ? [scale.at(scale.value(1) - persistence), 1] : [position, up];
    if (!Number.isFinite(x) || x < 0) continue;
    points.push(
      `${(frame.left + (frame.right - frame.left) * x).toFixed(1)},${(frame.bottom - (frame.bottom - frame.top) * y).toFixed(1)}`,
    );
    if (up > 1) break;
  }
  return points.length > 1 ? `M${points.join("L")}` : "";
}
