import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStore } from "../../model/create-store";
import { distanceFromModel, metricsAt, modelSpot, valueAt } from "../../model/place";
import type { ModelPlace, OriginData, SurfaceData, TreeData } from "../../model/protocol";
import { pyFloat } from "../../model/python";
import { featureOf, NO_SELECTION } from "../../model/selection";
import type { Store } from "../../model/store";
import { uint32 } from "../../model/wire";
import { MemoryModel } from "../../testing/memory-model";
import { source, spec, spectrum, surface, view } from "../../testing/samples";
import { sublevelTree } from "../../testing/sublevel-tree";
import { criticalPoints } from "../surface/critical";
import type { SurfaceUi } from "../surface/ui";
import { DetailsCard, OriginLine } from ".";
import { groupsOf } from "./facts";
import { detailsKey } from "./keys";

/** Four wells, the shallowest not supported. */
const wells = (a: number, b: number) =>
  (a * a - 1) ** 2 + (b * b - 1) ** 2 + 0.12 * a + 0.07 * b + 0.04 * a * b + 1;
const N = 17;
const wanted = spec({ points: [N, N], span: [1.6, 1.6] });
const step = { largest: 2, smallest: 1, tol: 1e-3, seed: 0 };
const recipe = { start: "none" as const, steps: [step] };
const place: ModelPlace = {
  at: [0, 0],
  apart: 0,
  gram: [
    [4, 1],
    [1, 1],
  ],
};
const accuracy = Float32Array.from({ length: N * N }, (_, v) => v / (N * N));
const drawn: SurfaceData = {
  ...surface(wanted, wells, 0),
  metrics: { accuracy: view(accuracy) },
  model: place,
  recipe,
};
const origin = (number: number, parent: number): OriginData => ({
  number,
  kind: "minimum",
  at: [0.5, -0.25],
  spec: { ...wanted, ...(parent > 0 && { origin: parent }), axes: parent > 0 ? [0, 1] : [1, -1] },
  loss: 0.75,
  distance: 1.5 * number,
  recipe,
  kept: number !== 2,
});

/** Rows of the basins across the pass at which each one ends. */
function across(data: TreeData): DataView {
  const [basins, deaths] = [uint32(data.basins), uint32(data.death_vertex)];
  const beside = Array.from(deaths, (vertex, row) => {
    if (vertex === 0xffffffff) return -1;
    const around = [-N - 1, -N, -N + 1, -1, 1, N - 1, N, N + 1].map((d) => basins[vertex + d]!);
    return around.find((other) => other !== row)!;
  });
  return view(Int32Array.from(beside));
}

let model: MemoryModel;
let store: Store;
let host: HTMLElement;
let root: ShadowRoot;
const ui = {
  size: signal({ width: 600, height: 500 }),
  corner: signal("top-left"),
  stepped: signal(null),
  stops: signal([]),
} as unknown as SurfaceUi;

function start(traits: Record<string, unknown> = {}): void {
  const data = sublevelTree(new Float32Array(drawn.values.buffer as ArrayBuffer), N, N);
  model = new MemoryModel({
    spec: wanted,
    source: source(),
    spectrum: spectrum(),
    surface: drawn,
    tree: {
      ...data,
      beside: across(data),
      supported: view(Uint8Array.of(1, 1, 1, 0)),
      stderr: view(Float64Array.of(0, 0.1, 0.1, 0.4)),
      residual: view(Float64Array.of(0, 0.01, 0.01, 0.01)),
      frequency: view(Float64Array.of(1, 1, 0.98, 0.6)),
      factor: 3,
    },
    selection: {},
    view: {},
    status: {},
    ...traits,
  });
  store = createStore(model);
  host = document.createElement("div");
  document.body.append(host);
  root = host.attachShadow({ mode: "open" });
  act(() =>
    render(
      <>
        <OriginLine store={store} />
        <button type="button" class="nbl-surface-view" />
        <DetailsCard store={store} ui={ui} />
      </>,
      root,
    ),
  );
}

beforeEach(() => start());
afterEach(() => {
  act(() => render(null, root));
  host.remove();
  store.dispose();
  vi.restoreAllMocks();
});

const branch = (k: number) => store.tree.value!.branches[k]!;
const choose = (k: number, kind: "minimum" | "saddle" = "minimum") =>
  act(() => store.select(featureOf(store.grid.value, branch(k), kind)));
