import { afterEach, beforeEach, expect, it } from "vitest";
import { describe as announced } from "../../a11y/live-region";
import { createStore } from "../../model/create-store";
import type { LiveGrid, Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import * as sample from "../../testing/samples";
import { statusLine } from "../explorer/status-bar";
import { standing, stopped } from "./standing";

const wanted = sample.spec();
let store: Store;

beforeEach(() => {
  const surface = sample.surface(wanted, (a, b) => 3 + a * a + b * b);
  store = createStore(
    new MemoryModel({ spec: wanted, surface, source: sample.source(), status: {}, view: {} }),
  );
});
afterEach(() => store.dispose());

function put(grid: Partial<LiveGrid>, phase: "running" | "cancelled" | "done"): void {
  store.grid.value = { ...store.grid.value!, ...grid };
  store.status.value = { ...store.status.value, phase };
}

it("says nothing of a finished surface that is the wanted one", () => {
  put({}, "done");
  expect(standing(store)).toBe("");
});

it("tells refining from stopped, the same in badge, status bar and live region", () => {
  put({ state: "partial", known: 0.409 }, "running");
  expect(standing(store)).toBe("refining 40 %");
  put({}, "cancelled");
  expect(standing(store)).toBe("stopped at 40 %");
  expect(statusLine(store)).toEqual({ tone: "warn", text: "stopped at 40 %" });
  expect(announced(store)).toBe("Stopped at 40 %.");
});

it("says which picture is left where nothing of the wanted one was computed", () => {
  put({ state: "predicted" }, "cancelled");
  expect(stopped(store)).toBe("stopped: predicted (quadratic)");
  put({ state: "final", spec: { ...wanted, span: [9, 9] } }, "cancelled");
  expect(announced(store)).toBe("Stopped: earlier view, not the one asked for.");
  put({}, "running");
  expect(standing(store)).toBe("earlier view, new values follow");
});
