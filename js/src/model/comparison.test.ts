import { describe, expect, it, vi } from "vitest";
import { MemoryModel } from "../testing/memory-model";
import * as sample from "../testing/samples";
import { createComparison, overall } from "./comparison";
import { DEFAULT_VIEW } from "./core-store";
import { readAt } from "./linked-place";
import { memberModel } from "./member-model";
import type { Spec, ViewState } from "./protocol";
import type { Store } from "./store";

const specs = [sample.spec(), sample.spec({ id: 4 })];
const surfaces = [
  sample.surface(specs[0]!, (a, b) => 3 + a * a + b * b),
  sample.surface(specs[1]!, (a, b) => 10 + a + b, 10),
];

const model = (more: Record<string, unknown> = {}) =>
  new MemoryModel({
    names: ["<b>one</b>", "two"],
    specs,
    sources: [sample.source(), sample.source({ title: "other" })],
    spectra: [sample.spectrum(), null],
    surfaces,
    trees: [null, null],
    statuses: [null, null],
    selections: [null, null],
    view: {},
    ...more,
  });

describe("member of a comparison", () => {
  it("reads and writes its own place only", () => {
    const whole = model();
    const second = memberModel(whole, 1, () => []);
    expect(second.get("spec")).toBe(specs[1]);
    expect(second.get("names")).toBeUndefined();
    const changed = sample.spec({ id: 5, scale: "log" });
    second.set("spec", changed);
    second.save_changes();
    expect(whole.saved).toEqual([{ specs: [specs[0], changed] }]);
    second.send({ kind: "cancel", upto: 5 });
    expect(whole.sent).toEqual([{ kind: "member", number: 1, content: { kind: "cancel", upto: 5 } }]);
  });

  it("hears what concerns it, until it listens no more", () => {
    const whole = model();
    const [first, second] = [memberModel(whole, 0, () => []), memberModel(whole, 1, () => [])];
    const heard: unknown[] = [];
    const listener = (message: unknown) => void heard.push(message);
    second.on("msg:custom", listener as (...args: never[]) => void);
    first.on("change:spec", (() => heard.push("spec")) as never);
    whole.message({ kind: "member", number: 0, content: "for the first" });
    whole.message({ kind: "member", number: 1, content: "for the second" });
    whole.fromKernel({ specs: [...specs] });
    expect(heard).toEqual(["for the second", "spec"]);
    second.off("msg:custom", listener as (...args: never[]) => void);
    whole.message({ kind: "member", number: 1, content: "late" });
    expect(heard).toHaveLength(2);
  });
});

