import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStaticModel } from "../host/static-model";
import { MemoryModel } from "../testing/memory-model";
import * as sample from "../testing/samples";
import { createStore } from "./create-store";
import type { OriginData, Selection, Status } from "./protocol";
import type { SpecChange } from "./store";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const bowl = (a: number, b: number) => 3 + a * a + b * b;
const selected: Selection = { kind: "point", vertex: null, coordinates: [1, 0.5], loss: 4.25 };
const first = sample.spec();
const there = sample.spec({ id: 2, origin: 1 });

const made: OriginData = {
  number: 1,
  kind: "point",
  at: [1, 0.5],
  spec: first,
  loss: 4.25,
  distance: 1,
  recipe: { start: "none", steps: [] },
  kept: true,
};

function started() {
  const model = new MemoryModel({
    spec: first,
    source: sample.source({ origins: [made] }),
    spectrum: sample.spectrum(),
    surface: sample.surface(first, bowl),
  });
  return { model, store: createStore(model) };
}

const action = (phase: Status["phase"]) => ({
  id: 1,
  lane: "action",
  phase,
  done: 0,
  total: 0,
  eta: null,
  message: "",
});
const partial = sample.spectrum({ origin: -1, values: [5, 1, 0], complete: false });
const whole = sample.spectrum({ origin: 1, values: [4, 1, 0.5], slopes: [0, 0, 0], loss: 2 });

it("goes to a new origin with its prediction, and back with everything that was known", () => {
  const { model, store } = started();
  store.select(selected);
  model.message({ kind: "spectrum", spectrum: partial });
  expect(store.spectrum.value).toBe(partial);
  model.message({ kind: "spectrum", spectrum: whole });
  expect(store.spectrum.value!.origin).toBeUndefined();
  store.request({ origin: 1 });
  expect(store.spectrum.value).toBe(whole);
  expect(store.selection.value.kind).toBe("none");
  // The quadratic form at the new origin: it is flat in the middle and the model is not there.
  expect(store.grid.value).toMatchObject({ state: "predicted", base: 2, origin: null });
  const data = sample.surface(there, (a, b) => 2 + 4 * a * a + b * b, 2);
  model.fromKernel({ surface: { ...data, origin: null }, spectrum: whole });
  const drawn = store.grid.value!.values;
  store.undo();
  expect(store.spec.value!.origin).toBeUndefined();
  expect(store.spectrum.value!.values).toEqual(sample.spectrum().values);
  expect(store.grid.value).toMatchObject({ state: "final", base: 3, origin: 22 });
  expect(store.selection.value).toEqual(selected);
  store.redo();
  expect(store.grid.value!.state).toBe("final");
  expect(store.grid.value!.values).toEqual(drawn);
  expect(store.spectrum.value).toBe(whole);
});

it("points at nothing of another plane or window, but stays where only the looks change", () => {
  const { store } = started();
  const hover = { kind: "minimum", vertex: 3, coordinates: [1, 0.5], loss: 4.25, from: "surface" } as const;
  for (const [change, kind] of [
    [{ scale: "log" }, "minimum"],
    [{ threshold: 0.5 }, "minimum"],
    [{ span: [1, 1] }, "none"],
    [{ origin: 1 }, "none"],
  ] as const) {
    store.hover.value = { ...hover, coordinates: [1, 0.5] };
    store.request(change as SpecChange);
    expect(store.hover.value.kind).toBe(kind);
  }
});

it("selects nothing of earlier weights on the way back to an origin that they had", () => {
  const { model, store } = started();
  store.request({ origin: 1 });
  const data = sample.surface(there, (a, b) => 2 + 4 * a * a + b * b, 2);
  model.fromKernel({ surface: { ...data, origin: null } });
  store.select({ ...selected, loss: 6.25 });
  // The model has learned meanwhile: another loss at the same place.
  const later = sample.spec({ id: 3 });
  model.fromKernel({
    spec: later,
    source: sample.source({ origins: [] }),
    surface: sample.surface(later, (a, b) => 1 + a * a + b * b, 1),
  });
  store.undo();
  expect(store.spec.value!.origin).toBe(1);
  expect(store.selection.value.kind).toBe("none");
});

it.each(["error", "cancelled"] as const)("shows the eigenvalues of the plane again after %s", (phase) => {
  const { model, store } = started();
  model.fromKernel({ status: action("running") });
  model.message({ kind: "spectrum", spectrum: partial });
  expect(store.spectrum.value).toBe(partial);
  model.fromKernel({ status: action(phase) });
  expect(store.spectrum.value!.values).toEqual(sample.spectrum().values);
});

it("predicts nothing of a plane from the eigenvalues of another origin", () => {
  const { store } = started();
  const drawn = store.grid.value!.values;
  store.request({ origin: 1 });
  expect(store.grid.value!.values).toBe(drawn);
});

it("predicts nothing of an origin of earlier weights", () => {
  const { model, store } = started();
  model.message({ kind: "spectrum", spectrum: whole });
  model.fromKernel({ source: sample.source({ origins: [] }) });
  const drawn = store.grid.value!.values;
  store.request({ origin: 1 });
  expect(store.spectrum.value).not.toBe(whole);
  expect(store.grid.value!.values).toBe(drawn);
});

it("forgets every earlier result once the model's own loss has changed", () => {
  const { model, store } = started();
  store.request({ origin: 1 });
  model.fromKernel({ surface: sample.surface(there, bowl, 2) });
  store.undo();
  model.fromKernel({ surface: sample.surface(sample.spec({ id: 3 }), (a, b) => 1 + a * a + b * b, 1) });
  store.redo();
  expect(store.grid.value!.base).toBe(1);
});

it("an exported file shows the frame and the eigenvalues of each origin", () => {
  const frames = [
    { spec: first, surface: sample.surface(first, bowl), tree: null },
    { spec: there, surface: sample.surface(there, bowl, 2), tree: null, spectrum: whole },
  ];
  const traits = {
    spec: first,
    source: sample.source({ origins: [made] }),
    spectrum: sample.spectrum(),
    frames,
  };
  const store = createStore(createStaticModel({ ...traits, surface: frames[0]!.surface }));
  store.request({ origin: 1 });
  expect(store.grid.value).toMatchObject({ base: 2, state: "final" });
  expect(store.spectrum.value).toEqual(whole);
  expect(store.status.value.message).toBe("");
  store.request({ span: [2.2, 1.2] });
  expect(store.grid.value!.base).toBe(2);
  store.request({ origin: 0 });
  expect(store.spectrum.value!.values).toEqual(sample.spectrum().values);
});
