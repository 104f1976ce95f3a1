import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "../../model/create-store";
import type { Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import { source, spec, spectrum, surface } from "../../testing/samples";
import { sublevelTree } from "../../testing/sublevel-tree";
import { Explorer } from "../explorer";
import { spectrumCaption, surfaceCaption, topologyCaption } from "./captions";
import { GLOSSARY } from "./glossary";
import { cardPlace } from "./tour";

const wells = (a: number, b: number) => (a * a - 1) ** 2 + 0.25 * a + b * b + 1;
const wanted = spec({ points: [17, 17], span: [1.6, 1.6] });
const drawn = surface(wanted, wells, 0);
const tree = sublevelTree(new Float32Array(drawn.values.buffer as ArrayBuffer), 17, 17);

let model: MemoryModel;
let store: Store;
let root: HTMLElement;

const Lead = () => <div class="lead" />;

function start(more: object = {}) {
  model = new MemoryModel({
    spec: wanted,
    source: source(),
    spectrum: spectrum(),
    surface: drawn,
    tree,
    selection: {},
    view: {},
    status: {},
    ...more,
  });
  store = createStore(model);
}

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(400);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(300);
  start();
  root = document.body.appendChild(document.createElement("div"));
  act(() => render(<Explorer store={store} Lead={Lead} />, root));
});

afterEach(() => {
  act(() => render(null, root));
  root.remove();
  store.dispose();
  vi.restoreAllMocks();
});

const press = (element: Element, key: string) =>
  act(
    () => void element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
  );
const explorer = () => root.querySelector<HTMLElement>(".nbl-explorer")!;
const tip = () => root.querySelector<HTMLElement>("[role=tooltip]")!;

it("draws every state that the kernel brings", () => {
  act(() => model.fromKernel({ tree: null }));
  act(() => model.fromKernel({ spectrum: spectrum({ resolved: [true, false, true] }) }));
  act(() => model.fromKernel({ tree }));
  act(() => store.request({ span: [1, 1] }));
  act(() => store.undo());
  expect(root.textContent).toContain("not resolved");
});

it("has one sentence for every term that is marked", () => {
  const marked = [...root.querySelectorAll<HTMLElement>("[data-term]")];
  expect(marked.length).toBeGreaterThan(12);
  for (const { dataset } of marked) expect(Object.keys(GLOSSARY)).toContain(dataset.term);
  for (const [, sentence] of Object.values(GLOSSARY)) expect(sentence).toMatch(/^[A-Z‖].*[^.]\.$/u);
});

it("follows a computation from its beginning", () => {
  act(() => render(null, root));
  store.dispose();
  start({ surface: null, tree: null, spectrum: null, source: null, spec: null });
  act(() => render(<Explorer store={store} Lead={Lead} />, root));
  act(() => model.fromKernel({ source: source() }));
  const progress = (lane: string, phase: string, done: number) =>
    act(() => {
      const status = { id: 1, lane, phase, done, total: 0, eta: null, message: "" } as never;
      if (lane === "spectrum") store.spectrumStatus.value = status;
      else store.status.value = status;
    });
  progress("spectrum", "running", 0);
  progress("spectrum", "running", 3);
  act(() => model.fromKernel({ spectrum: spectrum({ complete: false, resolved: [false, false, false] }) }));
  act(() => model.fromKernel({ spectrum: spectrum() }));
  progress("spectrum", "done", 12);
  act(() => model.fromKernel({ spec: wanted }));
  progress("surface", "running", 2);
  act(() => model.fromKernel({ surface: drawn }));
  act(() => model.fromKernel({ tree }));
  progress("surface", "done", 2);
  act(() => model.fromKernel({ spectrum: spectrum({ resolved: [true, false, true] }) }));
  expect(root.textContent).toContain("1 not resolved");
});

it("shows the sentence of a term that is pressed, describes it by that, and Escape takes it away", () => {
  const smad = [...root.querySelectorAll<HTMLElement>(".nbl-term")].find((b) => b.textContent === "SMAD")!;
  expect(tip().hidden).toBe(true);
  act(() => smad.click());
  expect(tip().hidden).toBe(false);
  expect(tip().textContent).toContain(GLOSSARY.smad[1]);
  expect(smad.getAttribute("aria-describedby")).toBe(tip().id);
  press(smad, "Escape");
  expect(tip().hidden).toBe(true);
  expect(smad.hasAttribute("aria-describedby")).toBe(false);
});

