import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { type ComparisonStore, createComparison } from "../../model/comparison";
import { MemoryModel } from "../../testing/memory-model";
import * as sample from "../../testing/samples";
import { sublevelTree } from "../../testing/sublevel-tree";
import { Comparison, howMany } from ".";
import { numbersCsv } from "./numbers";
import { statusLine } from "./status-line";

const DONE = { id: 1, lane: "surface", phase: "done", done: 45, total: 45, eta: null, message: "" };
const FAILED = { ...DONE, phase: "error", done: 0, message: "ValueError: <b>no</b> way" };

type F = (a: number, b: number) => number;

/** Members by name: a function that is sampled, or null for one that failed. */
function model(functions: Record<string, F | null>): MemoryModel {
  const spec = sample.spec();
  const surfaces = Object.values(functions).map((f) => f && sample.surface(spec, f, f(0, 0)));
  const trees = surfaces.map((surface) => {
    if (surface === null) return null;
    const values = new Float32Array(surface.values.buffer as ArrayBuffer);
    return sublevelTree(values, ...surface.shape, surface.base);
  });
  const of = <T,>(give: (f: F | null, k: number) => T) => Object.values(functions).map(give);
  return new MemoryModel({
    names: Object.keys(functions),
    specs: of((f) => (f === null ? null : spec)),
    sources: of(() => sample.source({ kind: "function", can_choose_axes: false })),
    spectra: of((_, k) => (k === 0 ? sample.spectrum() : null)),
    surfaces,
    trees,
    statuses: of((f) => (f === null ? FAILED : DONE)),
    selections: of(() => null),
    view: {},
  });
}

const bowl: F = (a, b) => a * a + b * b;
const wells: F = (a, b) => (a * a - 1) ** 2 + b * b;
const spike: F = (a, b) => bowl(a, b) + (a === 1 && b === 0.5 ? 5000 : 0);

let store: ComparisonStore;
let whole: MemoryModel;
let root: HTMLElement;

function show(functions: Record<string, F | null>): void {
  whole = model(functions);
  store = createComparison(whole);
  root = document.createElement("div");
  document.body.append(root);
  act(() => render(<Comparison store={store} />, root));
}

afterEach(() => {
  act(() => render(null, root));
  store.dispose();
  root.remove();
});

const button = (name: string) =>
  [...root.querySelectorAll("button")].find((b) =>
    (b.getAttribute("aria-label") ?? b.textContent)!.includes(name),
  );
const row = (name: string) => root.querySelector(`.nbl-comparison-${name}`)?.textContent ?? "";

