import { describe, expect, it } from "vitest";
import { exampleLook, randomGrid } from "../testing/engine-samples";
import { random } from "../testing/random";
import { type Camera, createCamera, project, ray, setCamera } from "./camera";
import type { Grid, Look } from "./engine";
import { fraction } from "./height-map";
import { levelIndices } from "./lod";
import { occluded, pick } from "./pick";

/** Nearest hit among all triangles that are drawn (Möller and Trumbore), without any walk. */
function bruteForce(grid: Grid, camera: Camera, px: number, py: number): [number, number, number] | null {
  const r = ray(camera, px, py, new Float64Array(6));
  const o = [r[0]!, r[1]!, r[2]!];
  const d = [r[3]!, r[4]!, r[5]!];
  const cross = (a: number[], b: number[]) => [
    a[1]! * b[2]! - a[2]! * b[1]!,
    a[2]! * b[0]! - a[0]! * b[2]!,
    a[0]! * b[1]! - a[1]! * b[0]!,
  ];
  const dot = (a: number[], b: number[]) => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
  const minus = (a: number[], b: number[]) => a.map((v, k) => v - b[k]!);
  const corner = (v: number) => {
    const i = Math.floor(v / grid.n1);
    const j = v % grid.n1;
    const z = (2 * fraction(camera.map, grid.values[v]!) - 1) * camera.half;
    return [(2 * i) / (grid.n0 - 1) - 1, (2 * j) / (grid.n1 - 1) - 1, z];
  };
  let nearest = Infinity;
  let hit: [number, number, number] | null = null;
  const indices = levelIndices(grid.n0, grid.n1, 1);
  for (let k = 0; k < indices.length; k += 3) {
    const vertices = [indices[k]!, indices[k + 1]!, indices[k + 2]!];
    if (vertices.some((v) => Number.isNaN(grid.values[v]!))) continue;
    const [a, b, c] = vertices.map(corner) as [number[], number[], number[]];
    const e1 = minus(b, a);
    const e2 = minus(c, a);
    const h = cross(d, e2);
    const det = dot(e1, h);
    if (det === 0) continue;
    const s = minus(o, a);
    const u = dot(s, h) / det;
    const q = cross(s, e1);
    const v = dot(d, q) / det;
    const t = dot(e2, q) / det;
    if (u < 0 || v < 0 || u + v > 1 || t < 0 || t >= nearest) continue;
    nearest = t;
    const p = o.map((x, m) => x + t * d[m]!);
    const z = vertices.reduce((sum, w, m) => sum + [1 - u - v, u, v][m]! * grid.values[w]!, 0);
    hit = [(p[0]! - camera.shiftX) / camera.scaleX, (p[1]! - camera.shiftY) / camera.scaleY, z];
  }
  return hit;
}

function cameraFor(grid: Grid, change: Partial<Look>): Camera {
  const camera = createCamera();
  setCamera(camera, exampleLook(change), grid);
  return camera;
}

