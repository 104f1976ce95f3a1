import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "../../model/create-store";
import type { TrustNumbers } from "../../model/protocol";
import type { Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import * as sample from "../../testing/samples";
import { TrustRow, trustRows } from "./trust";

const report: TrustNumbers = {
  verdict: "This slice shows a saddle; a random slice would with probability 0.41 ± 0.05.",
  mean_curvature: { value: 0.0123, stderr: 0.002 },
  frobenius: { value: 5, stderr: 0.1 },
  probability: {
    saddle: { value: 0.41, stderr: 0.05 },
    minimum: { value: 0.59, stderr: 0.05 },
    maximum: { value: 0, stderr: 0.01 },
  },
  largest: { value: 3.3, residual: 0.003, noise: 0.004, verdict: "significant", sight: null },
  smallest: { value: -0.03, residual: 0.001, noise: null, verdict: "noise unknown", sight: "visible" },
  curvatures: [-0.03, 3.3],
  expected_curvatures: [-0.1, 0.2],
  gradient_norm: 0.001,
  point: "saddle",
  products: 14,
};
const spec = sample.spec();
const surface = sample.surface(spec, (a, b) => a * a - b * b);

let model: MemoryModel;
let store: Store;
let root: HTMLElement;

beforeEach(() => {
  model = new MemoryModel({ spec, surface, source: sample.source(), status: {}, view: {} });
  store = createStore(model);
  root = document.body.appendChild(document.createElement("div"));
  act(() => render(<TrustRow store={store} />, root));
});
afterEach(() => {
  act(() => render(null, root));
  root.remove();
  store.dispose();
});

const asked = () => model.sent.filter((m) => (m as { method?: string }).method === "trust");
const button = () => root.querySelector("button")!;

it("asks once, says the verdict, and has the numbers behind a button", async () => {
  act(() => button().click());
  expect(button().disabled).toBe(true);
  act(() => button().click());
  expect(asked()).toHaveLength(1);
  const { id } = asked()[0] as { id: string };
  act(() => model.message({ kind: "reply", id, ok: true, result: report }));
  await vi.waitFor(() => expect(root.querySelector("[role=status]")?.textContent).toBe(report.verdict));
  expect(root.querySelector("table")).toBeNull();
  act(() => button().click());
  const cells = [...root.querySelectorAll("tr")].map((tr) => [...tr.children].map((c) => c.textContent));
  expect(cells).toEqual(trustRows(report).map((row) => [...row]));
  expect(cells).toContainEqual(["λ₁", "3.3 ± 0.005", "significant"]);
  expect(cells).toContainEqual(["λ₋₁", "−0.03 ± 0.001", "noise unknown, visible"]);
});

it("belongs to one plane: another one has none, and back it is there again", async () => {
  act(() => button().click());
  const { id } = asked()[0] as { id: string };
  act(() => model.message({ kind: "reply", id, ok: true, result: report }));
  await vi.waitFor(() => expect(root.querySelector("[role=status]")).not.toBeNull());
  act(() => store.request({ axes: [0, 1] }));
  expect(root.querySelector("[role=status]")).toBeNull();
  // While only a prediction is drawn there is nothing to ask about.
  expect(button().disabled).toBe(true);
  act(() => store.undo());
  const again = store.spec.value!;
  act(() => model.fromKernel({ surface: { ...surface, id: again.id, spec: again } }));
  expect(root.querySelector("[role=status]")).not.toBeNull();
});

it("says why it failed and can be asked again", async () => {
  act(() => button().click());
  const { id } = asked()[0] as { id: string };
  act(() => model.message({ kind: "reply", id, ok: false, error: "<b>out</b> of memory" }));
  await vi.waitFor(() =>
    expect(root.querySelector("[role=alert]")?.textContent).toBe("<b>out</b> of memory"),
  );
  act(() => button().click());
  expect(asked()).toHaveLength(2);
});
