import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createStore } from "../../model/create-store";
import type { Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import * as sample from "../../testing/samples";
import { ColorBar } from "./color-bar";
import { verticalRange } from "./scene";
import type { SurfaceUi } from "./ui";

const spec = sample.spec();
// Losses from 3 (the middle) to 3 + 4 + 1 = 8 (the corners).
const data = sample.surface(spec, (a, b) => 3 + a * a + b * b);

let store: Store;
let root: HTMLElement;
let ui: SurfaceUi;

/** What the controller does at every change. */
function follow(): void {
  const grid = store.grid.value!;
  const { range, scale, clipped } = verticalRange(grid, "linear", store.view.value.clip ?? null);
  act(() => {
    ui.bar.value = { grid, low: range[0], high: range[1], scale, clipped };
  });
}

beforeEach(() => {
  store = createStore(
    new MemoryModel({ spec, surface: data, source: sample.source(), status: {}, view: {} }),
  );
  ui = { bar: signal(null), size: signal({ width: 600, height: 500 }) } as unknown as SurfaceUi;
  root = document.body.appendChild(document.createElement("div"));
  follow();
  act(() => render(<ColorBar store={store} ui={ui} />, root));
});
afterEach(() => {
  act(() => render(null, root));
  root.remove();
  store.dispose();
});

const slider = (name: string) => root.querySelector<HTMLElement>(`[role=slider][aria-label^="${name}"]`)!;
const press = (element: HTMLElement, key: string) => {
  let reached = false;
  const outside = () => {
    reached = true;
  };
  root.addEventListener("keydown", outside, { once: true });
  act(
    () => void element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
  );
  root.removeEventListener("keydown", outside);
  return reached;
};

it("cuts the surface off by key, by a share of what is shown, and shows all again", () => {
  const clip = () => slider("Cut the surface");
  expect(clip().getAttribute("aria-valuetext")).toBe("nowhere");
  expect(press(clip(), "Home")).toBe(true);
  for (let k = 0; k < 30; k++) {
    press(clip(), "ArrowDown");
    follow();
  }
  const cut = store.view.value.clip!;
  expect(cut).toBeGreaterThan(3);
  expect(cut).toBeCloseTo(3 + 5 * Math.exp(-30 * 0.04 * Math.log(10)), 2);
  expect(root.textContent).toContain("cut above");
  expect(press(clip(), "End")).toBe(false);
  expect(store.view.value.clip).toBeNull();
});

it("keeps the colours of a band, tells its share, and Escape gives them back", () => {
  const [lowest, highest] = [() => slider("Lowest loss"), () => slider("Highest loss")];
  for (let k = 0; k < 4; k++) press(highest(), "PageDown");
  press(lowest(), "PageUp");
  const [from, to] = store.view.value.brush!;
  expect(from).toBeCloseTo(3.5, 5);
  expect(to).toBeCloseTo(6, 5);
  expect(highest().getAttribute("aria-valuenow")).toBe("60");
  expect(root.querySelector("[role=status]")!.textContent).toMatch(/^\d+(\.\d)? % of the window$/);
  // An end does not pass the other one.
  press(highest(), "Home");
  expect(store.view.value.brush![1]).toBeCloseTo(from, 5);
  expect(press(lowest(), "Escape")).toBe(false);
  expect(store.view.value.brush).toBeNull();
});

it("colours all where no loss lies in the band, says so, and has the band again where some do", () => {
  act(() => store.setView({ brush: [20, 30] }));
  expect(root.querySelector(".nbl-bar-off")).toBeNull();
  expect(root.querySelector("[role=status]")!.textContent).toBe("no loss from 20 to 30: all coloured");
  act(() => store.setView({ brush: [7, 30] }));
  expect(root.querySelectorAll(".nbl-bar-off")).toHaveLength(2);
  expect(root.querySelector("[role=status]")!.textContent).toContain("of the window");
});