describe("comparison view", () => {
  it("of one landscape compares nothing", () => {
    show({ only: bowl });
    expect(root.querySelector(".nbl-heading p")!.textContent).toBe("1 landscape");
    expect(howMany(2)).toBe("2 landscapes side by side");
    expect(button("Turn all together")).toBeUndefined();
    expect(row("place")).toBe("");
  });

  it("shows one that failed with its name and error, as text", () => {
    show({ "<i>bad</i>": null, good: bowl });
    const [bad, good] = root.querySelectorAll("article");
    expect(bad!.getAttribute("aria-label")).toBe("<i>bad</i>");
    expect(bad!.querySelector('[role="alert"]')!.textContent).toContain("ValueError: <b>no</b> way");
    expect(good!.querySelector("canvas")).not.toBeNull();
    expect(root.querySelector("article i, article b")).toBeNull();
    expect(statusLine(store)).toEqual({ tone: "error", text: "1 landscape failed: <i>bad</i>" });
  });

  it("says who flattens the others, and cuts all or goes over to symlog at a press", () => {
    show({ spiky: spike, flat: bowl });
    expect(row("proposal")).toContain("spiky reaches 5001");
    act(() => button("Cut all at")!.click());
    const clip = store.members[1]!.store.view.value.clip!;
    expect(clip).toBeGreaterThan(3);
    expect(clip).toBeLessThanOrEqual(5);
    expect(row("proposal")).toBe("");
    act(() => button("Show all")!.click());
    expect(store.members[0]!.store.view.value.clip).toBeNull();
    act(() => store.request({ scale: "symlog" }));
    expect((whole.get("specs") as { scale: string }[]).map((s) => s.scale)).toEqual(["symlog", "symlog"]);
    expect(row("proposal")).toBe("");
  });

  it("says what lies above the cut altogether", () => {
    show({ low: bowl, high: (a, b) => 50 + bowl(a, b) });
    act(() => store.setView({ clip: 10 }));
    expect(row("scale")).toContain("All of high lies above the cut.");
  });

  it("has one threshold for all, with the minima that it leaves of each", () => {
    show({ wells, bowl });
    const counts = () =>
      [...root.querySelectorAll(".nbl-comparison-threshold li")].map((li) => li.textContent);
    expect(counts()).toEqual(["wells 2", "bowl 1"]);
    act(() => store.lead.value.request({ threshold: 2 }));
    expect(counts()).toEqual(["wells 1 of 2", "bowl 1"]);
    expect((whole.get("specs") as { threshold: number }[]).map((s) => s.threshold)).toEqual([2, 2]);
  });

  it("reads off the losses of all where one is pointed at", () => {
    show({ wells, bad: null, bowl });
    act(() => {
      store.members[2]!.store.hover.value = {
        ...{ kind: "vertex", vertex: 22, coordinates: [0, 0], loss: 0, from: "surface" },
      } as never;
    });
    const told = [...root.querySelectorAll(".nbl-comparison-place dl > div")].map((div) => [
      ...[...div.children].map((part) => part.textContent),
    ]);
    expect(told).toEqual([
      ["here", "(0, 0)"],
      ["wells", "1"],
      ["bad", "not computed"],
      ["bowl", "0"],
    ]);
  });

  it("gives the numbers as to_frame() does", () => {
    show({ 'two, "deep" wells': wells, bad: null });
    const { smad } = store.members[0]!.store.tree.value!;
    const header = "name,loss,largest,largest_residual,smallest,smallest_residual,minima,smad,lowest";
    expect(numbersCsv(store.members).split("\r\n")).toEqual([
      header,
      `"two, ""deep"" wells",1,6,0.001,-1,0.001,2,${smad},0`,
      "bad,nan,nan,nan,nan,nan,nan,nan,nan",
      "",
    ]);
  });

  it("explains itself: captions, terms, and a list of keys without what it has not", () => {
    show({ wells, bowl });
    const captions = () => root.querySelectorAll(".nbl-caption").length;
    expect(captions()).toBe(0);
    act(() => {
      root
        .querySelector("section")!
        .dispatchEvent(new KeyboardEvent("keydown", { key: "C", shiftKey: true, bubbles: true }));
    });
    expect(captions()).toBe(3);
    act(() => {
      root
        .querySelector("section")!
        .dispatchEvent(new KeyboardEvent("keydown", { key: "T", shiftKey: true, bubbles: true }));
    });
    expect(root.querySelector('th [data-term="smad"]')!.textContent).toBe("SMAD");
    act(() => button("Keys")!.click());
    const keys = [...root.querySelectorAll(".nbl-keys dt")].map((dt) => dt.textContent);
    expect(keys).toContain("Arrow keys on the surface");
    expect(keys.filter((key) => /in the tree|eigenvalue$|selected point/.test(key!))).toEqual([]);
    expect(keys.filter((key) => key === "Shift+T")).toHaveLength(1);
  });

  it("cancels all while anything runs", () => {
    show({ wells, bowl });
    expect(button("Cancel")).toBeUndefined();
    act(() => whole.fromKernel({ statuses: [DONE, { ...DONE, id: 1, phase: "running", done: 9 }] }));
    expect(root.querySelector(".nbl-phase-text")!.textContent).toBe("computing 1 of 2, 60 %");
    act(() => button("Cancel")!.click());
    expect(whole.sent.map((m) => (m as { content: object }).content)).toEqual([
      { kind: "cancel", upto: 1 },
      { kind: "cancel", upto: 1 },
    ]);
  });
});
