import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Splitter } from "./splitter";

const onChange = vi.fn();
const onReset = vi.fn();
let root: HTMLElement;
const last = () => onChange.mock.lastCall![0] as number;

function draw(orientation: "vertical" | "horizontal", toward: 1 | -1) {
  act(() =>
    render(
      <Splitter
        label="Width"
        orientation={orientation}
        value={0.4}
        limits={[0.2, 0.75]}
        controls="side"
        toward={toward}
        onChange={onChange}
        onReset={onReset}
      />,
      root,
    ),
  );
  const bar = root.querySelector<HTMLElement>("[role=separator]")!;
  bar.setPointerCapture = () => {};
  root.getBoundingClientRect = () => ({ width: 1000, height: 500 }) as DOMRect;
  return bar;
}

beforeEach(() => {
  root = document.body.appendChild(document.createElement("div"));
  onChange.mockClear();
  onReset.mockClear();
});
afterEach(() => {
  act(() => render(null, root));
  root.remove();
});

const pointer = (type: string, x: number, y: number) =>
  new MouseEvent(type, { clientX: x, clientY: y, bubbles: true, button: 0 });

it("follows the pointer by what it has moved, not by where it took hold", () => {
  const bar = draw("vertical", 1);
  act(() => void bar.dispatchEvent(pointer("pointermove", 100, 0)));
  expect(onChange).not.toHaveBeenCalled();
  act(() => void bar.dispatchEvent(pointer("pointerdown", 603, 0)));
  act(() => void bar.dispatchEvent(pointer("pointermove", 503, 0)));
  expect(last()).toBeCloseTo(0.5);
  act(() => void bar.dispatchEvent(pointer("pointerup", 503, 0)));
  act(() => void bar.dispatchEvent(pointer("pointermove", 0, 0)));
  expect(onChange).toHaveBeenCalledTimes(1);
});

it("moves the bar the way that its keys say", () => {
  const press = (bar: HTMLElement, key: string, shiftKey = false) =>
    act(
      () =>
        void bar.dispatchEvent(
          new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }),
        ),
    );
  const right = draw("vertical", 1);
  press(right, "ArrowLeft");
  expect(last()).toBeCloseTo(0.42);
  press(right, "ArrowRight", true);
  expect(last()).toBeCloseTo(0.3);
  press(right, "End");
  expect(last()).toBeCloseTo(0.75);
  press(right, "Enter");
  expect(onReset).toHaveBeenCalledTimes(1);
  const above = draw("horizontal", -1);
  press(above, "ArrowDown");
  expect(last()).toBeCloseTo(0.42);
  press(above, "ArrowUp");
  expect(last()).toBeCloseTo(0.38);
  // The keys of the other direction are not its own.
  const calls = onChange.mock.calls.length;
  press(above, "ArrowLeft");
  expect(onChange).toHaveBeenCalledTimes(calls);
});

it("says what it is and where it stands", () => {
  const bar = draw("vertical", 1);
  expect(bar.getAttribute("aria-valuenow")).toBe("40");
  expect(bar.getAttribute("aria-valuemin")).toBe("20");
  expect(bar.getAttribute("aria-orientation")).toBe("vertical");
  expect(bar.tabIndex).toBe(0);
});