const card = () => root.querySelector<HTMLElement>(".nbl-details");
const button = (name: string) =>
  [...root.querySelectorAll<HTMLElement>("button")].find(
    (b) => (b.getAttribute("aria-label") ?? b.textContent!.trim()) === name,
  );
const groups = () => Object.fromEntries(groupsOf(store).map((g) => [g.title, g]));
const facts = (title: string) =>
  Object.fromEntries((groups()[title]?.facts ?? []).map(({ name, value }) => [name, value]));
const settle = () => act(async () => void (await new Promise((done) => setTimeout(done))));
const sentLast = () => model.sent[model.sent.length - 1] as { id: string; method: string; params: object };
const reply = (more: object) => {
  model.message({ kind: "reply", id: sentLast().id, ...more });
  return settle();
};
const press = (key: string, target: Element = card()!) =>
  act(
    () =>
      void target.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, composed: true }),
      ),
  );

describe("what is told of a point", () => {
  it("metrics are exact at a vertex and bilinear between vertices", () => {
    const grid = store.grid.value!;
    const vertex = 5 * N + 3;
    const at = [grid.x0[5]!, grid.x1[3]!] as const;
    expect(metricsAt(grid, { vertex, coordinates: at })).toEqual([["accuracy", accuracy[vertex]]]);
    const middle = [(grid.x0[5]! + grid.x0[6]!) / 2, grid.x1[3]!] as const;
    expect(valueAt(grid, accuracy, { vertex: null, coordinates: middle })).toBeCloseTo(
      (accuracy[vertex]! + accuracy[vertex + N]!) / 2,
      6,
    );
    // A vertex that is only the nearest one.
    expect(valueAt(grid, accuracy, { vertex: 0, coordinates: middle })).not.toBe(accuracy[0]);
    expect(valueAt(grid, accuracy, { vertex: null, coordinates: [9, 9] })).toBeNaN();
  });

  it("the distance from the model respects lengths and angles of the directions", () => {
    // Directions (2, 0) and (1/2, √3/2): a step of (1, -1) is (3/2, -√3/2).
    expect(distanceFromModel(place, [1, -1])).toBeCloseTo(Math.sqrt(3), 12);
    expect(distanceFromModel({ ...place, apart: 2, at: [1, 0] }, [1, 0])).toBe(2);
  });

  it("a minimum has persistence with its error, support and basin share", () => {
    choose(3);
    expect(facts("Topology")).toMatchObject({ supported: "no: needs > 1.21", "in resamples": "60.0 %" });
    expect(facts("Topology").persistence).toMatch(/^0\.\d+ ± 0\.4$/);
    expect(facts("Displacement")["from the model"]).toMatch(/^\d/);
    choose(0);
    expect(facts("Topology")).toMatchObject({ persistence: "∞ (lowest)" });
    expect(facts("Topology").supported).toBeUndefined();
    const share = store.tree.value!.branches.map((b) => b.share).reduce((a, b) => a + b);
    expect(share).toBeCloseTo(1, 9);
  });

  it("a saddle has both basins and its height above each", () => {
    choose(3, "saddle");
    const [low, high] = Object.values(facts("Barrier, from either side")).map(Number);
    const b = branch(3);
    expect(low).toBeCloseTo(b.death - b.birth, 3);
    const other = groups()["Barrier, from either side"]!.facts[1]!;
    const rank = Number(other.name.match(/minimum (\d)/)![1]);
    expect(rank).not.toBe(4);
    expect(high).toBeCloseTo(b.death - branch(rank - 1).birth, 3);
    // It lies beside the saddle: a neighbour of that vertex is in its basin.
    const beside = [-N - 1, -N, -N + 1, -1, 1, N - 1, N, N + 1].map(
      (d) => store.tree.value!.basins[b.deathVertex + d],
    );
    expect(beside).toContain(branch(rank - 1).row);
  });

  it("a free point has its basin, a checked one the verdict", async () => {
    act(() => store.select({ kind: "point", vertex: null, coordinates: [0.9, 0.9], loss: 1 }));
    expect(facts("Basin")["in the basin of"]).toMatch(/^minimum \d$/);
    choose(1);
    store.check(branch(1).birthVertex);
    const point = { verdict: "A minimum of the slice.", coordinates: [0.5, 1e-5], moved: 0.3, loss: 1.25 };
    await reply({ ok: true, result: point });
    expect(groups()["Checked with the loss"]).toMatchObject({ note: "A minimum of the slice." });
    expect(facts("Checked with the loss")).toEqual({
      "exact loss": "1.25",
      "exact place": "(0.5, 1.00e−5)",
      "from the vertex": "0.3 cells",
    });
  });

  it("says nothing that is not known", () => {
    choose(1);
    const { metrics: _, model: __, recipe: ___, ...older } = drawn;
    act(() => model.fromKernel({ surface: { ...older, id: 1 } }));
    expect(Object.keys(groups())).toEqual(["Topology"]);
    expect(button("Code that loads this point")).toBeUndefined();
  });
});

