import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createStore } from "../model/create-store";
import type { Frame, Spec } from "../model/protocol";
import * as sample from "../testing/samples";
import { nearestFrame } from "./nearest-frame";
import { checkState } from "./standalone";
import { createStaticModel, unpack } from "./static-model";

const bowl = (a: number, b: number) => 3 + a * a + b * b;
const frame = (spec: Spec): Frame => ({ spec, surface: sample.surface(spec, bowl), tree: null });

const plain = sample.spec();
const frames = [
  frame(plain),
  frame(sample.spec({ span: [4, 2] })),
  frame(sample.spec({ axes: [0, 1] })),
  frame(sample.spec({ offset: { axis: 1, value: 1 } })),
  frame(sample.spec({ offset: { axis: 1, value: -1 } })),
];

describe("nearest frame", () => {
  it("finds every frame itself", () => {
    for (const f of frames) expect(nearestFrame(frames, f.spec)).toBe(f);
  });

  it("prefers the plane, then the offset, then the size", () => {
    expect(nearestFrame(frames, sample.spec({ span: [3.1, 1.6] }))).toBe(frames[1]);
    expect(nearestFrame(frames, sample.spec({ axes: [0, 1], span: [40, 20] }))).toBe(frames[2]);
    expect(nearestFrame(frames, sample.spec({ offset: { axis: 1, value: 0.7 } }))).toBe(frames[3]);
    expect(nearestFrame(frames, sample.spec({ offset: { axis: 1, value: -0.2 } }))).toBe(frames[0]);
  });
});

describe("exported file", () => {
  const state = (more: Record<string, unknown>) => ({
    spec: plain,
    source: sample.source(),
    spectrum: sample.spectrum(),
    surface: sample.surface(plain, bowl),
    ...more,
  });

  it("answers a spec with the nearest frame and says so", () => {
    const store = createStore(createStaticModel(state({ frames })));
    expect(store.abilities.value).toMatchObject({ axes: true, resample: true, actions: false });
    store.request({ span: [3.1, 1.6] });
    expect(store.grid.value).toMatchObject({ state: "final" });
    expect(store.grid.value!.x0[0]).toBe(-4);
    expect(store.status.value.message).toBe("showing the nearest of 5 precomputed views");
    store.undo();
    expect(store.grid.value!.x0[0]).toBe(-2);
    expect(store.status.value.message).toBe("");
  });

  it("without frames says why nothing else can be shown, and refuses actions with that reason", async () => {
    const store = createStore(createStaticModel(state({ frames: [] })));
    expect(store.abilities.value).toMatchObject({ axes: false, resample: false });
    expect(store.abilities.value.reason).toContain("one precomputed view");
    await expect(store.rpc("html", {})).rejects.toThrow("one precomputed view");
    const drawn = store.grid.value!.values;
    store.request({ threshold: 0.5 });
    expect(store.grid.value!.values).toBe(drawn);
    expect(store.spec.value!.threshold).toBe(0.5);
  });

  it("unpacks gzipped and raw arrays at any depth", async () => {
    const bytes = new Uint8Array(Float64Array.of(1.5, -2).buffer);
    const out = (await unpack({
      a: [{ $b: gzipSync(bytes).toString("base64"), gz: true }],
      b: { c: { $b: Buffer.from(bytes).toString("base64"), gz: false } },
      d: null,
    })) as { a: DataView[]; b: { c: DataView }; d: null };
    for (const data of [out.a[0]!, out.b.c]) {
      expect(data.getFloat64(0, true)).toBe(1.5);
      expect(data.getFloat64(8, true)).toBe(-2);
    }
    expect(out.d).toBeNull();
  });

  it("with nothing to draw, or with damaged values, is refused", () => {
    const surface = sample.surface(plain, bowl);
    expect(() => checkState({ surface })).not.toThrow();
    expect(() => checkState({ surfaces: [null, surface] })).not.toThrow();
    expect(() => checkState({ surface: null, surfaces: [null] })).toThrow("holds no landscape");
    const cut = new DataView(surface.values.buffer, surface.values.byteOffset, 8);
    expect(() => checkState({ surface: { ...surface, values: cut } })).toThrow("damaged");
    expect(() => checkState({ volume: { ...surface, shape: "3" } })).toThrow("damaged");
  });
});