describe("comparison", () => {
  it("spans the losses of all, holes left out", () => {
    const store = createComparison(model());
    const [one] = store.members;
    expect(one!.name).toBe("<b>one</b>");
    expect(one!.store.range!.value).toEqual([3, 13]);
    const before = one!.store.range!.value;
    one!.store.grid.value = { ...one!.store.grid.value! };
    expect(one!.store.range!.value).toBe(before);
    store.setView({ common_scale: false });
    expect(one!.store.range!.value).toBeNull();
    store.dispose();
  });

  it("turns all together while they are locked", () => {
    const store = createComparison(model());
    const [a, b] = store.members.map((m) => m.store);
    a!.setView({ yaw: 1.25 });
    expect(b!.view.value.yaw).toBe(1.25);
    store.setView({ locked: false });
    b!.setView({ yaw: -2 });
    expect(a!.view.value.yaw).toBe(1.25);
    store.dispose();
  });

  it("asks all for another window, each with a number of its own, and goes back with all", () => {
    const whole = model();
    const store = createComparison(whole);
    store.request({ span: [1, 1] });
    const asked = whole.get("specs") as { id: number; span: number[] }[];
    expect(asked.map((s) => [s.id, s.span])).toEqual([
      [2, [1, 1]],
      [5, [1, 1]],
    ]);
    store.undo();
    expect((whole.get("specs") as { span: number[] }[]).map((s) => s.span)).toEqual([
      [2, 1],
      [2, 1],
    ]);
    store.dispose();
    expect(whole.listening).toBe(0);
  });

  it("keeps cameras apart, also when they are saved, and everything else together", () => {
    vi.useFakeTimers();
    const whole = model({ view: { yaw: 0.5, colormap: "viridis" } });
    const store = createComparison(whole);
    const [a, b] = store.members.map((m) => m.store) as [Store, Store];
    expect(a.view.value.yaw).toBe(0.5);
    store.setView({ locked: false });
    a.setView({ yaw: 1.25 });
    vi.advanceTimersByTime(1000);
    expect((whole.get("view") as { yaw: number }).yaw).toBe(1.25);
    expect(b.view.value.yaw).toBe(0.5);
    b.setView({ clip: 7, pitch: 0.1 });
    vi.advanceTimersByTime(1000);
    expect([a.view.value.clip, a.view.value.yaw]).toEqual([7, 1.25]);
    expect(a.view.value.pitch).not.toBe(0.1);
    whole.fromKernel({ view: { yaw: -1, clip: 3, locked: false } });
    expect([a.view.value.yaw, b.view.value.yaw, b.view.value.clip]).toEqual([-1, 0.5, 3]);
    store.setView({ locked: true });
    expect(b.view.value).toBe(a.view.value);
    store.dispose();
    vi.useRealTimers();
  });

  it("saves whether all turn together and share a scale, and opens so again", () => {
    vi.useFakeTimers();
    const whole = model();
    const store = createComparison(whole);
    store.setView({ locked: false, common_scale: false });
    store.members[0]!.store.setView({ yaw: 1.5 });
    vi.advanceTimersByTime(1000);
    store.members[1]!.store.setView({ pitch: 0.25 });
    vi.advanceTimersByTime(1000);
    const saved = { view: whole.get("view") as ViewState, cameras: whole.get("cameras") };
    store.setView({ locked: true });
    vi.advanceTimersByTime(1000);
    expect(whole.get("cameras")).toEqual([]);
    store.dispose();
    vi.useRealTimers();
    const again = createComparison(model(saved));
    expect([again.locked.value, again.common.value]).toEqual([false, false]);
    expect(again.members[1]!.store.range!.value).toBeNull();
    const seen = again.members.map(({ store: { view } }) => [view.value.yaw, view.value.pitch]);
    expect(seen).toEqual([
      [1.5, DEFAULT_VIEW.pitch],
      [DEFAULT_VIEW.yaw, 0.25],
    ]);
    again.dispose();
  });

  it("asks a finished landscape for another look only, and undoes with it", () => {
    const finished = sample.source({ kind: "landscape", can_choose_axes: false, can_resample: false });
    const whole = model({ sources: [finished, sample.source()] });
    const store = createComparison(whole);
    const state = () =>
      (whole.get("specs") as Spec[]).map(({ span, threshold, axes }) => [span[0], threshold, axes[0]]);
    expect(store.lead.value.source.value!.kind).toBe("objective");
    store.request({ threshold: 0.5 });
    store.request({ span: [1, 1], axes: [1, -1] });
    expect(state()).toEqual([
      [2, 0.5, 0],
      [1, 0.5, 1],
    ]);
    store.undo();
    expect(state()).toEqual([
      [2, 0.5, 0],
      [2, 0.5, 0],
    ]);
    store.undo();
    expect(state().map((s) => s[1])).toEqual([0, 0]);
    expect(store.canUndo.value).toBe(false);
    store.redo();
    store.redo();
    expect(state()).toEqual([
      [2, 0.5, 0],
      [1, 0.5, 1],
    ]);
    store.dispose();
  });

  it("is led by one that has a state, if the first has failed", () => {
    const whole = model({ specs: [null, specs[1]], surfaces: [null, surfaces[1]] });
    const store = createComparison(whole);
    expect(store.lead.value.spec.value!.id).toBe(4);
    store.request({ scale: "symlog" });
    expect((whole.get("specs") as (Spec | null)[]).map((s) => s?.scale)).toEqual([undefined, "symlog"]);
    store.dispose();
  });

  it("finds a pointed or selected place of one on all, with its error where it is known", () => {
    const values = Float32Array.from({ length: 45 }, (_, v) => v / 100);
    const noisy = { ...surfaces[1]!, stderr: sample.view(values) };
    const store = createComparison(model({ surfaces: [surfaces[0], noisy] }));
    const [a, b] = store.members.map((m) => m.store) as [Store, Store];
    expect(store.place.value).toBeNull();
    b.select({ kind: "point", vertex: null, coordinates: [0.5, 0.25], loss: 10.75 });
    expect(store.place.value).toEqual({ from: 1, coordinates: [0.5, 0.25], vertex: null, hovered: false });
    const there = readAt(a.grid.value, store.place.value!);
    // Between vertices, at 0 and 0.5 along the second axis.
    expect(there.loss).toBeCloseTo(3 + 0.25 + 0.125, 5);
    expect(there.stderr).toBeNaN();
    expect(readAt(b.grid.value, store.place.value!).stderr).toBeCloseTo((5 * 5 + 2.5) / 100, 5);
    a.hover.value = { kind: "vertex", vertex: 0, coordinates: [-2, -1], loss: 8, from: "surface" };
    expect(store.place.value).toMatchObject({ from: 0, hovered: true, coordinates: [-2, -1] });
    expect(readAt(b.grid.value, store.place.value!).loss).toBeCloseTo(7, 5);
    expect(readAt(a.grid.value, { coordinates: [2.5, 0], vertex: null }).loss).toBeNaN();
    a.hover.value = { ...a.hover.value, kind: "none", coordinates: null };
    a.select({ kind: "model", vertex: 22, coordinates: [0, 0], loss: 3 });
    expect(store.place.value!.from).toBe(0);
    a.select({ kind: "none", vertex: null, coordinates: null, loss: null });
    expect(store.place.value).toBeNull();
    store.dispose();
  });

  it("has one status: what runs, else what failed", () => {
    const status = (phase: string, done: number, lane = "surface") => ({
      ...{ id: 4, lane, phase, done, total: 50, eta: null, message: "" },
    });
    const whole = model({ statuses: [status("error", 0), status("running", 25)] });
    const store = createComparison(whole);
    const stores = store.members.map((m) => m.store);
    expect(overall(stores)).toMatchObject({ phase: "running", done: 25, total: 100 });
    whole.fromKernel({ statuses: [status("error", 0), status("done", 50)] });
    expect(store.status.value.phase).toBe("error");
    store.cancel();
    expect(whole.sent.filter((m) => (m as { content: { kind: string } }).content.kind === "cancel")).toEqual([
      { kind: "member", number: 0, content: { kind: "cancel", upto: 1 } },
      { kind: "member", number: 1, content: { kind: "cancel", upto: 4 } },
    ]);
    store.dispose();
  });

  it("without members says so", () => {
    expect(() => createComparison(model({ names: [] }))).toThrow("no members");
  });
});
