import { expect, it } from "vitest";
import { MemoryModel } from "../testing/memory-model";
import { spec, tree } from "../testing/samples";
import { createStore } from "./create-store";
import { createStillStore } from "./still";

const branches: [number, number, number][] = [
  [0, Number.POSITIVE_INFINITY, -1],
  [1, 3, 0],
  [2, 2.5, 0],
];
const model = () => new MemoryModel({ spec: spec(), tree: tree(1, [4, 4], branches) });

it("cuts, undoes and saves a tree alone as the whole store does", () => {
  const results = [createStillStore, createStore].map((create) => {
    const m = model();
    const store = create(m);
    const counts = [store.tree.value!.branches.length];
    store.request({ threshold: 1 });
    counts.push(store.tree.value!.branches.length);
    store.undo();
    counts.push(store.tree.value!.branches.length);
    store.redo();
    store.select({ kind: "minimum", vertex: 0, coordinates: null, loss: 0 });
    const sent = { counts, saved: m.saved, kernel: store.kernel.value, phase: store.status.value.phase };
    store.dispose();
    expect(m.listening).toBe(0);
    return sent;
  });
  expect(results[0]!.counts).toEqual([3, 2, 3]);
  expect(results[0]).toEqual(results[1]);
});

it("asks no kernel", async () => {
  const m = model();
  const store = createStillStore(m);
  store.cancel();
  await expect(store.rpc("html", {})).rejects.toThrow("asks no kernel");
  expect(m.sent).toEqual([]);
});
