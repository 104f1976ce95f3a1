import type { TreeData } from "../model/protocol";
import { view } from "./samples";

/** Sublevel merge tree with full connectivity by union-find over sorted vertices, as plain as it can be; basins spill into parents. */
export function sublevelTree(values: Float32Array, n0: number, n1: number, base = 0): TreeData {
  const before = (a: number, b: number) => values[a]! - values[b]! || a - b;
  const order = [...values.keys()].filter((v) => !Number.isNaN(values[v]!)).sort(before);
  const component = new Map<number, number>();
  const find = (v: number): number => {
    let root = v;
    while (component.get(root) !== root) root = component.get(root)!;
    for (let at = v; at !== root; ) {
      const up = component.get(at)!;
      component.set(at, root);
      at = up;
    }
    return root;
  };
  const label = new Int32Array(values.length).fill(-1);
  const death = new Map<number, { vertex: number; parent: number }>();
  const minima: number[] = [];
  for (const v of order) {
    const [i, j] = [Math.floor(v / n1), v % n1];
    const near: number[] = [];
    for (let a = Math.max(0, i - 1); a <= Math.min(n0 - 1, i + 1); a++)
      for (let b = Math.max(0, j - 1); b <= Math.min(n1 - 1, j + 1); b++)
        if (component.has(a * n1 + b)) near.push(a * n1 + b);
    component.set(v, v);
    if (near.length === 0) {
      minima.push(v);
      label[v] = v;
      continue;
    }
    near.sort(before);
    label[v] = label[near[0]!]!;
    const roots = [...new Set(near.map(find))].sort(before);
    for (const root of roots.slice(1)) {
      death.set(root, { vertex: v, parent: roots[0]! });
      component.set(root, roots[0]!);
    }
    component.set(v, roots[0]!);
  }
  const persistence = (m: number) =>
    death.has(m) ? values[death.get(m)!.vertex]! - values[m]! : Number.POSITIVE_INFINITY;
  // A component of no persistence is no minimum of the sampled function.
  const real = minima.filter((m) => persistence(m) > 0);
  real.sort((a, b) => persistence(b) - persistence(a) || before(a, b));
  const row = new Map(real.map((m, k) => [m, k]));
  const up = (m: number): number => row.get(m) ?? up(death.get(m)!.parent);
  const parent = view(Int32Array.from(real, (m) => (death.has(m) ? up(death.get(m)!.parent) : -1)));
  return {
    id: 1,
    shape: [n0, n1],
    birth_vertex: view(Uint32Array.from(real)),
    death_vertex: view(Uint32Array.from(real, (m) => death.get(m)?.vertex ?? 0xffffffff)),
    birth: view(Float64Array.from(real, (m) => base + values[m]!)),
    death: view(
      Float64Array.from(real, (m) => {
        const end = death.get(m);
        return end === undefined ? Number.POSITIVE_INFINITY : base + values[end.vertex]!;
      }),
    ),
    parent,
    beside: parent,
    basins: view(Uint32Array.from(label, (m) => (m < 0 ? 0xffffffff : up(m)))),
    basins_type: "uint32",
  };
}
