import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KEYS_PAUSE_MS, Slider } from "./slider";

let root: HTMLElement;
let log: string[];

beforeEach(() => {
  vi.useFakeTimers();
  root = document.createElement("div");
  document.body.append(root);
  log = [];
  act(() => {
    render(
      <Slider
        value={5}
        min={0}
        max={10}
        label="x"
        valueText="5"
        onDrag={() => log.push("drag")}
        onSettle={() => log.push("settle")}
      />,
      root,
    );
  });
});

afterEach(() => {
  act(() => render(null, root));
  root.remove();
  vi.useRealTimers();
});

const input = () => root.querySelector("input")!;
const fire = (...names: string[]) => {
  for (const name of names) input().dispatchEvent(new Event(name, { bubbles: true }));
};
const press = () => fire("keydown", "input", "change");

it("takes keys that follow each other for one drag", () => {
  press();
  vi.advanceTimersByTime(KEYS_PAUSE_MS - 100);
  press();
  vi.advanceTimersByTime(KEYS_PAUSE_MS - 100);
  press();
  expect(log).toEqual(["drag", "drag", "drag"]);
  vi.advanceTimersByTime(101 + KEYS_PAUSE_MS);
  expect(log).toEqual(["drag", "drag", "drag", "settle"]);
});

it("ends the keys' drag when the focus leaves, when a pointer comes, and when it goes away", () => {
  press();
  fire("focusout", "blur");
  expect(log.filter((x) => x === "settle")).toHaveLength(1);
  press();
  fire("pointerdown");
  expect(log.filter((x) => x === "settle")).toHaveLength(2);
  fire("keydown", "input", "change");
  act(() => render(null, root));
  expect(log.filter((x) => x === "settle")).toHaveLength(3);
  vi.advanceTimersByTime(10 * KEYS_PAUSE_MS);
  expect(log.filter((x) => x === "settle")).toHaveLength(3);
});

it("settles at once when a pointer lets go", () => {
  fire("pointerdown", "input", "input", "change");
  expect(log).toEqual(["drag", "drag", "settle"]);
});