describe("pick", () => {
  it.each([
    ["square", 9, 9, 0, {}],
    ["oblong, rough", 7, 23, 0, { exaggeration: 2 }],
    ["with holes", 16, 16, 0.25, {}],
    ["logarithmic", 12, 12, 0.05, { scale: "log", base: 0.01 }],
    ["level", 9, 9, 0.1, { pitch: 0.05 }],
    ["from above", 9, 9, 0.1, { pitch: Math.PI / 2 }],
    ["one cell", 2, 2, 0, {}],
  ] as const)("hits what a search of all triangles hits: %s", (_name, n0, n1, holes, change) => {
    const next = random(n0 * 100 + n1);
    let hits = 0;
    for (let round = 0; round < 12; round++) {
      const grid = randomGrid(n0, n1, round + 1, holes);
      const camera = cameraFor(grid, { yaw: 7 * next(), pitch: 0.2 + next(), ...change });
      for (let k = 0; k < 25; k++) {
        const [px, py] = [640 * next(), 480 * next()];
        const found = pick(grid, camera, px, py);
        const expected = bruteForce(grid, camera, px, py);
        expect(found === null).toBe(expected === null);
        if (!found || !expected) continue;
        hits++;
        expect(found.x).toBeCloseTo(expected[0], 7);
        expect(found.y).toBeCloseTo(expected[1], 7);
        expect(found.z).toBeCloseTo(expected[2], 6);
      }
    }
    expect(hits).toBeGreaterThan(20);
  });

  it("finds a vertex that can be seen at its own pixel, with its exact loss", () => {
    const grid = randomGrid(11, 11, 5);
    const camera = cameraFor(grid, { pitch: Math.PI / 2 });
    const p = new Float64Array(3);
    for (const vertex of [0, 60, 37, 120]) {
      const [i, j] = [Math.floor(vertex / 11), vertex % 11];
      const [x, y] = [-2 + i / 2, 4 + j / 10];
      project(camera, x, y, grid.values[vertex]!, p);
      // A hair inside, for corners.
      const hit = pick(grid, camera, p[0]! + (320 - p[0]!) * 1e-7, p[1]! + (240 - p[1]!) * 1e-7);
      expect(hit?.vertex).toBe(vertex);
      expect(hit?.z).toBeCloseTo(grid.values[vertex]!, 4);
    }
  });

  it("misses beside the surface, in holes, and on grids without a cell", () => {
    const grid = randomGrid(8, 8, 3);
    const camera = cameraFor(grid, {});
    expect(pick(grid, camera, 1, 1)).toBeNull();
    const empty = { ...grid, values: new Float32Array(64).fill(Number.NaN) };
    expect(pick(empty, camera, 320, 240)).toBeNull();
    expect(pick({ ...grid, n1: 1, n0: 64 }, camera, 320, 240)).toBeNull();
  });

  it("reads the plane directly when it is drawn flat", () => {
    const grid = randomGrid(6, 9, 4);
    const camera = createCamera(true);
    setCamera(camera, exampleLook(), grid);
    const p = new Float64Array(3);
    project(camera, 1.3, 4.41, 0.7, p);
    const hit = pick(grid, camera, p[0]!, p[1]!);
    expect(hit?.x).toBeCloseTo(1.3, 9);
    expect(hit?.y).toBeCloseTo(4.41, 9);
    expect(pick(grid, camera, -5, 100)).toBeNull();
  });

  it("walks, and does not search: a pick on 512 x 512 stays in the low milliseconds", () => {
    const grid = randomGrid(512, 512, 9);
    const camera = cameraFor(grid, { pitch: 0.4 });
    for (let k = 0; k < 50; k++) pick(grid, camera, 200 + k, 240);
    const started = performance.now();
    for (let k = 0; k < 100; k++) pick(grid, camera, 150 + 3 * k, 300);
    expect((performance.now() - started) / 100).toBeLessThan(4);
  });
});

describe("occluded", () => {
  /** A wall at y = 0.5 between the viewer (at -y) and what is behind it. */
  const wall: Grid = {
    n0: 21,
    n1: 21,
    x0: [-1, 1],
    x1: [-1, 1],
    values: Float32Array.from({ length: 441 }, (_, v) => (v % 21 === 15 ? 1 : 0)),
  };

  it("hides the floor behind a wall and not the floor in front of it", () => {
    const camera = cameraFor(wall, { yaw: 0, pitch: 0.3 });
    expect(occluded(wall, camera, 0, 0.8, -camera.half)).toBe(true);
    expect(occluded(wall, camera, 0, -0.5, -camera.half)).toBe(false);
    setCamera(camera, exampleLook({ yaw: 0, pitch: Math.PI / 2 }), wall);
    expect(occluded(wall, camera, 0, 0.8, -camera.half)).toBe(false);
  });

  it("does not hide what lies behind a hole", () => {
    const holed = { ...wall, values: wall.values.map((z) => (z === 1 ? Number.NaN : z)) };
    const camera = cameraFor(holed, { yaw: 0, pitch: 0.3 });
    expect(occluded(holed, camera, 0, 0.8, -camera.half)).toBe(false);
  });
});
