import type { Branch } from "../../model/store";

/** Heights at which branches that are not drawn merge into those that are, by the row of the latter. */
export function hiddenMerges(branches: readonly Branch[], drawn: number): Map<number, number[]> {
  const out = new Map<number, number[]>();
  /** The drawn branch that each one belongs to; parents come before their children. */
  const home = new Map<number, number>();
  branches.forEach((branch, rank) => {
    if (rank < drawn) {
      home.set(branch.row, branch.row);
      return;
    }
    const row = home.get(branch.parent);
    if (row === undefined) return;
    home.set(branch.row, row);
    const heights = out.get(row);
    if (heights === undefined) out.set(row, [branch.death]);
    else heights.push(branch.death);
  });
  return out;
}

/** Short strokes on the drawn branches where others merge; one per pixel is enough. */
export function stubsPath(
  merges: ReadonlyMap<number, readonly number[]>,
  x: (row: number) => number,
  y: (loss: number) => number,
): string {
  let path = "";
  for (const [row, heights] of merges) {
    const left = (x(row) - 2.5).toFixed(1);
    for (const at of new Set(heights.map((loss) => Math.round(y(loss))))) path += `M${left},${at}h5`;
  }
  return path;
}
