import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describe as describeStore } from "../../a11y/live-region";
import { createStore } from "../../model/create-store";
import type { Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import { spec, surface, tree } from "../../testing/samples";
import { StatusBar } from "./status-bar";

const wanted = spec();
const plain = surface(wanted, (a, b) => a * a + b * b);
const concerns = ["3 of 45 points are holes.", "Every other row is shifted."];

let model: MemoryModel;
let store: Store;
let root: HTMLElement;

beforeEach(() => {
  model = new MemoryModel({
    spec: wanted,
    surface: { ...plain, concerns },
    tree: tree(1, [9, 5], [[0, Number.POSITIVE_INFINITY, -1]]),
    status: {},
    view: {},
  });
  store = createStore(model);
  root = document.createElement("div");
  document.body.append(root);
  act(() => render(<StatusBar store={store} />, root));
});

afterEach(() => {
  act(() => render(null, root));
  root.remove();
  store.dispose();
});

const button = () => root.querySelector<HTMLElement>("button.nbl-notes");
const dialog = () => root.querySelector("[role=dialog]");

it("has the concerns of the surface behind a button", () => {
  expect(button()!.textContent).toBe("⚠ 2 notes");
  expect(button()!.getAttribute("aria-expanded")).toBe("false");
  expect(dialog()).toBeNull();
  act(() => button()!.click());
  expect(button()!.getAttribute("aria-expanded")).toBe("true");
  expect([...dialog()!.querySelectorAll("li")].map((li) => li.textContent)).toEqual(concerns);
  expect(document.activeElement).toBe(dialog());
  act(() => void dialog()!.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true })));
  expect(dialog()).toBeNull();
  expect(describeStore(store)).toContain("2 notes in the status bar.");
});

it("has none where there is nothing to say, and in older files", () => {
  act(() => model.fromKernel({ surface: { ...plain, concerns: concerns.slice(1) } }));
  expect(button()!.textContent).toBe("⚠ 1 note");
  const { concerns: _, ...older } = plain;
  for (const data of [plain, older]) {
    act(() => model.fromKernel({ surface: { ...data, id: 1 } }));
    expect(button()).toBeNull();
    expect(describeStore(store)).not.toContain("note");
  }
});

it("says nothing of a window that is only predicted", () => {
  act(() => store.request({ span: [1, 0.5] }));
  expect(store.grid.value!.state).toBe("predicted");
  expect(button()).toBeNull();
});

it("says how to go on when the kernel is gone", () => {
  act(() => {
    store.kernel.value = "none";
    store.grid.value = { ...store.grid.value!, state: "predicted" };
  });
  expect(root.querySelector(".nbl-phase-text")!.textContent).toMatch(/prediction: run the cell again$/);
});

it("starts again what was cancelled, but not by the second click of a double one", () => {
  const press = (detail: number) =>
    act(
      () =>
        void root
          .querySelector(".nbl-phase button")!
          .dispatchEvent(new MouseEvent("click", { bubbles: true, detail })),
    );
  expect(root.querySelector(".nbl-phase button")).toBeNull();
  act(() => {
    store.status.value = { ...store.status.value, phase: "cancelled" };
  });
  expect(root.querySelector(".nbl-phase button")!.textContent).toBe("Start again");
  const { id } = store.spec.value!;
  press(2);
  expect(store.spec.value!.id).toBe(id);
  press(1);
  expect(store.spec.value!.id).toBe(id + 1);
  expect(root.querySelector(".nbl-phase button")!.textContent).toBe("Cancel");
  act(() => {
    store.kernel.value = "none";
    store.status.value = { ...store.status.value, phase: "cancelled" };
  });
  expect(root.querySelector(".nbl-phase button")).toBeNull();
});
