import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import type { Selection } from "../../model/protocol";
import type { Hover, LiveGrid, LiveTree, Store } from "../../model/store";
import { SurfacePanel } from ".";

/** A double well on 9 x 9 vertices with its two minima and the saddle between them. */
function makeStore(state: LiveGrid["state"] = "final") {
  const n = 9;
  const x = Float64Array.from({ length: n }, (_, i) => (i - 4) / 2);
  const values = Float32Array.from({ length: n * n }, (_, v) => {
    const [a, b] = [x[Math.floor(v / n)]!, x[v % n]!];
    return (a * a - 1) ** 2 + b * b - 0.1 * a;
  });
  const grid = {
    spec: { axes: [0, 1], offset: { axis: null, value: 0 }, span: [2, 2], points: [n, n], scale: "linear" },
    n0: n,
    n1: n,
    x0: x,
    x1: x,
    values,
    base: 1,
    origin: null,
    labels: ["x", "y"],
    quantity: "loss",
    state,
    range: [Math.min(...values), Math.max(...values)],
    revision: 1,
    known: 0.4,
  } as unknown as LiveGrid;
  const [deep, shallow, saddle] = [6 * n + 4, 2 * n + 4, 4 * n + 4];
  const common = { deathVertex: -1, death: Infinity, persistence: Infinity, parent: -1, share: 0.5 };
  const tree = {
    branches: [
      { ...common, row: 0, birthVertex: deep, birth: 0.9 },
      {
        ...common,
        row: 1,
        birthVertex: shallow,
        birth: 1.1,
        deathVertex: saddle,
        death: 2,
        persistence: 0.9,
      },
    ],
    total: 2,
    maxPersistence: 0.9,
    basins: Int32Array.from(values, (_, v) => (v >= 4 * n ? 0 : 1)),
    smad: 0.9,
  } as unknown as LiveTree;
  const none = { kind: "none", vertex: null, coordinates: null, loss: null } as const;
  const selection = signal<Selection>(none);
  const view = signal<Store["view"]["value"]>({
    yaw: 0,
    pitch: 0.6,
    zoom: 1,
    pan: [0, 0],
    exaggeration: 1,
    colormap: "viridis",
    contours: true,
  });
  const store = {
    grid: signal<LiveGrid | null>(grid),
    tree: signal<LiveTree | null>(tree),
    spec: signal(grid.spec),
    status: signal({ phase: "running" }),
    selection,
    view,
    hover: signal<Hover>({ ...none, from: "surface" }),
    announcement: signal(""),
    select: (next: Selection) => {
      selection.value = next;
    },
    setView: (change: object) => {
      view.value = { ...view.value, ...change };
    },
    resetView: () => undefined,
  } as unknown as Store;
  return { store, deep, shallow, saddle };
}

let host: HTMLElement | null = null;

async function mount(store: Store) {
  host = document.createElement("div");
  document.body.append(host);
  await act(() => render(<SurfacePanel store={store} />, host!));
  const focusable = host.querySelector<HTMLElement>("[role=group]")!;
  const press = (key: string, more: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
    let reached = false;
    const outside = () => {
      reached = true;
    };
    host!.addEventListener("keydown", outside, { once: true });
    act(() => {
      focusable.dispatchEvent(event);
    });
    host!.removeEventListener("keydown", outside);
    return reached;
  };
  return { focusable, press };
}

afterEach(async () => {
  await act(() => render(null, host!));
  host?.remove();
});

describe("surface panel", () => {
  it("is focusable and says in words what it shows", async () => {
    const { store } = makeStore();
    const { focusable } = await mount(store);
    expect(focusable.tabIndex).toBe(0);
    expect(host!.querySelector("canvas")!.getAttribute("aria-label")).toContain("2 minima");
  });

  it("steps through the critical points by key, tells each, and selects", async () => {
    const { store, deep, shallow, saddle } = makeStore();
    const { press } = await mount(store);
    const seen: (number | null)[] = [];
    for (const key of ["n", "]", "n", "n", "p"]) {
      expect(press(key)).toBe(false);
      seen.push(store.hover.value.vertex);
    }
    expect(seen).toEqual([deep, shallow, saddle, deep, saddle]);
    expect(store.announcement.value).toMatch(/^Saddle 1 of 1: loss 2 at \(0, 0\)/);
    press("Enter");
    expect(store.selection.value).toMatchObject({
      kind: "saddle",
      vertex: saddle,
      coordinates: [0, 0],
      loss: 2,
    });
    press("Escape");
    expect(store.selection.value.kind).toBe("none");
    expect(store.hover.value.kind).toBe("none");
  });

  it("changes the view by key and leaves other keys to the notebook", async () => {
    const { store } = makeStore();
    const { press } = await mount(store);
    press("c");
    press("+");
    expect(store.view.value.contours).toBe(false);
    expect(store.view.value.zoom).toBeGreaterThan(1);
    expect(press("x")).toBe(true);
    expect(press("c", { ctrlKey: true })).toBe(true);
  });

  it("labels what is not a measurement", async () => {
    const text = async (state: LiveGrid["state"]) => {
      await mount(makeStore(state).store);
      const badge = host!.querySelector(".nbl-badge.predicted, .nbl-badge.partial")?.textContent ?? "";
      await act(() => render(null, host!));
      return badge;
    };
    expect(await text("predicted")).toBe("predicted (quadratic)");
    expect(await text("partial")).toBe("refining 40 %");
    expect(await text("final")).toBe("");
  });
});
