import { describe, expect, it } from "vitest";
import { addTile, assembledGrid, levelPositions, startAssembly } from "./assembly";
import type { Incoming } from "./protocol";

function begin(n0: number, n1: number): Extract<Incoming, { kind: "begin" }> {
  return {
    kind: "begin",
    id: 1,
    spec: {
      id: 1,
      axes: [0, 1],
      offset: { axis: null, value: 0 },
      span: [1, 1],
      points: [n0, n1],
      scale: "linear",
      threshold: 0,
    },
    shape: [n0, n1],
    base: 0,
    origin: null,
    labels: ["a", "b"],
    quantity: "loss",
    x0: [-1, 1],
    x1: [-1, 1],
  };
}

/** Vertices that a level adds to the coarser ones. */
function fresh(n0: number, n1: number, stride: number, known: Set<number>): Uint32Array {
  const out: number[] = [];
  for (const i of levelPositions(n0, stride)) {
    for (const j of levelPositions(n1, stride)) if (!known.has(i * n1 + j)) out.push(i * n1 + j);
  }
  for (const v of out) known.add(v);
  return Uint32Array.from(out);
}

describe("streaming assembly", () => {
  it("reproduces a bilinear function exactly from its coarsest level", () => {
    const [n0, n1] = [17, 9];
    const f = (v: number) => {
      const [a, b] = [Math.floor(v / n1) - 8, (v % n1) - 4];
      return 2 + 0.5 * a - 0.25 * b + 0.125 * a * b;
    };
    const assembly = startAssembly(begin(n0, n1), null);
    const vertices = fresh(n0, n1, 4, new Set());
    addTile(assembly, { strides: [4, 4], complete: true }, vertices, Float32Array.from(vertices, f));
    for (let v = 0; v < n0 * n1; v++) expect(assembly.values[v]).toBeCloseTo(f(v), 5);
    expect(assembledGrid(assembly, 1)).toMatchObject({
      state: "partial",
      known: vertices.length / (n0 * n1),
    });
  });

  it("never changes an evaluated vertex, whatever the sizes and the order of tiles", () => {
    for (const [n0, n1] of [
      [9, 9],
      [11, 7],
      [21, 33],
    ] as const) {
      const f = (v: number) => Math.sin(v * 12.9898) * 43.7;
      const assembly = startAssembly(begin(n0, n1), null);
      const known = new Set<number>();
      for (const stride of [8, 4, 2, 1]) {
        const vertices = fresh(n0, n1, stride, known);
        const half = vertices.length >> 1;
        for (const part of [vertices.subarray(half), vertices.subarray(0, half)]) {
          const complete = part.byteOffset === 0;
          addTile(assembly, { strides: [stride, stride], complete }, part, Float32Array.from(part, f));
        }
        for (const v of known) expect(assembly.values[v]).toBe(Math.fround(f(v)));
        expect(assembly.values.some(Number.isNaN)).toBe(false);
      }
      expect(assembledGrid(assembly, 1).state).toBe("final");
    }
  });

  it("keeps holes as holes", () => {
    const assembly = startAssembly(begin(5, 5), null);
    const vertices = fresh(5, 5, 2, new Set());
    const values = Float32Array.from(vertices, (v) => (v === 12 ? Number.NaN : 1));
    addTile(assembly, { strides: [2, 2], complete: true }, vertices, values);
    expect(assembly.values[12]).toBeNaN();
    expect(assembly.values[0]).toBe(1);
    expect(assembledGrid(assembly, 1).range).toEqual([1, 1]);
  });

  it("draws the prediction until the first level is complete", () => {
    const assembly = startAssembly(begin(3, 3), new Float32Array(9).fill(5));
    addTile(assembly, { strides: [1, 1], complete: false }, Uint32Array.of(4), Float32Array.of(1));
    expect([...assembly.values]).toEqual([5, 5, 5, 5, 1, 5, 5, 5, 5]);
  });
});
