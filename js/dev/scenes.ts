/** Test surfaces with a real merge tree (union-find over sorted vertices, 8 neighbours) for the development page. */
import type { Branch, LiveGrid, LiveTree } from "../src/model/store";

export type Height = (x: number, y: number) => number;

export const himmelblau: Height = (x, y) => (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2;

function noise(seed: number): Height {
  const waves = Array.from({ length: 40 }, (_, k) => {
    const random = (i: number) => {
      const v = Math.sin(seed * 91.7 + k * 12.9898 + i * 78.233) * 43758.5453;
      return v - Math.floor(v);
    };
    const frequency = 0.6 + 4.5 * random(1);
    const angle = 2 * Math.PI * random(2);
    return [frequency * Math.cos(angle), frequency * Math.sin(angle), 6.3 * random(3), 0.55 / frequency];
  });
  return (x, y) => waves.reduce((s, [a, b, c, d]) => s + d! * Math.sin(a! * x + b! * y + c!), 0);
}

const rough = noise(3);
const soft = noise(8);

export const scenes: Record<
  string,
  { f: Height; n: [number, number]; span: [number, number]; labels: [string, string]; quantity: string }
> = {
  himmelblau: { f: himmelblau, n: [129, 129], span: [5, 5], labels: ["x", "y"], quantity: "f(x, y)" },
  noisy: {
    f: (x, y) => 0.35 * (x * x + 0.6 * y * y) + 0.42 * rough(1.6 * x, 1.6 * y) + 2.4,
    n: [129, 129],
    span: [3, 3],
    labels: ["displacement along v₁ (λ = 12.3)", "displacement along v₂ (λ = 4.56)"],
    quantity: "cross-entropy loss",
  },
  holes: {
    f: (x, y) =>
      (x - 1) ** 2 + (y + 0.6) ** 2 < 0.4 || (x < -2 && y > 1.4)
        ? Number.NaN
        : 0.4 * x * x + 0.7 * y * y + 0.5 * soft(1.3 * x, 1.3 * y) + 1.1,
    n: [97, 129],
    span: [3, 3],
    labels: ["displacement along v₁ (λ = 12.3)", "displacement along v₋₁ (λ = −0.41)"],
    quantity: "cross-entropy loss",
  },
  valley: {
    f: (x, y) =>
      0.002 + 12 * x * x * (1 + 0.3 * Math.sin(2 * y)) + 0.15 * y * y + 0.08 * soft(x * 2, y * 2) ** 2,
    n: [65, 65],
    span: [0.8, 3],
    labels: ["displacement along v₁ (λ = 24.1)", "displacement along v₂ (λ = 0.3)"],
    quantity: "cross-entropy loss",
  },
  tiny: { f: (x, y) => x * x - y * y, n: [5, 5], span: [1, 1], labels: ["x", "y"], quantity: "f" },
};

export function makeGrid(name: string, state: LiveGrid["state"] = "final"): LiveGrid {
  const { f, n, span, labels, quantity } = scenes[name]!;
  const [n0, n1] = n;
  const x0 = Float64Array.from({ length: n0 }, (_, i) => -span[0] + (2 * span[0] * i) / (n0 - 1));
  const x1 = Float64Array.from({ length: n1 }, (_, i) => -span[1] + (2 * span[1] * i) / (n1 - 1));
  const origin = n0 % 2 && n1 % 2 ? ((n0 - 1) / 2) * n1 + (n1 - 1) / 2 : null;
  const base = f(0, 0);
  const values = new Float32Array(n0 * n1);
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < n0; i++)
    for (let j = 0; j < n1; j++) {
      const v = f(x0[i]!, x1[j]!) - base;
      values[i * n1 + j] = v;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  const spec = {
    id: 1,
    axes: [0, 1] as [number, number],
    offset: { axis: null, value: 0 },
    span,
    points: n,
    scale: "linear" as const,
    threshold: 0,
  };
  return {
    spec,
    n0,
    n1,
    x0,
    x1,
    values,
    base,
    origin,
    labels,
    quantity,
    state,
    range: [low, high],
    revision: 1,
    known: state === "partial" ? 0.27 : 1,
  };
}

export function makeTree(grid: LiveGrid, threshold: number): LiveTree {
  const { n0, n1, values, base } = grid;
  const order = [...values.keys()]
    .filter((v) => !Number.isNaN(values[v]!))
    .sort((a, b) => values[a]! - values[b]! || a - b);
  const root = new Int32Array(values.length).fill(-1);
  const find = (v: number) => {
    while (root[v] !== v) v = root[v] = root[root[v]!]!;
    return v;
  };
  const died = new Map<number, { saddle: number; into: number }>();
  const steep = new Int32Array(values.length).fill(-1);
  for (const v of order) {
    root[v] = v;
    const i = Math.floor(v / n1);
    const j = v % n1;
    const roots = new Set<number>();
    let lowest = v;
    for (let a = Math.max(0, i - 1); a <= Math.min(n0 - 1, i + 1); a++)
      for (let b = Math.max(0, j - 1); b <= Math.min(n1 - 1, j + 1); b++) {
        const w = a * n1 + b;
        if (w === v || root[w]! < 0) continue;
        roots.add(find(w));
        if (values[w]! < values[lowest]!) lowest = w;
      }
    steep[v] = lowest === v ? v : steep[lowest]!;
    const sorted = [...roots].sort((a, b) => values[a]! - values[b]! || a - b);
    for (const other of sorted.slice(1)) {
      if (values[v]! - values[other]! > 0) died.set(other, { saddle: v, into: sorted[0]! });
      root[other] = sorted[0]!;
    }
    if (sorted.length) root[v] = sorted[0]!;
  }
  const minima = order.filter((v) => steep[v] === v);
  const persistence = (v: number) => (died.has(v) ? values[died.get(v)!.saddle]! - values[v]! : Infinity);
  const kept = minima
    .filter((v) => persistence(v) >= threshold)
    .sort((a, b) => persistence(b) - persistence(a));
  const row = new Map(kept.map((v, k) => [v, k]));
  const survivor = (v: number): number =>
    row.has(v) ? row.get(v)! : died.has(v) ? survivor(died.get(v)!.into) : 0;
  const basins = Int32Array.from(steep, (m) => (m < 0 ? -1 : survivor(m)));
  const branches: Branch[] = kept.map((v, k) => ({
    row: k,
    birthVertex: v,
    birth: values[v]! + base,
    deathVertex: died.get(v)?.saddle ?? -1,
    death: died.has(v) ? values[died.get(v)!.saddle]! + base : Infinity,
    persistence: persistence(v),
    parent: died.has(v) ? survivor(died.get(v)!.into) : -1,
    share: basins.reduce((s, b) => s + (b === k ? 1 : 0), 0) / order.length,
  }));
  const finite = branches.map((b) => b.persistence).filter(Number.isFinite);
  return {
    tree: {} as LiveTree["tree"],
    branches,
    total: minima.length,
    maxPersistence: Math.max(0, ...finite),
    basins,
    smad: 0,
  };
}
