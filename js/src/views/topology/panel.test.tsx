import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStore } from "../../model/create-store";
import type { Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import { source, spec, surface, view } from "../../testing/samples";
import { sublevelTree } from "../../testing/sublevel-tree";
import { MergeTreePanel } from ".";
import { tipPlace } from "./pair";
import { tabFor } from "./tabs";
import { TopologyPanel } from "./with-profile";

/** Four wells of different depths; the shallowest is not supported. */
const wells = (a: number, b: number) =>
  (a * a - 1) ** 2 + (b * b - 1) ** 2 + 0.12 * a + 0.07 * b + 0.04 * a * b + 1;
const wanted = spec({ points: [17, 17], span: [1.6, 1.6] });
const drawn = surface(wanted, wells, 0);

let model: MemoryModel;
let store: Store;
let root: HTMLElement;

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(400);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(300);
  const data = sublevelTree(new Float32Array(drawn.values.buffer as ArrayBuffer), 17, 17);
  model = new MemoryModel({
    spec: wanted,
    surface: drawn,
    tree: {
      ...data,
      supported: view(Uint8Array.of(1, 1, 1, 0)),
      stderr: view(Float64Array.of(0, 0.1, 0.1, 0.4)),
      residual: view(Float64Array.of(0, 0.01, 0.01, 0.01)),
      frequency: view(Float64Array.of(1, 1, 0.98, 0.6)),
      proposed: 0.93,
      reason: "the widest gap",
    },
    selection: {},
    view: {},
    status: {},
  });
  store = createStore(model);
  root = document.createElement("div");
  document.body.append(root);
  act(() => render(<TopologyPanel store={store} />, root));
});

afterEach(() => {
  act(() => render(null, root));
  root.remove();
  store.dispose();
  vi.restoreAllMocks();
});

const tabs = () => [...root.querySelectorAll<HTMLElement>("[role=tab]")];
const pairs = () => [...root.querySelectorAll<SVGElement>("[role=option], [role=treeitem]")];
const named = (n: number) =>
  pairs().find((pair) => pair.getAttribute("aria-label")!.startsWith(`Minimum ${n}:`))!;
const press = (element: Element, key: string) =>
  act(
    () => void element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
  );
const open = (name: string) =>
  act(() =>
    tabs()
      .find((tab) => tab.textContent === name)!
      .click(),
  );
const at = (type: string, x: number, y: number) =>
  act(() => {
    const plot = root.querySelector(".nbl-tree-plot svg")!;
    plot.dispatchEvent(new MouseEvent(type, { clientX: x, clientY: y, bubbles: true }));
  });

describe("tabs", () => {
  it("choose a picture by click and by arrow keys, and the choice is saved with the view", () => {
    vi.useFakeTimers();
    expect(tabs().map((tab) => tab.textContent)).toEqual(["Merge tree", "Diagram", "Barcode", "Profile"]);
    expect(tabs().map((tab) => tab.tabIndex)).toEqual([0, -1, -1, -1]);
    open("Barcode");
    expect(root.querySelector("[role=listbox]")!.getAttribute("aria-label")).toContain("Barcode");
    press(tabs()[2]!, "ArrowRight");
    expect(tabs()[3]!.getAttribute("aria-selected")).toBe("true");
    expect(document.activeElement).toBe(tabs()[3]);
    const panel = root.querySelector("[role=tabpanel]")!;
    expect(panel.getAttribute("aria-labelledby")).toBe(tabs()[3]!.id);
    expect(tabs()[3]!.getAttribute("aria-controls")).toBe(panel.id);
    vi.advanceTimersByTime(1000);
    expect(model.saved.at(-1)).toMatchObject({ view: { topology: "profile" } });
    vi.useRealTimers();
  });

  it("go round and to the ends", () => {
    expect(["ArrowRight", "ArrowLeft", "Home", "End", "x"].map((key) => tabFor(key, 3, 4))).toEqual([
      0, 2, 0, 3, -1,
    ]);
  });

  it("offer no profile to a tree without a surface", () => {
    act(() => render(<MergeTreePanel store={store} />, root));
    expect(tabs()).toHaveLength(3);
  });
});

