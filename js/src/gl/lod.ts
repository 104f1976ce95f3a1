/**
 * How much detail to draw while the view moves: the most whose picture is expected to take at most 33 ms.
 * Costs are measured; those of other levels follow from the nearest measured one.
 */

export const FRAME_BUDGET = 33;

export interface Detail {
  /** Stride of the nested grid: 1, 2, 4, … */
  stride: number;
  /** Share of the canvas's resolution. Less helps where pixels are the cost: without a GPU. */
  scale: number;
}

export const FULL: Detail = { stride: 1, scale: 1 };

export interface Lod {
  /** From the finest to the coarsest. */
  details: readonly Detail[];
  /** Milliseconds that each took last, NaN = not measured. */
  cost: Float64Array;
}

export function createLod(n0: number, n1: number): Lod {
  const details: Detail[] = [FULL];
  const coarsest = (stride: number) => Math.min(n0 - 1, n1 - 1) / stride >= 24;
  let stride = 1;
  for (const scale of [1, 0.71, 0.5, 0.36]) {
    if (coarsest(stride * 2)) stride *= 2;
    details.push({ stride, scale });
  }
  for (; coarsest(stride * 2); stride *= 2) details.push({ stride: stride * 2, scale: 0.36 });
  return { details, cost: new Float64Array(details.length).fill(Number.NaN) };
}

/** Enters a measurement. A slower one counts at once, a faster one pulls the estimate down slowly. */
export function measured(lod: Lod, detail: Detail, milliseconds: number): void {
  const k = lod.details.indexOf(detail);
  if (k < 0) return;
  const last = lod.cost[k]!;
  lod.cost[k] = last > milliseconds ? 0.6 * last + 0.4 * milliseconds : milliseconds;
  // After a fast picture the next finer level earns another chance, however slow it once was.
  if (k > 0 && milliseconds < FRAME_BUDGET) lod.cost[k - 1] = lod.cost[k - 1]! * 0.98;
}

/** Expected cost of level k from its own measurement, else from the nearest measured level. */
function expected(lod: Lod, k: number): number {
  if (!Number.isNaN(lod.cost[k]!)) return lod.cost[k]!;
  for (let away = 1; away < lod.details.length; away++) {
    for (let other = k - away; other <= k + away; other += 2 * away) {
      const cost = lod.cost[other];
      if (cost === undefined || Number.isNaN(cost)) continue;
      // Half from one level to the next; optimistic towards the finer ones.
      return other > k ? cost * 1.6 ** away : cost * 0.5 ** away;
    }
  }
  return 0;
}

export function movingDetail(lod: Lod): Detail {
  for (let k = 0; k < lod.details.length; k++) {
    if (expected(lod, k) <= FRAME_BUDGET) return lod.details[k]!;
  }
  return lod.details[lod.details.length - 1]!;
}

/** Triangles of one nested level. The last row and column always belong to it. */
export function levelIndices(n0: number, n1: number, stride: number): Uint32Array {
  const rows = steps(n0, stride);
  const columns = steps(n1, stride);
  const indices = new Uint32Array(Math.max(0, rows.length - 1) * Math.max(0, columns.length - 1) * 6);
  let at = 0;
  for (let r = 0; r + 1 < rows.length; r++) {
    for (let c = 0; c + 1 < columns.length; c++) {
      const a = rows[r]! * n1 + columns[c]!;
      const b = rows[r + 1]! * n1 + columns[c]!;
      const right = rows[r]! * n1 + columns[c + 1]!;
      const d = rows[r + 1]! * n1 + columns[c + 1]!;
      indices[at++] = a;
      indices[at++] = b;
      indices[at++] = d;
      indices[at++] = a;
      indices[at++] = d;
      indices[at++] = right;
    }
  }
  return indices;
}

function steps(n: number, stride: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < n - 1; i += stride) out.push(i);
  out.push(n - 1);
  return out;
}