it("says in every panel what is seen, in each state", () => {
  expect(root.querySelector(".nbl-caption")).toBeNull();
  press(explorer(), "C");
  expect(store.view.value.captions).toBe(true);
  expect(root.querySelectorAll(".nbl-caption").length).toBe(4);
  const topology = () => topologyCaption(store);
  const deep = Math.min(...new Float32Array(drawn.values.buffer as ArrayBuffer));
  expect(topology()).toContain("2 basins. Minimum 1 is the lowest");
  expect(deep).toBeCloseTo(store.tree.value!.branches[0]!.birth);
  const other = store.tree.value!.branches[1]!;
  expect(topology()).toMatch(/leave the basin of minimum 2 .* rise by 0\.\d+/);
  expect(topology()).toContain(`rise by ${Number(other.persistence.toPrecision(4))}`);
  expect(spectrumCaption(store)).toContain("as at a saddle");
  expect(surfaceCaption(store)).toContain("above the lowest point shown");
  act(() => store.request({ threshold: 5 }));
  expect(topology()).toContain("One basin at this threshold");
  expect(topology()).toContain("1 less persistent minimum is merged");
  act(() => store.request({ axes: [0, 1], span: [0.5, 0.5] }));
  expect(surfaceCaption(store)).toContain("not measured");
  expect(topology()).toContain("when the surface has been measured");
  expect(spectrumCaption(store)).toContain("λ₁ = 6 and λ₂ = 2 differ by a factor of 3: a stretched bowl");
  act(() => model.fromKernel({ spectrum: spectrum({ values: [60, 2, 1] }) }));
  expect(spectrumCaption(store)).toContain("a factor of 30: a narrow valley");
  expect(spectrumCaption(store)).not.toContain("negative");
  act(() => model.fromKernel({ spectrum: null }));
  expect(spectrumCaption(store)).toContain("No eigenvalues are known");
});

it("leads through the panels by keys, and gives the focus back", () => {
  const button = root.querySelector<HTMLElement>("[aria-label=Tour]")!;
  button.focus();
  act(() => button.click());
  const card = () => root.querySelector<HTMLElement>("[role=dialog][aria-label=Tour]");
  const marked = () => [...root.querySelectorAll(".nbl-tour-target")].map((e) => e.className);
  expect(document.activeElement).toBe(card());
  expect(marked()).toEqual([expect.stringContaining("nbl-panel-surface")]);
  press(card()!, "ArrowRight");
  expect(marked()).toEqual([expect.stringContaining("nbl-panel-topology")]);
  press(card()!, "ArrowLeft");
  expect(marked()).toEqual([expect.stringContaining("nbl-panel-surface")]);
  for (let k = 0; k < 9; k++) press(card()!, "ArrowRight");
  expect(card()!.textContent).toContain("5 of 5");
  expect(card()!.textContent).toContain("Done");
  press(card()!, "Escape");
  expect(card()).toBeNull();
  expect(marked()).toEqual([]);
  expect(document.activeElement).toBe(button);
});

it("places the card of the tour where it hides least", () => {
  const card = { width: 300, height: 150 };
  const wide = { width: 1200, height: 700 };
  expect(cardPlace({ left: 720, top: 40, right: 1200, bottom: 340 }, card, wide)).toEqual([408, 115]);
  expect(cardPlace({ left: 0, top: 40, right: 720, bottom: 540 }, card, wide)).toEqual([732, 215]);
  const narrow = { width: 400, height: 1200 };
  expect(cardPlace({ left: 0, top: 500, right: 400, bottom: 800 }, card, narrow)).toEqual([50, 338]);
  const [x, y] = cardPlace({ left: 0, top: 0, right: 320, bottom: 160 }, card, { width: 320, height: 170 });
  expect(x).toBeGreaterThanOrEqual(8);
  expect(y).toBeGreaterThanOrEqual(8);
});