describe("every picture", () => {
  for (const name of ["Merge tree", "Diagram", "Barcode", "Profile"]) {
    it(`${name}: keyboard selection reaches the store, and the store's selection is shown`, () => {
      open(name);
      expect(pairs()).toHaveLength(4);
      expect(pairs().filter((pair) => pair.getAttribute("tabindex") === "0")).toHaveLength(1);
      const second = store.tree.value!.branches[1]!;
      press(named(2), "Enter");
      expect(store.selection.value).toMatchObject({ kind: "minimum", vertex: second.birthVertex });
      expect(named(2).getAttribute("aria-selected")).toBe("true");
      press(named(2), " ");
      expect(store.selection.value).toMatchObject({ kind: "saddle", vertex: second.deathVertex });
      const third = store.tree.value!.branches[2]!;
      act(() =>
        store.select({ kind: "minimum", vertex: third.birthVertex, coordinates: [0, 0], loss: third.birth }),
      );
      expect(named(3).getAttribute("aria-selected")).toBe("true");
      expect(named(2).getAttribute("aria-selected")).toBe("false");
    });

    it(`${name}: a hover of the surface lights the pair, focus hovers on the surface`, () => {
      open(name);
      const second = store.tree.value!.branches[1]!;
      act(() => {
        store.hover.value = {
          kind: "minimum",
          vertex: second.birthVertex,
          coordinates: null,
          loss: second.birth,
          from: "surface",
        };
      });
      expect(named(2).getAttribute("class")).toContain("nbl-branch-hovered");
      act(() => named(4).focus());
      const fourth = store.tree.value!.branches[3]!;
      expect(store.hover.value).toMatchObject({ kind: "minimum", vertex: fourth.birthVertex, from: "tree" });
      act(() => named(4).blur());
      expect(store.hover.value.kind).toBe("none");
    });

    it(`${name}: unsupported pairs are marked, the threshold takes pairs away`, () => {
      open(name);
      expect(named(4).getAttribute("class")).toContain("nbl-unsupported");
      expect(named(4).getAttribute("aria-label")).toContain("not supported by the data");
      expect(named(3).getAttribute("class")).not.toContain("nbl-unsupported");
      expect(root.querySelector(".nbl-legend")!.textContent).toContain("not supported by the data");
      const shallow = store.tree.value!.branches[3]!.persistence;
      act(() => store.request({ threshold: shallow * 1.001 }));
      expect(pairs()).toHaveLength(3);
      expect(root.querySelector(".nbl-legend")).toBeNull();
    });
  }

  it("finds the pair under the pointer in the diagram, shows its numbers, and selects it by click", () => {
    open("Diagram");
    const [, x, y] = named(2)
      .querySelector(".nbl-leaf")!
      .getAttribute("transform")!
      .match(/([\d.]+),([\d.]+)/)!;
    at("pointermove", Number(x) + 3, Number(y) - 2);
    expect(store.hover.value).toMatchObject({ kind: "minimum", from: "tree" });
    const tip = root.querySelector(".nbl-pair-tip")!;
    for (const word of ["birth", "death", "persistence", "±", "basin", "must exceed"])
      expect(tip.textContent).toContain(word);
    at("click", Number(x) + 3, Number(y) - 2);
    expect(store.selection.value.vertex).toBe(store.tree.value!.branches[1]!.birthVertex);
    at("pointermove", 399, 299);
    expect(store.hover.value.kind).toBe("none");
  });

  it("selects the basin under the pointer in the profile", () => {
    open("Profile");
    const [, x] = named(3)
      .querySelector(".nbl-leaf")!
      .getAttribute("transform")!
      .match(/([\d.]+),/)!;
    at("click", Number(x), 290);
    expect(store.selection.value.vertex).toBe(store.tree.value!.branches[2]!.birthVertex);
  });

  it("walks by persistence in lists and from left to right in the profile", () => {
    open("Barcode");
    press(named(2), "ArrowDown");
    expect(document.activeElement).toBe(named(3));
    press(named(3), "Home");
    expect(document.activeElement).toBe(named(1));
    open("Profile");
    press(named(1), "Home");
    const first = document.activeElement!.getAttribute("aria-label");
    press(document.activeElement!, "ArrowRight");
    expect(document.activeElement!.getAttribute("aria-label")).not.toBe(first);
  });
});

it("says how much is supported, and sets the proposed threshold with its reason", () => {
  expect(root.textContent).toContain("4 minima (supported 3 of 4");
  expect(root.textContent).toContain("supported only");
  const button = [...root.querySelectorAll("button")].find((b) => b.textContent === "Proposed")!;
  const reason = root.querySelector(`#${button.getAttribute("aria-describedby")}`)!;
  expect(reason.textContent).toBe("Threshold 0.93: the widest gap");
  expect(button.title).toBe(reason.textContent);
  act(() => button.click());
  expect(store.spec.value!.threshold).toBe(0.93);
  expect(button.getAttribute("aria-pressed")).toBe("true");
});

