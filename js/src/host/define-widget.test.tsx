import { expect, it, vi } from "vitest";
import { createStore } from "../model/create-store";
import type { Store } from "../model/store";
import { MemoryModel } from "../testing/memory-model";
import * as sample from "../testing/samples";
import { defineWidget } from "./define-widget";

const model = () => new MemoryModel({ spec: sample.spec(), source: sample.source({ title: "<b>net</b>" }) });

function Panel({ store }: { store: Store }) {
  return (
    <button type="button" onClick={() => store.request({ scale: "log" })}>
      {store.source.value?.title}: {store.spec.value?.scale}
    </button>
  );
}

const proxy = (m: MemoryModel) => ({
  get: m.get.bind(m),
  set: m.set.bind(m),
  save_changes: m.save_changes.bind(m),
  on: m.on.bind(m),
  off: m.off.bind(m),
  send: m.send.bind(m),
});

const button = (el: HTMLElement) => el.firstElementChild!.shadowRoot!.querySelector("button")!;

it("shares one store between the views of a model, though hosts wrap the model anew for each hook", async () => {
  const m = model();
  const hooks = defineWidget("test", Panel, [], createStore)();
  const stop = hooks.initialize({ model: proxy(m) });
  const [one, two] = [document.createElement("div"), document.createElement("div")];
  hooks.render({ model: proxy(m), el: one });
  const close = hooks.render({ model: proxy(m), el: two });
  button(one).click();
  await vi.waitFor(() => expect(button(two).textContent).toBe("<b>net</b>: log"));
  close();
  expect(two.childElementCount).toBe(0);
  expect(one.childElementCount).toBe(1);
  stop();
  expect(m.listening).toBe(0);
});

it("marks the shadow host, where JupyterLab looks", () => {
  const el = document.createElement("div");
  const hooks = defineWidget("test", Panel, [], createStore)();
  hooks.render({ model: model(), el });
  const host = el.firstElementChild as HTMLElement;
  expect(host.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
  expect(host.shadowRoot!.adoptedStyleSheets.length).toBeGreaterThan(0);
});

it("cleans up once, by the signal or by the returned function", () => {
  const m = model();
  const el = document.createElement("div");
  const controller = new AbortController();
  const close = defineWidget("test", Panel, [], createStore)().render({
    model: m,
    el,
    signal: controller.signal,
  });
  controller.abort();
  expect(el.childElementCount).toBe(0);
  expect(m.listening).toBe(0);
  close();
});

it("shows the text of an error in the place of the view", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const Broken = (): never => {
    throw new RangeError("<i>no</i> such axis");
  };
  const el = document.createElement("div");
  defineWidget("test", Broken, [], createStore)().render({ model: model(), el });
  const root = el.firstElementChild!.shadowRoot!;
  await vi.waitFor(() => expect(root.textContent).toContain("RangeError: <i>no</i> such axis"));
  expect(root.querySelector("i")).toBeNull();
  log.mockRestore();
});

it("keeps the notebook's command keys from the notebook", () => {
  const m = model();
  const el = document.body.appendChild(document.createElement("div"));
  defineWidget("test", Panel, [], createStore)().render({ model: m, el });
  const leaked: string[] = [];
  const listen = (event: KeyboardEvent) => leaked.push(event.key);
  document.body.addEventListener("keydown", listen);
  const press = (key: string, more: KeyboardEventInit = {}) =>
    button(el).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, ...more }));
  for (const key of ["a", "b", "d", "x", "z", "m", "y", "Enter", "ArrowDown"]) press(key);
  press("s", { ctrlKey: true });
  document.body.removeEventListener("keydown", listen);
  expect(leaked).toEqual(["s"]);
});
