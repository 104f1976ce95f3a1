import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryModel } from "../testing/memory-model";
import * as sample from "../testing/samples";
import { createStore } from "./create-store";
import type { Incoming, Spec, Status } from "./protocol";
import { NO_SELECTION } from "./selection";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const bowl = (a: number, b: number) => 3 + a * a + b * b;

function started(traits: Record<string, unknown> = {}, manager?: object) {
  const first = sample.spec();
  const model = new MemoryModel({
    spec: first,
    source: sample.source(),
    spectrum: sample.spectrum(),
    surface: sample.surface(first, bowl),
    ...traits,
  });
  if (manager !== undefined) Object.assign(model, { widget_manager: manager });
  return { model, store: createStore(model) };
}

const status = (change: Partial<Status>): Status => ({
  id: 1,
  lane: "surface",
  phase: "running",
  done: 0,
  total: 45,
  eta: null,
  message: "",
  ...change,
});

function begin(of: Spec): Extract<Incoming, { kind: "begin" }> {
  return {
    kind: "begin",
    id: of.id,
    spec: of,
    shape: of.points,
    base: 3,
    origin: 22,
    labels: ["a", "b"],
    quantity: "loss",
    x0: [-of.span[0], of.span[0]],
    x1: [-of.span[1], of.span[1]],
  };
}

/** As a signal of Lumino. */
function lumino() {
  const listeners = new Set<(sender: unknown, value: unknown) => void>();
  return {
    connect: (callback: (sender: unknown, value: unknown) => void) => listeners.add(callback),
    disconnect: (callback: (sender: unknown, value: unknown) => void) => listeners.delete(callback),
    emit: (value: unknown) => {
      for (const listener of listeners) listener(null, value);
    },
    get listening() {
      return listeners.size;
    },
  };
}

function watched() {
  const [changes, disposed] = [lumino(), lumino()];
  return { kernel: { status: "idle", statusChanged: changes, disposed }, changes, disposed };
}

/** The whole grid in one tile, every value `v`. */
function fullTile(of: Spec, v: number): [Extract<Incoming, { kind: "tile" }>, DataView[]] {
  const n = of.points[0] * of.points[1];
  const message = {
    kind: "tile",
    id: of.id,
    level: 0,
    strides: [1, 1],
    complete: true,
    done: n,
    total: n,
    eta: 0,
  };
  const buffers = [
    sample.view(Uint32Array.from({ length: n }, (_, i) => i)),
    sample.view(new Float32Array(n).fill(v)),
  ];
  return [message as Extract<Incoming, { kind: "tile" }>, buffers];
}

describe("requests", () => {
  it("numbers on from the model's spec and writes the trait", () => {
    const { model, store } = started({ spec: sample.spec({ id: 41 }) });
    store.request({ span: [3, 3] });
    expect(store.spec.value).toMatchObject({ id: 42, span: [3, 3], axes: [0, -1] });
    expect(model.saved).toEqual([{ spec: store.spec.value }]);
    expect(store.status.value).toMatchObject({ id: 42, phase: "queued" });
  });

  it("writes nothing for a change that changes nothing", () => {
    const { model, store } = started();
    store.request({ span: [2, 1] });
    expect(model.saved).toEqual([]);
    expect(store.canUndo.value).toBe(false);
  });

  it("paints the quadratic form at once, with the offset's terms", () => {
    const { store } = started();
    store.request({ axes: [0, 1], offset: { axis: -1, value: 2 } });
    const grid = store.grid.value!;
    expect(grid.state).toBe("predicted");
    expect(grid.base).toBe(3);
    expect(grid.origin).toBeNull();
    for (const [i, j] of [
      [0, 0],
      [4, 2],
      [7, 3],
    ] as const) {
      const [a, b] = [grid.x0[i]!, grid.x1[j]!];
      const expected = 0.5 * a + 3 * a * a + b * b + -0.25 * 2 + 0.5 * -1 * 4;
      expect(grid.values[i * grid.n1 + j]).toBeCloseTo(expected, 5);
    }
  });

  it("shows known values where the wanted window lies inside the drawn one", () => {
    const { store } = started();
    store.request({ span: [1, 0.5] });
    const grid = store.grid.value!;
    expect(grid.state).toBe("predicted");
    // Vertex (8, 4) is (1, 0.5), a vertex (6, 3) of the first grid.
    expect(grid.values[8 * 5 + 4]).toBeCloseTo(1 + 0.25, 5);
  });

  it("keeps the grid for changes that need no new points", () => {
    const { store } = started();
    const before = store.grid.value!;
    store.request({ threshold: 0.5, scale: "log" });
    expect(store.grid.value!.values).toBe(before.values);
    expect(store.grid.value!.revision).toBe(before.revision);
    expect(store.status.value.phase).toBe("idle");
  });
});

