import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createStore } from "../../model/create-store";
import type { Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import { source, spec } from "../../testing/samples";
import { Controls } from ".";

let root: HTMLElement;
let store: Store;

function show(change: Parameters<typeof source>[0] = {}) {
  store = createStore(new MemoryModel({ spec: spec({ points: [9, 9] }), source: source(change) }));
  act(() => render(<Controls store={store} />, root));
}

beforeEach(() => {
  root = document.createElement("div");
  document.body.append(root);
});

afterEach(() => {
  act(() => render(null, root));
  store.dispose();
  root.remove();
});

const slider = () => root.querySelector<HTMLInputElement>("input[aria-label='Resolution']")!;
const field = () => root.querySelector<HTMLInputElement>("input[aria-label='Points along each axis']")!;
const description = (of: Element) =>
  root.querySelector(`#${of.getAttribute("aria-describedby")}`)!.textContent;
const tip = () => [...root.querySelectorAll(".nbl-times-tip > div")].map((row) => row.textContent);
const fire = (on: Element, event: Event) => act(() => void on.dispatchEvent(event));

it("tells a screen reader what every choice will take, and the slider what the present one does", () => {
  show();
  for (const control of [slider(), field()]) {
    expect(description(control)).toContain("17 by 17 points 2.9 s, 33 by 33 points 11 s");
  }
  expect(slider().getAttribute("aria-valuetext")).toBe("9 by 9 points, about 0.81 s");
});

it("shows the same at the pointer and at the keyboard's focus, until Escape", () => {
  show();
  expect(tip()).toEqual([]);
  fire(slider(), new FocusEvent("focus"));
  expect(tip()).toEqual(["5²≈ 0.25 s", "9²≈ 0.81 s", "17²≈ 2.9 s", "33²≈ 11 s"]);
  fire(slider(), new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  expect(tip()).toEqual([]);
  const control = slider().closest(".nbl-control")!;
  fire(control, new PointerEvent("pointerenter"));
  expect(tip()).toHaveLength(4);
  fire(control, new PointerEvent("pointerleave"));
  expect(tip()).toEqual([]);
});

it("predicts a number while it is typed, and computes nothing until it is taken", () => {
  show();
  fire(field(), new FocusEvent("focus"));
  field().value = "21";
  fire(field(), new Event("input", { bubbles: true }));
  expect(tip()).toContain("21²≈ 4.4 s");
  expect(root.querySelector("[role=status]")!.textContent).toBe("21 by 21 points: about 4.4 s");
  expect(store.spec.value!.points).toEqual([9, 9]);
});

it("says nothing where nothing is known or computed", () => {
  show({ point_seconds: 0 });
  expect(slider().hasAttribute("aria-describedby")).toBe(false);
  expect(slider().getAttribute("aria-valuetext")).toBe("9 by 9 points");
});