describe("the card", () => {
  it("is compact, opens to all by D, and remembers that in the view", () => {
    expect(card()).toBeNull();
    choose(3);
    expect(card()!.querySelectorAll("h4")).toHaveLength(0);
    expect(card()!.textContent).toContain("persistence");
    press("d");
    expect([...card()!.querySelectorAll("h4")].map((h) => h.textContent)).toEqual([
      "Metrics",
      "Displacement",
      "Topology",
    ]);
    expect(store.view.value.details).toBe(true);
    expect(button("All details")!.getAttribute("aria-expanded")).toBe("true");
    press("d");
    expect(card()!.querySelectorAll("h4")).toHaveLength(0);
  });

  it("copies everything as text with more digits", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    choose(3);
    await act(async () => button("Copy details")!.click());
    const [[text]] = writeText.mock.calls as unknown as [[string]];
    expect(text).toContain("Minimum 4 of 4\n");
    expect(text).toMatch(/ {2}accuracy: 0\.\d{6,}/);
    expect(text).toMatch(/persistence: 0\.\d{6,} ± 0\.4/);
    await settle();
    expect(card()!.textContent).toContain("Copied");
    vi.unstubAllGlobals();
  });

  it("shows the code of the selected point", () => {
    choose(1);
    act(() => button("Code that loads this point")!.click());
    const [x, y] = store.selection.value.coordinates!;
    expect(card()!.querySelector("pre")!.textContent).toContain(
      `parameters_at(plane, (${pyFloat(x)}, ${pyFloat(y)}))`,
    );
  });

  it("sends the point to Python and says how to use it there", async () => {
    choose(1);
    press("s");
    expect(sentLast()).toMatchObject({
      method: "send",
      params: {
        kind: "minimum",
        vertex: branch(1).birthVertex,
        coordinates: store.selection.value.coordinates,
        spec: wanted,
        label: "Minimum 2 of 4",
      },
    });
    await reply({ ok: true, result: 4 });
    const news = card()!.querySelector("[role=status]")!;
    expect(news.textContent).toContain("explorer.sent[4]");
    expect(news.querySelector("pre")!.textContent).toBe("explorer.state_dict_at(explorer.sent[-1])");
    choose(2);
    expect(news.textContent).toBe("");
  });

  it("makes the point the origin, once, and keeps the focus", async () => {
    choose(1);
    const make = button("Make this the new origin")!;
    act(() => make.focus());
    act(() => make.click());
    act(() => make.click());
    press("o");
    expect(model.sent).toHaveLength(1);
    expect(sentLast()).toMatchObject({ method: "origin", params: { kind: "minimum", spec: wanted } });
    expect(make.getAttribute("aria-disabled")).toBe("true");
    act(() => model.fromKernel({ source: source({ origins: [origin(1, 0)] }) }));
    await reply({ ok: true, result: 1 });
    expect(store.spec.value).toMatchObject({ origin: 1, span: wanted.span, offset: { axis: null } });
    expect(store.announcement.value).toBe("Origin 1: minimum at (0.5, −0.25), loss 0.75.");
    expect(store.selection.value.kind).toBe("none");
    expect(root.activeElement?.className).toBe("nbl-surface-view");
    act(() => store.undo());
    expect(store.selection.value.kind).toBe("minimum");
  });

  it("says why a point cannot be made the origin", async () => {
    choose(1);
    press("o");
    await reply({ ok: false, error: "ValueError: No plane can start at (1, 2)" });
    expect(card()!.textContent).toContain("No plane can start at");
    act(() => store.select({ kind: "model", vertex: 144, coordinates: [0, 0], loss: 3 }));
    expect(card()!.textContent).not.toContain("No plane");
    const make = button("Make this the new origin")!;
    expect(make.title).toBe("Planes start here already");
    const before = model.sent.length;
    act(() => make.click());
    expect(model.sent).toHaveLength(before);
  });

  it.each([
    ["a function", { source: source({ kind: "function", can_choose_axes: false }) }, true],
    ["a finished landscape", { source: source({ kind: "landscape", can_choose_axes: false }) }, true],
  ])("offers no origin for %s", (_, traits, sends) => {
    act(() => render(null, root));
    host.remove();
    start(traits);
    choose(1);
    expect(button("Make this the new origin")).toBeUndefined();
    expect(button("Send to Python") !== undefined).toBe(sends);
    press("o");
    expect(model.sent).toHaveLength(0);
  });

  it("is a line where it would hide the picture, and has all its keys", () => {
    act(() => {
      ui.size.value = { width: 200, height: 150 };
    });
    press("s", root.querySelector(".nbl-surface-view")!);
    expect(model.sent).toHaveLength(0);
    choose(1);
    expect(card()?.className).toContain("nbl-readout-line");
    expect(card()?.dataset.open).toBe("false");
    expect(card()?.querySelector(".nbl-tip-head")?.textContent).toContain("loss ");
    press("s", root.querySelector(".nbl-surface-view")!);
    expect(sentLast()).toMatchObject({ method: "send" });
    act(() => {
      ui.size.value = { width: 600, height: 500 };
    });
  });

  it("leaves keys alone that are meant for something else", () => {
    choose(1);
    const other = Object.assign(document.createElement("div"), { className: "nbl-spectrum", tabIndex: 0 });
    root.append(other);
    press("o", other);
    const field = document.createElement("input");
    root.append(field);
    press("s", field);
    expect(model.sent).toHaveLength(0);
    const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
    expect(detailsKey({ ...plain, key: "s", ctrlKey: true })).toBeNull();
    expect(detailsKey({ ...plain, key: "x" })).toBeNull();
  });
});

