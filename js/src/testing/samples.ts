import { linspace } from "../model/preview";
import type { SourceData, Spec, SpectrumData, SurfaceData, TreeData } from "../model/protocol";

export const view = (array: ArrayBufferView): DataView =>
  new DataView(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);

/** What a fixture holds, its `{"$b": base64}` as arrays of bytes. */
export function unpacked<T>(packed: Record<string, unknown>): T {
  const bytes = (text: string) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const entries = Object.entries(packed).map(([name, value]) => {
    const text = (value as { $b?: string } | null)?.$b;
    return [name, text === undefined ? value : bytes(text)];
  });
  return Object.fromEntries(entries) as T;
}

export const spec = (change: Partial<Spec> = {}): Spec => ({
  id: 1,
  axes: [0, -1],
  offset: { axis: null, value: 0 },
  span: [2, 1],
  points: [9, 5],
  scale: "linear",
  threshold: 0,
  ...change,
});

export const source = (change: Partial<SourceData> = {}): SourceData => ({
  kind: "objective",
  title: "model",
  subtitle: "",
  variable: "objective",
  can_choose_axes: true,
  can_resample: true,
  center: [0, 0],
  span_limits: [0.01, 100],
  points_choices: [5, 9, 17, 33],
  point_seconds: 0.01,
  notice: "",
  ...change,
});

export const spectrum = (change: Partial<SpectrumData> = {}): SpectrumData => ({
  values: [6, 2, -1],
  residuals: [1e-3, 1e-3, 1e-3],
  converged: [true, true, true],
  resolved: [true, true, true],
  slopes: [0.5, 0, -0.25],
  loss: 3,
  norm: 6,
  gradient_norm: 0.6,
  parameters: 10,
  products: 12,
  largest: 2,
  smallest: 1,
  complete: true,
  ...change,
});

export function surface(of: Spec, f: (a: number, b: number) => number, base = 3): SurfaceData {
  const [n0, n1] = of.points;
  const x0 = linspace(-of.span[0], of.span[0], n0);
  const x1 = linspace(-of.span[1], of.span[1], n1);
  const values = new Float32Array(n0 * n1);
  x0.forEach((a, i) => {
    x1.forEach((b, j) => {
      values[i * n1 + j] = f(a, b) - base;
    });
  });
  return {
    id: of.id,
    spec: of,
    shape: [n0, n1],
    x0: view(x0),
    x1: view(x1),
    values: view(values),
    base,
    origin: ((n0 - 1) / 2) * n1 + (n1 - 1) / 2,
    labels: ["a", "b"],
    quantity: "loss",
    holes: 0,
    concerns: [],
    seconds: 1,
  };
}

/** A tree of minima [birth, death, parent]; every vertex lies in the basin that `basins` says. */
export function tree(
  id: number,
  shape: [number, number],
  rows: readonly (readonly [number, number, number])[],
  basins: readonly number[] = new Array(shape[0] * shape[1]).fill(0),
): TreeData {
  return {
    id,
    shape,
    birth_vertex: view(Uint32Array.from(rows, (_, i) => i)),
    death_vertex: view(Uint32Array.from(rows, (r, i) => (r[2] < 0 ? 0xffffffff : rows.length + i))),
    birth: view(Float64Array.from(rows, (r) => r[0])),
    death: view(Float64Array.from(rows, (r) => r[1])),
    parent: view(Int32Array.from(rows, (r) => r[2])),
    beside: view(Int32Array.from(rows, (r) => r[2])),
    basins: view(Uint16Array.from(basins, (b) => (b < 0 ? 0xffff : b))),
    basins_type: "uint16",
  };
}