describe("undo", () => {
  it("takes a whole drag as one step", () => {
    const { store } = started();
    for (const s of [2.1, 2.2, 2.3]) store.request({ span: [s, 1] }, { transient: true });
    store.settle();
    store.request({ scale: "log" });
    store.undo();
    expect(store.spec.value).toMatchObject({ id: 6, span: [2.3, 1], scale: "linear" });
    store.undo();
    expect(store.spec.value).toMatchObject({ id: 7, span: [2, 1] });
    expect(store.canUndo.value).toBe(false);
    store.redo();
    store.redo();
    expect(store.spec.value).toMatchObject({ id: 9, span: [2.3, 1], scale: "log" });
    expect(store.canRedo.value).toBe(false);
  });

  it("leaves no step for a drag that returns to its start", () => {
    const { store } = started();
    store.request({ span: [5, 1] }, { transient: true });
    store.request({ span: [2, 1] }, { transient: true });
    store.settle();
    expect(store.canUndo.value).toBe(false);
  });

  it("shows the earlier result at once", () => {
    const { store } = started();
    const before = store.grid.value!.values;
    store.request({ span: [8, 8] });
    expect(store.grid.value!.state).toBe("predicted");
    store.undo();
    expect(store.grid.value).toMatchObject({ state: "final", spec: { id: 3 } });
    expect(store.grid.value!.values).toEqual(before);
  });

  it("finds the tree again that came after its surface", () => {
    const { model, store } = started();
    model.fromKernel({ tree: sample.tree(1, sample.spec().points, [[3, Number.POSITIVE_INFINITY, -1]]) });
    expect(store.tree.value?.branches).toHaveLength(1);
    store.request({ span: [8, 8] });
    expect(store.tree.value).toBeNull();
    model.fromKernel({ status: status({ id: 2, phase: "error", message: "Not finite anywhere." }) });
    store.undo();
    expect(store.tree.value?.branches).toHaveLength(1);
  });

  it("counts what Python sets as a step", () => {
    const { model, store } = started();
    model.fromKernel({ spec: sample.spec({ id: 9, span: [7, 7] }) });
    expect(store.spec.value!.id).toBe(9);
    store.undo();
    expect(store.spec.value).toMatchObject({ id: 10, span: [2, 1] });
  });
});