describe("origins", () => {
  const chain = [origin(1, 0), origin(2, 0), origin(3, 1)];
  const there = { ...wanted, id: 2, origin: 3 };

  it("the line tells where planes start, lists the others, and leads home to the plane that was left", () => {
    expect(root.querySelector(".nbl-origin")).toBeNull();
    act(() => model.fromKernel({ source: source({ origins: chain }), spec: there }));
    const line = root.querySelector(".nbl-origin")!;
    expect(line.textContent).toContain("Origin 3: minimum at (0.5, −0.25), loss 0.75");
    expect(line.textContent).toContain("the model is 4.5 away");
    act(() => line.querySelector<HTMLElement>(".nbl-origin-name")!.click());
    const choices = [...root.querySelectorAll<HTMLButtonElement>(".nbl-origins button")];
    expect(choices.map((c) => c.disabled)).toEqual([false, false, true, false]);
    expect(choices[3]!.getAttribute("aria-current")).toBe("location");
    expect(choices[3]!.textContent).toContain("in a plane of origin 1");
    act(() => choices[1]!.click());
    expect(store.spec.value!.origin).toBe(1);
    act(() => store.undo());
    act(() =>
      [...line.querySelectorAll("button")].find((b) => b.textContent!.includes("Back to the model"))!.click(),
    );
    expect(store.spec.value).toMatchObject({ origin: 0, axes: [1, -1] });
    expect(root.querySelector(".nbl-origin")!.textContent).toContain("The model; 3 other origins");
  });

  it("the model is marked where it lies, or not at all", () => {
    const at: [number, number] = [0.33, -0.71];
    const data = { ...drawn, id: 2, spec: there, origin: null, model: { ...place, at } };
    act(() => model.fromKernel({ source: source({ origins: chain }), spec: there, surface: data }));
    const grid = store.grid.value!;
    const marks = criticalPoints(grid, null);
    expect(marks.map((m) => [m.kind, m.x, m.y])).toEqual([
      ["model", ...at],
      ["point", 0, 0],
    ]);
    expect(marks[0]!.loss).toBeCloseTo(wells(...at), 1);
    expect(modelSpot(grid, { ...data, model: { ...place, apart: 0.5 } })).toBeNull();
    expect(modelSpot(grid, { ...data, model: { ...place, apart: 1e-5 } })).toEqual([0, 0]);
    expect(modelSpot(grid, { ...data, model: { ...place, at: [5, 0] } })).toBeNull();
    act(() => store.select({ kind: "point", vertex: marks[1]!.vertex, coordinates: [0, 0], loss: 3 }));
    expect(facts("Displacement")["from origin 3"]).toBe("0");
    expect(card()!.textContent).toContain("The origin");
    act(() => store.select(NO_SELECTION));
  });
});
