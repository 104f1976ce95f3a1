import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { randomGrid } from "../testing/engine-samples";
import { random } from "../testing/random";
import { createIsosurface, type Isosurface } from "./isosurface";
import { sliceOf, trilinear, type VolumeGrid } from "./volume";

function sampled(n: number, f: (x: number, y: number, z: number) => number): VolumeGrid {
  const values = new Float32Array(n ** 3);
  const at = (i: number) => (2 * i) / (n - 1) - 1;
  for (let v = 0; v < values.length; v++)
    values[v] = f(at(Math.floor(v / n / n)), at(Math.floor(v / n) % n), at(v % n));
  return { shape: [n, n, n], values };
}

const sphere = (x: number, y: number, z: number) => Math.hypot(x, y, z);

function made(grid: VolumeGrid, level: number, stride = 1): Isosurface {
  const surface = createIsosurface(grid);
  surface.begin(level, stride);
  while (!surface.advance(0));
  return surface;
}

/** Area and enclosed volume in a box of side 2, by triangles and the divergence theorem. */
function measures(s: Isosurface, n: number): [number, number] {
  const scale = 2 / (n - 1);
  const point = (v: number) => [0, 1, 2].map((k) => s.vertices[4 * s.indices[v]! + k]! * scale - 1);
  let [area, volume] = [0, 0];
  for (let t = 0; t < s.indexCount; t += 3) {
    const [p, q, r] = [point(t), point(t + 1), point(t + 2)] as [number[], number[], number[]];
    const u = q.map((x, k) => x - p[k]!);
    const w = r.map((x, k) => x - p[k]!);
    const cross = [0, 1, 2].map((k) => u[(k + 1) % 3]! * w[(k + 2) % 3]! - u[(k + 2) % 3]! * w[(k + 1) % 3]!);
    area += Math.hypot(...cross) / 2;
    volume += cross.reduce((sum, x, k) => sum + x * p[k]!, 0) / 6;
  }
  return [area, volume];
}

/** Directed edges with how often they occur, and V - E + F of what is used. */
function topology(s: Isosurface): { directed: Map<string, number>; euler: number } {
  const directed = new Map<string, number>();
  const undirected = new Set<string>();
  for (let t = 0; t < s.indexCount; t += 3) {
    for (let k = 0; k < 3; k++) {
      const [a, b] = [s.indices[t + k]!, s.indices[t + ((k + 1) % 3)]!];
      directed.set(`${a} ${b}`, (directed.get(`${a} ${b}`) ?? 0) + 1);
      undirected.add(a < b ? `${a} ${b}` : `${b} ${a}`);
    }
  }
  return { directed, euler: s.vertexCount - undirected.size + s.indexCount / 3 };
}

it("has the area and volume of a sphere in the limit", () => {
  const errors = [17, 33, 65].map((n) => {
    const [area, volume] = measures(made(sampled(n, sphere), 0.7), n);
    return [Math.abs(area / (4 * Math.PI * 0.49) - 1), Math.abs(volume / ((4 / 3) * Math.PI * 0.343) - 1)];
  });
  for (const k of [0, 1]) {
    // Second order: a quarter with every halving.
    expect(errors[1]![k]!).toBeLessThan(0.35 * errors[0]![k]!);
    expect(errors[2]![k]!).toBeLessThan(0.35 * errors[1]![k]!);
    expect(errors[2]![k]!).toBeLessThan(2e-3);
  }
});

it("is closed and oriented: every edge once each way; 2 for a sphere, 0 for a torus", () => {
  const torus = (x: number, y: number, z: number) => Math.hypot(Math.hypot(x, y) - 0.6, z);
  for (const [f, level, euler] of [
    [sphere, 0.7, 2],
    [torus, 0.22, 0],
  ] as const) {
    for (const stride of [1, 2]) {
      const found = topology(made(sampled(29, f), level, stride));
      expect(found.euler).toBe(euler);
      for (const [key, count] of found.directed) {
        expect(count).toBe(1);
        expect(found.directed.get(key.split(" ").reverse().join(" "))).toBe(1);
      }
    }
  }
});

it("has normals that point outwards and are those of the sphere", () => {
  const s = made(sampled(33, sphere), 0.7);
  const packed = new Int32Array(s.vertices.buffer);
  for (let v = 0; v < s.vertexCount; v++) {
    const word = packed[4 * v + 3]!;
    const normal = [word << 22, word << 12, word << 2].map((bits) => (bits >> 22) / 511);
    const place = [0, 1, 2].map((k) => s.vertices[4 * v + k]! / 16 - 1);
    const cosine = normal.reduce((sum, x, k) => sum + x * place[k]!, 0) / Math.hypot(...place);
    expect(cosine).toBeGreaterThan(0.995);
  }
});

const STEPS = [1, 2, 3, 4, 5, 6, 7].map((s) => [s >> 2, (s >> 1) & 1, s & 1] as const);

/** Union-find over those edges of Freudenthal's graph whose ends are inside: the oracle, without tetrahedra. */
function partsInside({ shape, values }: VolumeGrid, level: number): Map<number, number> {
  const root = new Map<number, number>();
  const find = (v: number): number => (root.get(v) === v ? v : find(root.get(v)!));
  values.forEach((value, v) => {
    if (value <= level) root.set(v, v);
  });
  const [n0, n1, n2] = shape;
  for (const v of root.keys()) {
    const [i, j, k] = [Math.floor(v / n1 / n2), Math.floor(v / n2) % n1, v % n2];
    for (const [a, b, c] of STEPS) {
      if (i + a >= n0 || j + b >= n1 || k + c >= n2) continue;
      const w = ((i + a) * n1 + j + b) * n2 + k + c;
      if (root.has(w)) root.set(find(v), find(w));
    }
  }
  return new Map([...root.keys()].map((v) => [v, find(v)]));
}