describe("streaming", () => {
  it("drops tiles, trees and statuses of other ids", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    const old = store.spec.value!;
    model.message(begin(old));
    store.request({ span: [5, 5] });
    const predicted = store.grid.value!;
    model.message(...fullTile(old, 77));
    model.message({ kind: "progress", status: status({ id: old.id, phase: "cancelled" }) });
    expect(store.grid.value).toBe(predicted);
    expect(store.status.value).toMatchObject({ id: 3, phase: "queued" });
  });

  it("takes the tiles of the wanted id, then the committed trait", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    const wanted = store.spec.value!;
    model.message(begin(wanted));
    model.message(...fullTile(wanted, 7));
    expect(store.grid.value).toMatchObject({ state: "final", known: 1, range: [7, 7] });
    const tree = sample.tree(2, [9, 5], [[3, Number.POSITIVE_INFINITY, -1]]);
    model.fromKernel({
      surface: sample.surface(wanted, bowl),
      tree,
      status: status({ id: 2, phase: "done" }),
    });
    expect(store.grid.value!.range[0]).toBe(0);
    expect(store.tree.value!.branches).toHaveLength(1);
    expect(store.status.value.phase).toBe("done");
  });

  it("still takes answers to an id that only a threshold has overtaken", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    const wanted = store.spec.value!;
    model.message(begin(wanted));
    store.request({ threshold: 0.1 });
    model.message(...fullTile(wanted, 7));
    expect(store.grid.value).toMatchObject({ range: [7, 7], spec: { id: 3 } });
  });

  it("shows no tree over a grid that it does not belong to", () => {
    const tree = sample.tree(1, [9, 5], [[3, Number.POSITIVE_INFINITY, -1]]);
    const { store } = started({ tree });
    expect(store.tree.value).not.toBeNull();
    store.request({ span: [4, 4] });
    expect(store.tree.value).toBeNull();
  });

  it("ignores an old surface that is committed late", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    const old = store.spec.value!;
    store.request({ span: [5, 5] });
    model.fromKernel({ surface: sample.surface(old, bowl) });
    expect(store.grid.value).toMatchObject({ state: "predicted", spec: { id: 3 } });
  });

  it("shows an unreadable message instead of swallowing it", () => {
    const { model, store } = started();
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    store.request({ span: [4, 4] });
    const wanted = store.spec.value!;
    model.message(begin(wanted));
    const [tile] = fullTile(wanted, 1);
    model.message(tile, [sample.view(Uint32Array.of(999)), sample.view(Float32Array.of(1))]);
    expect(store.status.value).toMatchObject({ phase: "error" });
    expect(store.status.value.message).toContain("999");
    log.mockRestore();
  });
});