it("switches the basin map", () => {
  const button = [...root.querySelectorAll("button")].find((b) => b.textContent === "Basins")!;
  expect(button.getAttribute("aria-pressed")).toBe("false");
  act(() => button.click());
  expect(store.view.value.basin_map).toBe(true);
  expect(button.getAttribute("aria-pressed")).toBe("true");
});

it("puts a tip beside its mark and keeps it in the panel", () => {
  expect(tipPlace(50, 40, 100, 60, 400, 200)).toEqual([64, 48]);
  expect(tipPlace(380, 40, 100, 60, 400, 200)).toEqual([266, 48]);
  const [left, top] = tipPlace(200, 150, 300, 60, 400, 200);
  expect([left, top]).toEqual([50, 164]);
  const [, above] = tipPlace(200, 190, 300, 60, 400, 200);
  expect(above).toBe(116);
});

describe("the check of a critical point", () => {
  const button = () => [...root.querySelectorAll("button")].find((b) => b.textContent!.startsWith("Check"))!;
  const said = () => root.querySelector(".nbl-feature [aria-live=polite]")!.textContent;
  const asked = () => model.sent.filter((m) => (m as { method?: string }).method === "polish");
  const answer = (call: unknown, message: object) =>
    act(async () => model.message({ kind: "reply", id: (call as { id: string }).id, ...message }));
  const point = (verdict: string) => ({ ok: true, result: { verdict, loss: 0.25, moved: 0.5 } });
  const objective = () => act(() => model.fromKernel({ source: source({ kind: "objective" }) }));

  it("is offered for minima and saddles of an objective only", () => {
    press(named(2), "Enter");
    expect(button()).toBeUndefined();
    objective();
    expect(button().title).toContain("exact with the real loss");
    press(named(2), "Enter");
    expect(store.selection.value.kind).toBe("saddle");
    expect(button()).toBeDefined();
    act(() => store.select({ kind: "point", vertex: null, coordinates: [0, 0], loss: 1 }));
    expect(button()).toBeUndefined();
    press(named(2), "Enter");
    act(() => {
      store.kernel.value = "none";
    });
    expect(button()).toBeUndefined();
  });

  it("is asked for once, and its verdict stays with its vertex", async () => {
    objective();
    press(named(2), "Enter");
    act(() => button().click());
    expect(button().getAttribute("aria-disabled")).toBe("true");
    expect(button().textContent).toBe("Checking");
    act(() => button().click());
    const vertex = store.tree.value!.branches[1]!.birthVertex;
    expect(asked()).toMatchObject([{ kind: "rpc", params: { vertex } }]);
    press(named(3), "Enter");
    expect(button().textContent).toBe("Check");
    await answer(asked()[0], point("A minimum of the slice, but a saddle of the loss."));
    expect(said()).toBe("");
    press(named(2), "Enter");
    expect(said()).toBe(
      "A minimum of the slice, but a saddle of the loss. loss 0.25, 0.5 cells from the vertex",
    );
    expect(button().getAttribute("aria-disabled")).toBe("false");
  });

  it("tells why it failed, and can be asked for again", async () => {
    objective();
    press(named(2), "Enter");
    act(() => button().click());
    await answer(asked()[0], { ok: false, error: "The model has changed since." });
    expect(said()).toBe("Not checked: The model has changed since.");
    act(() => button().click());
    expect(said()).toBe("");
    await answer(asked()[1], point("A minimum."));
    expect(said()).toContain("A minimum.");
  });

  it("is void on another surface, also when it comes after that", async () => {
    objective();
    press(named(2), "Enter");
    act(() => button().click());
    await answer(asked()[0], point("Old."));
    press(named(3), "Enter");
    act(() => button().click());
    const next = { spec: { ...wanted, id: 2 }, surface: { ...drawn, id: 2 } };
    act(() => model.fromKernel({ ...next, tree: { ...store.tree.value!.tree, id: 2 } }));
    expect(store.selection.value.kind).toBe("minimum");
    await answer(asked()[1], point("Late."));
    expect(said()).toBe("");
    press(named(2), "Enter");
    expect(said()).toBe("");
    expect(button().textContent).toBe("Check");
  });
});
