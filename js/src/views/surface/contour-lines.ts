import type { LiveGrid } from "../../model/store";

type Field = Pick<LiveGrid, "n0" | "n1" | "x0" | "x1" | "values">;

/** A contour line: x and y of its points in turn; closed lines repeat their first point. */
type Contour = Float64Array;

/**
 * The lines on which a height field, linear in the triangles that are drawn, has a height. Each ends at the
 * border, at a hole, or in itself. `stride` takes every so-many-th vertex only.
 */
export function contourLines(field: Field, level: number, stride = 1): Contour[] {
  const { n0, n1, values } = field;
  /** Edges of triangles that the line crosses, each with its one or two neighbours. */
  const links = new Map<number, number[]>();
  const join = (e: number, f: number) => {
    for (const [at, to] of [
      [e, f],
      [f, e],
    ] as const) {
      const known = links.get(at);
      if (known === undefined) links.set(at, [to]);
      else known.push(to);
    }
  };
  const triangle = (p: number, q: number, r: number, pq: number, qr: number, pr: number) => {
    const [a, b, c] = [values[p]! >= level, values[q]! >= level, values[r]! >= level];
    if (a === b && b === c) return;
    if (Number.isNaN(values[p]! + values[q]! + values[r]!)) return;
    if (a === b) join(qr, pr);
    else if (b === c) join(pq, pr);
    else join(pq, qr);
  };
  for (let i = 0; i + stride < n0; i += stride) {
    for (let j = 0; j + stride < n1; j += stride) {
      const a = i * n1 + j;
      const b = a + stride * n1;
      const c = a + stride;
      const d = b + stride;
      triangle(a, b, d, 3 * a, 3 * b + 1, 3 * a + 2);
      triangle(a, d, c, 3 * a + 2, 3 * c, 3 * a + 1);
    }
  }
  const steps = [stride * n1, stride, stride * n1 + stride];
  const place = (edge: number, out: number[]) => {
    const from = Math.floor(edge / 3);
    const to = from + steps[edge % 3]!;
    const t = (level - values[from]!) / (values[to]! - values[from]!);
    const [i, k] = [Math.floor(from / n1), Math.floor(to / n1)];
    const [x, y] = [field.x0[i]!, field.x1[from - i * n1]!];
    out.push(x + t * (field.x0[k]! - x), y + t * (field.x1[to - k * n1]! - y));
  };
  const lines: Contour[] = [];
  const follow = (start: number) => {
    const points: number[] = [];
    let [before, at] = [-1, start];
    while (true) {
      place(at, points);
      const neighbours = links.get(at)!;
      links.delete(at);
      const next = neighbours.find((e) => e !== before && links.has(e));
      if (next === undefined) {
        if (neighbours.includes(start) && points.length > 4) points.push(points[0]!, points[1]!);
        break;
      }
      [before, at] = [at, next];
    }
    lines.push(Float64Array.from(points));
  };
  for (const [edge, neighbours] of [...links]) {
    if (neighbours.length === 1 && links.has(edge)) follow(edge);
  }
  for (const edge of [...links.keys()]) if (links.has(edge)) follow(edge);
  return lines;
}