describe("the kernel", () => {
  it("is busy after a second without an answer, and live again with the first", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    vi.advanceTimersByTime(999);
    expect(store.kernel.value).toBe("live");
    vi.advanceTimersByTime(2);
    expect(store.kernel.value).toBe("busy");
    model.message(begin(store.spec.value!));
    expect(store.kernel.value).toBe("live");
    vi.advanceTimersByTime(5000);
    expect(store.kernel.value).toBe("live");
  });

  it("has lost the model if it is idle and stays silent, until it speaks again", () => {
    const kernel = { status: "idle" };
    const { model, store } = started({}, { kernel });
    store.request({ span: [4, 4] });
    vi.advanceTimersByTime(4900);
    expect(store.kernel.value).toBe("busy");
    vi.advanceTimersByTime(200);
    expect(store.kernel.value).toBe("none");
    expect(store.abilities.value.reason).toContain("Run the cell again");
    model.message({ kind: "progress", status: status({ id: 2 }) });
    expect(store.kernel.value).toBe("live");
  });

  it("that works on another cell is waited for", () => {
    const { store } = started({}, { kernel: { status: "busy" } });
    store.request({ span: [4, 4] });
    vi.advanceTimersByTime(60_000);
    expect(store.kernel.value).toBe("busy");
  });

  it("is absent where the host says so", () => {
    const first = sample.spec();
    const model = new MemoryModel({
      spec: first,
      source: sample.source(),
      surface: sample.surface(first, bowl),
    });
    const store = createStore(Object.assign(model, { widget_manager: { kernel: null } }));
    expect(store.kernel.value).toBe("none");
    expect(store.abilities.value).toMatchObject({ axes: false, resample: false, actions: false });
    expect(store.abilities.value.reason).toContain("No kernel");
  });

  it("is asked for what was missed while a job runs, and only then", () => {
    expect(started().model.sent).toEqual([]);
    expect(started({ status: status({ phase: "running" }) }).model.sent).toEqual([{ kind: "resync" }]);
  });

  it("is told up to which spec to cancel", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    store.cancel();
    expect(model.sent).toEqual([{ kind: "cancel", upto: 2 }]);
    expect(store.status.value.phase).toBe("cancelled");
  });

  it("computes again what was cancelled, when it is asked to or anything is changed", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    model.message({ kind: "progress", status: status({ id: 2, phase: "cancelled" }) });
    store.again();
    expect(store.spec.value).toMatchObject({ id: 3, span: [4, 4] });
    expect(model.saved.at(-1)).toMatchObject({ spec: { id: 3 } });
    expect(store.status.value.phase).toBe("queued");
    store.cancel();
    store.request({ threshold: 0.5 });
    expect(store.status.value).toMatchObject({ id: 4, phase: "queued" });
  });

  it.each(["restarting", "autorestarting", "terminating", "dead"])(
    "is gone at once when it is %s",
    async (state) => {
      const { kernel, changes } = watched();
      const { model, store } = started({}, { kernel });
      store.request({ span: [1, 0.5] });
      model.message(begin(store.spec.value!));
      const call = store.rpc("html", {});
      changes.emit("busy");
      expect(store.kernel.value).toBe("live");
      changes.emit(state);
      expect(store.kernel.value).toBe("none");
      expect(store.status.value).toMatchObject({
        phase: "idle",
        message: expect.stringContaining("run the cell again"),
      });
      expect(store.abilities.value.reason).toContain("No kernel");
      expect(store.grid.value).not.toBeNull();
      await expect(call).rejects.toThrow("ended before");
      vi.advanceTimersByTime(60_000);
      expect(store.kernel.value).toBe("none");
    },
  );

  it("is gone when its connection is disposed of, and nothing listens to it after the view", () => {
    const { kernel, changes, disposed } = watched();
    const { store } = started({}, { kernel });
    disposed.emit(undefined);
    expect(store.kernel.value).toBe("none");
    store.dispose();
    expect([changes.listening, disposed.listening]).toEqual([0, 0]);
  });

  it("answers actions by their id, with its own words on failure", async () => {
    const { model, store } = started();
    const good = store.rpc("eigenpairs", { largest: 4, smallest: 2 });
    const bad = store.rpc("html", {});
    const [first, second] = model.sent as { id: string }[];
    expect(first!.id).not.toBe(second!.id);
    model.message({ kind: "reply", id: second!.id, ok: false, error: "disk full" });
    model.message({ kind: "reply", id: first!.id, ok: true, result: 5 });
    await expect(good).resolves.toMatchObject({ result: 5 });
    await expect(bad).rejects.toThrow("disk full");
  });
});

describe("the view", () => {
  it("is saved at most four times a second, the last state always", () => {
    const { model, store } = started();
    for (let i = 0; i < 100; i++) {
      store.setView({ yaw: i });
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(300);
    expect(model.saved.length).toBeLessThanOrEqual(5);
    expect(model.saved.at(-1)).toMatchObject({ view: { yaw: 99 } });
  });

  it("turns without a kernel, to which nothing is sent", () => {
    const { model, store } = started({}, { kernel: null });
    store.setView({ yaw: 7 });
    store.select({ ...NO_SELECTION, kind: "minimum", vertex: 3 });
    vi.advanceTimersByTime(300);
    expect(model.saved).toEqual([]);
    expect(model.get("view")).toMatchObject({ yaw: 7 });
  });

  it("leaves nothing behind", () => {
    const { model, store } = started();
    store.request({ span: [4, 4] });
    store.dispose();
    expect(model.listening).toBe(0);
    vi.advanceTimersByTime(2000);
    expect(store.kernel.value).toBe("live");
  });
});

it("follows traits that only one part reads, and lets go of them", () => {
  const { model, store } = started({ paths: {} });
  const paths = store.trait<{ id: number }>("paths");
  expect(paths.value).toBeNull();
  model.fromKernel({ paths: { id: 3 } });
  expect(paths.value).toEqual({ id: 3 });
  expect(store.trait("paths")).toBe(paths);
  store.dispose();
  expect(model.listening).toBe(0);
});
