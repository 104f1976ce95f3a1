// A state as `to_html` writes it, from Himmelblau's function and an invented spectrum: for looking at the views only.
import { gzipSync } from "node:zlib";

export const himmelblau = (x, y) => (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2;

const pack = (array) => {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return { $b: gzipSync(bytes).toString("base64"), gz: true };
};

/** Sublevel merge tree with full connectivity by union-find over sorted vertices. */
export function mergeTree(values, n0, n1) {
  const order = Array.from(values.keys()).filter((v) => Number.isFinite(values[v]));
  order.sort((a, b) => values[a] - values[b] || a - b);
  const root = new Int32Array(values.length).fill(-1);
  const label = new Int32Array(values.length).fill(-1);
  const find = (v) => {
    let r = v;
    while (root[r] !== r) r = root[r];
    while (root[v] !== r) [root[v], v] = [r, root[v]];
    return r;
  };
  const minima = [];
  const death = new Map();
  for (const v of order) {
    root[v] = v;
    const [i, j] = [Math.floor(v / n1), v % n1];
    const near = new Set();
    let steepest = -1;
    for (let di = -1; di <= 1; di++) {
      for (let dj = -1; dj <= 1; dj++) {
        const [a, b] = [i + di, j + dj];
        const w = a * n1 + b;
        if (a < 0 || b < 0 || a >= n0 || b >= n1 || w === v || root[w] < 0) continue;
        near.add(find(w));
        if (steepest < 0 || values[w] < values[steepest]) steepest = w;
      }
    }
    if (near.size === 0) {
      minima.push(v);
      label[v] = v;
      continue;
    }
    label[v] = label[steepest];
    const sorted = [...near].sort((a, b) => values[a] - values[b] || a - b);
    for (const r of sorted.slice(1)) {
      death.set(r, { vertex: v, parent: sorted[0] });
      root[r] = sorted[0];
    }
    root[v] = sorted[0];
  }
  const real = minima.filter((m) => !death.has(m) || values[death.get(m).vertex] > values[m]);
  const persistence = (m) => (death.has(m) ? values[death.get(m).vertex] - values[m] : Infinity);
  real.sort((a, b) => persistence(b) - persistence(a) || a - b);
  const row = new Map(real.map((m, i) => [m, i]));
  const up = (m) => (row.has(m) ? m : up(death.get(m).parent));
  return {
    birth_vertex: Uint32Array.from(real),
    death_vertex: Uint32Array.from(real, (m) => death.get(m)?.vertex ?? 0xffffffff),
    birth: Float64Array.from(real, (m) => values[m]),
    death: Float64Array.from(real, (m) => (death.has(m) ? values[death.get(m).vertex] : Infinity)),
    parent: Int32Array.from(real, (m) => (death.has(m) ? row.get(up(death.get(m).parent)) : -1)),
    beside: Int32Array.from(real, (m) => (death.has(m) ? row.get(up(death.get(m).parent)) : -1)),
    basins: Uint16Array.from(label, (m) => (m < 0 ? 0xffff : row.get(up(m)))),
  };
}

/** An invented error: a pair must exceed three times `noise` of the largest persistence. */
function support(tree, noise) {
  const persistence = tree.birth.map((b, i) => tree.death[i] - b);
  const most = Math.max(...persistence.filter(Number.isFinite), 0);
  const stderr = persistence.map((_, i) => noise * most * (0.6 + 0.4 * Math.sin(7 * i + 1)));
  const supported = Uint8Array.from(persistence, (p, i) => (p > 3 * stderr[i] ? 1 : 0));
  const frequency = persistence.map((p, i) => 1 - Math.exp(-p / (stderr[i] || 1)));
  const columns = { supported, stderr, residual: stderr.map((e) => e / 5), frequency };
  return {
    ...Object.fromEntries(Object.entries(columns).map(([k, v]) => [k, pack(v)])),
    proposed: 3.4 * noise * most,
    reason: "the widest gap among the persistences lies there, above three standard errors",
  };
}

export function frame(spec, f, noise = 0) {
  const [n0, n1] = spec.points;
  const axis = (n, half) => Float64Array.from({ length: n }, (_, i) => -half + (2 * half * i) / (n - 1));
  const [x0, x1] = [axis(n0, spec.span[0]), axis(n1, spec.span[1])];
  const losses = new Float64Array(n0 * n1);
  x0.forEach((x, i) => {
    x1.forEach((y, j) => {
      losses[i * n1 + j] = f(x, y, spec.offset.value);
    });
  });
  const base = f(0, 0, 0);
  const tree = mergeTree(losses, n0, n1);
  const surface = {
    id: spec.id,
    spec,
    shape: [n0, n1],
    x0: pack(x0),
    x1: pack(x1),
    values: pack(Float32Array.from(losses, (v) => v - base)),
    base,
    origin: spec.offset.value === 0 ? ((n0 - 1) / 2) * n1 + (n1 - 1) / 2 : null,
    labels: ["along v₁ (λ = 41.6)", "along v₋₁ (λ = −2.31)"],
    quantity: "cross-entropy loss",
    holes: losses.filter((v) => !Number.isFinite(v)).length,
    seconds: 3.21,
  };
  const columns = Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, pack(v)]));
  const known = noise > 0 ? support(tree, noise) : {};
  return {
    spec,
    surface,
    tree: { id: spec.id, shape: [n0, n1], basins_type: "uint16", ...columns, ...known },
  };
}

export function state({
  f = (x, y, c) => himmelblau(x, y) / 100 + 0.4 * c * c + 0.2,
  span = [5, 5],
  points = 65,
  frames = true,
  noise = 0,
  view = {},
  scale = "linear",
  threshold = 0,
} = {}) {
  const spec = {
    id: 1,
    axes: [0, -1],
    offset: { axis: null, value: 0 },
    span,
    points: [points, points],
    scale,
    threshold,
  };
  const main = frame(spec, f, noise);
  const others = frames
    ? [-2, -1, 1, 2].map((value) => frame({ ...spec, offset: { axis: 2, value } }, f))
    : [];
  const values = [41.6, 17.3, 9.02, 3.4, 0.31, -0.08, -0.64, -2.31];
  return {
    spec,
    source: {
      kind: "objective",
      title: "DigitsMLP",
      subtitle: "5 514 parameters · CrossEntropyLoss · 1 437 samples",
      variable: "objective",
      can_choose_axes: true,
      can_resample: true,
      center: [0, 0],
      span_limits: [0.05, 50],
      points_choices: [17, 33, 65, 129, 257],
      notice: "",
    },
    spectrum: {
      values,
      residuals: [0.002, 0.004, 0.01, 0.02, 0.18, 0.09, 0.04, 0.006],
      converged: values.map((_, i) => i < 4 || i > 5),
      resolved: values.map((_, i) => i < 4 || i > 5),
      slopes: values.map((v) => v * 1e-3),
      loss: main.surface.base,
      norm: 41.6,
      gradient_norm: 0.021,
      parameters: 5514,
      products: 62,
      largest: 5,
      smallest: 3,
      complete: true,
    },
    surface: main.surface,
    tree: main.tree,
    status: {
      id: 1,
      lane: "surface",
      phase: "done",
      done: points ** 2,
      total: points ** 2,
      eta: null,
      message: "",
    },
    selection: { kind: "none", vertex: null, coordinates: null, loss: null },
    view,
    height: "640px",
    frames: frames ? [main, ...others] : [],
  };
}