it("separates what the triangulation's graph separates, and joins what it joins, with and without holes", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const next = random(seed);
    const shape = [4, 5, 6].map((n) => n + Math.floor(3 * next())) as [number, number, number];
    const noise = randomGrid(shape[0], shape[1] * shape[2], seed, seed % 2 ? 0.08 : 0);
    const grid: VolumeGrid = { shape, values: noise.values };
    const level = 0.15 + 0.5 * next();
    const parts = partsInside(grid, level);
    const s = made(grid, level);
    // The vertices of one triangle lie around one part, and so do those of one piece of the surface.
    for (let t = 0; t < s.indexCount; t += 3) {
      const roots = [0, 1, 2].map((k) => parts.get(s.inner[s.indices[t + k]!]!));
      expect(roots[0]).toBeDefined();
      expect(roots).toEqual([roots[0], roots[0], roots[0]]);
    }
    // Every part that the surface can bound (it has an edge to the outside in a tetrahedron without holes) is there.
    const bounded = new Set<number>();
    for (let v = 0; v < s.vertexCount; v++) bounded.add(parts.get(s.inner[v]!)!);
    if (seed % 2 === 0) expect(bounded.size).toBe(new Set(parts.values()).size);
    // Inner ends are inside, and the surface crosses between them and the outside.
    for (let v = 0; v < s.vertexCount; v++) expect(grid.values[s.inner[v]!]!).toBeLessThanOrEqual(level);
  }
});

interface Sample {
  shape: [number, number, number];
  values: (number | null)[];
  levels: number[];
  parts: number[];
}

it("has the parts that the merge tree says, which Python has computed", () => {
  const path = join(import.meta.dirname, "../../../tests/data/protocol/volume_parts.json");
  for (const { shape, values, levels, parts } of JSON.parse(readFileSync(path, "utf8")) as Sample[]) {
    const grid = { shape, values: Float32Array.from(values, (value) => value ?? Number.NaN) };
    const holes = values.includes(null);
    levels.forEach((level, k) => {
      const found = partsInside(grid, level);
      expect(new Set(found.values()).size).toBe(parts[k]);
      const s = made(grid, level);
      const drawn = new Set(Array.from({ length: s.vertexCount }, (_, v) => found.get(s.inner[v]!)));
      // Parts that only holes surround have no surface.
      if (holes) expect(drawn.size).toBeLessThanOrEqual(parts[k]!);
      else expect(drawn.size).toBe(parts[k]);
    });
  }
});

it("merges two wells at the loss of their saddle", () => {
  const wells = (x: number, y: number, z: number) => (4 * x * x - 1) ** 2 + 2 * y * y + 2 * z * z;
  const grid = sampled(33, wells);
  const count = (level: number) => topology(made(grid, level)).euler / 2;
  expect(count(0.999)).toBe(2);
  expect(count(1.001)).toBe(1);
});

it("leaves a gap around holes, and nothing where all is one value", () => {
  const grid = sampled(17, sphere);
  const whole = made(grid, 0.7).indexCount;
  for (let v = 0; v < grid.values.length; v++) if (v % 17 > 12) grid.values[v] = Number.NaN;
  const holed = made(grid, 0.7);
  expect(holed.indexCount).toBeLessThan(whole);
  expect(holed.indexCount).toBeGreaterThan(0);
  for (let v = 0; v < holed.vertexCount; v++) {
    expect(holed.vertices[4 * v + 2]!).toBeLessThanOrEqual(12);
    expect(Number.isFinite(holed.vertices[4 * v]! + holed.vertices[4 * v + 1]!)).toBe(true);
  }
  const flat = sampled(5, () => 1);
  for (const level of [0, 1, 2]) expect(made(flat, level).indexCount).toBe(0);
});

it("interpolates slices trilinearly, and holes stay holes", () => {
  const n = 5;
  const grid = sampled(n, (x, y, z) => 1 + 2 * x - y + 3 * z + 4 * x * y * z);
  const f = (i: number, j: number, k: number) => {
    const [x, y, z] = [i, j, k].map((a) => (2 * a) / (n - 1) - 1) as [number, number, number];
    return 1 + 2 * x - y + 3 * z + 4 * x * y * z;
  };
  expect(trilinear(grid, 1.3, 2.6, 3.9)).toBeCloseTo(f(1.3, 2.6, 3.9), 5);
  expect(trilinear(grid, 4, 4, 4)).toBeCloseTo(f(4, 4, 4), 5);
  expect(trilinear(grid, -0.1, 2, 2)).toBeNaN();
  const out = new Float32Array(n * n);
  for (const axis of [0, 1, 2]) {
    sliceOf(grid, axis, 2.25, out);
    const point = [1, 3];
    point.splice(axis, 0, 2.25);
    expect(out[1 * n + 3]).toBeCloseTo(f(point[0]!, point[1]!, point[2]!), 5);
  }
  grid.values[0] = Number.NaN;
  expect(trilinear(grid, 0.5, 0.5, 0.5)).toBeNaN();
  expect(trilinear(grid, 1, 0.5, 0.5)).not.toBeNaN();
});
