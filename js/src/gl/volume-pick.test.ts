import { expect, it } from "vitest";
import { exampleLook, randomGrid } from "../testing/engine-samples";
import { random } from "../testing/random";
import { createCamera, projectWorld, setCamera } from "./camera";
import { createIsosurface } from "./isosurface";
import { trilinear, type VolumeGrid } from "./volume";
import { pickVolume, pickVolumeRay } from "./volume-pick";

const NONE = [null, null, null] as const;

function ball(n: number): VolumeGrid {
  const values = new Float32Array(n ** 3);
  const at = (i: number) => (2 * i) / (n - 1) - 1;
  for (let v = 0; v < values.length; v++)
    values[v] = Math.hypot(at(Math.floor(v / n / n)), at(Math.floor(v / n) % n), at(v % n));
  return { shape: [n, n, n], values };
}

/** First triangle of the drawn mesh on a ray, by testing them all (Möller and Trumbore). */
function firstTriangle(grid: VolumeGrid, level: number, o: readonly number[], d: readonly number[]): number {
  const s = createIsosurface(grid);
  s.begin(level, 1);
  while (!s.advance(Infinity));
  const cross = (a: number[], b: number[]) =>
    [0, 1, 2].map((k) => a[(k + 1) % 3]! * b[(k + 2) % 3]! - a[(k + 2) % 3]! * b[(k + 1) % 3]!);
  const dot = (a: readonly number[], b: readonly number[]) => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
  let nearest = Infinity;
  for (let t = 0; t < s.indexCount; t += 3) {
    const [p, q, r] = [0, 1, 2].map((c) => [0, 1, 2].map((k) => s.vertices[4 * s.indices[t + c]! + k]!)) as [
      number[],
      number[],
      number[],
    ];
    const [e1, e2] = [q.map((x, k) => x - p[k]!), r.map((x, k) => x - p[k]!)];
    const h = cross([...d], e2);
    const det = dot(e1, h);
    if (Math.abs(det) < 1e-14) continue;
    const w = o.map((x, k) => x - p[k]!);
    const u = dot(w, h) / det;
    const g = cross(w, e1);
    const v = dot(d, g) / det;
    if (u < -1e-9 || v < -1e-9 || u + v > 1 + 1e-9) continue;
    const at = dot(e2, g) / det;
    if (at > 0) nearest = Math.min(nearest, at);
  }
  return nearest;
}

it("finds the triangle that is drawn, in noise with holes", () => {
  let found = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const next = random(seed);
    const values = randomGrid(6, 30, seed, seed % 3 ? 0 : 0.1).values;
    const grid: VolumeGrid = { shape: [6, 5, 6], values };
    const level = 0.1 + 0.3 * next();
    const origin = [-3 - next(), 2 + next(), 2.5 + next()] as const;
    const way = [1, 0.6 * (next() - 0.5), 0.6 * (next() - 0.5)] as const;
    const hit = pickVolumeRay(grid, origin, way, level, NONE);
    const drawn = firstTriangle(grid, level, origin, way);
    if (hit?.on === "face") continue;
    if (hit === null) expect(drawn).toBe(Infinity);
    else {
      found++;
      expect(hit.value).toBe(level);
      expect(hit.at[0]).toBeCloseTo(origin[0] + way[0] * drawn, 4);
    }
  }
  expect(found).toBeGreaterThan(20);
});

it("hits the sphere where it is, the nearest of slice and surface, and the cut face", () => {
  const grid = ball(33);
  const from = [-20, 16, 16] as const;
  const along = [1, 0, 0] as const;
  const hit = pickVolumeRay(grid, from, along, 0.5, NONE)!;
  expect(hit.on).toBe("isosurface");
  expect(hit.at[0]).toBeCloseTo(8, 4);
  expect(pickVolumeRay(grid, from, along, 0.5, [20, null, null])!.on).toBe("isosurface");
  const slice = pickVolumeRay(grid, from, along, 0.5, [4.5, null, null])!;
  expect(slice).toMatchObject({ on: "slice", axis: 0, at: [4.5, 16, 16] });
  expect(slice.value).toBeCloseTo(trilinear(grid, 4.5, 16, 16), 12);
  const face = pickVolumeRay(grid, from, along, 1.2, NONE)!;
  expect(face).toMatchObject({ on: "face", axis: 0, at: [0, 16, 16] });
  expect(face.value).toBeCloseTo(1, 6);
  expect(pickVolumeRay(grid, from, along, Number.NaN, NONE)).toBeNull();
  expect(pickVolumeRay(grid, [-20, 16, 40], along, 0.5, [4, 4, 4])).toBeNull();
});

it("looks through a hole in a slice", () => {
  const grid = ball(9);
  for (let v = 0; v < 81; v++) grid.values[3 * 81 + v] = Number.NaN;
  expect(pickVolumeRay(grid, [-5, 4, 4], [1, 0, 0], Number.NaN, [3, null, null])).toBeNull();
});

it("inverts the projection", () => {
  const grid = ball(17);
  const camera = createCamera();
  const look = exampleLook({ range: [0, 16], exaggeration: 1 / 0.62 });
  setCamera(camera, look, { x0: [0, 16], x1: [0, 16] });
  const out = new Float64Array(3);
  projectWorld(camera, 0.25, -0.5, 0.5, out);
  const hit = pickVolume(grid, camera, out[0]!, out[1]!, Number.NaN, [null, null, 12])!;
  expect(hit.at[0]).toBeCloseTo(10, 6);
  expect(hit.at[1]).toBeCloseTo(4, 6);
  expect(hit.at[2]).toBe(12);
});
