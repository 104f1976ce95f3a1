import { describe, expect, it } from "vitest";
import { MemoryModel } from "../testing/memory-model";
import * as sample from "../testing/samples";
import { commonRange, createComparison } from "./comparison";
import { memberModel } from "./member-model";

const specs = [sample.spec(), sample.spec({ id: 4 })];
const surfaces = [
  sample.surface(specs[0]!, (a, b) => 3 + a * a + b * b),
  sample.surface(specs[1]!, (a, b) => 10 + a + b, 10),
];

const model = (more: Record<string, unknown> = {}) =>
  new MemoryModel({
    names: ["<b>one</b>", "two"],
    specs,
    sources: [sample.source(), sample.source({ title: "other" })],
    spectra: [sample.spectrum(), null],
    surfaces,
    trees: [null, null],
    statuses: [null, null],
    selections: [null, null],
    view: {},
    ...more,
  });

describe("member of a comparison", () => {
  it("reads and writes its own place only", () => {
    const whole = model();
    const second = memberModel(whole, 1);
    expect(second.get("spec")).toBe(specs[1]);
    expect(second.get("names")).toBeUndefined();
    const changed = sample.spec({ id: 5, scale: "log" });
    second.set("spec", changed);
    second.save_changes();
    expect(whole.saved).toEqual([{ specs: [specs[0], changed] }]);
    second.send({ kind: "cancel", upto: 5 });
    expect(whole.sent).toEqual([{ kind: "member", number: 1, content: { kind: "cancel", upto: 5 } }]);
  });

  it("hears what concerns it, until it listens no more", () => {
    const whole = model();
    const [first, second] = [memberModel(whole, 0), memberModel(whole, 1)];
    const heard: unknown[] = [];
    const listener = (message: unknown) => void heard.push(message);
    second.on("msg:custom", listener as (...args: never[]) => void);
    first.on("change:spec", (() => heard.push("spec")) as never);
    whole.message({ kind: "member", number: 0, content: "for the first" });
    whole.message({ kind: "member", number: 1, content: "for the second" });
    whole.fromKernel({ specs: [...specs] });
    expect(heard).toEqual(["for the second", "spec"]);
    second.off("msg:custom", listener as (...args: never[]) => void);
    whole.message({ kind: "member", number: 1, content: "late" });
    expect(heard).toHaveLength(2);
  });
});

describe("comparison", () => {
  it("spans the losses of all, holes left out", () => {
    const store = createComparison(model());
    const [one] = store.members;
    expect(one!.name).toBe("<b>one</b>");
    expect(one!.store.range!.value).toEqual([3, 13]);
    store.common.value = false;
    expect(one!.store.range!.value).toBeNull();
    expect(
      commonRange([null, { range: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], base: 0 } as never]),
    ).toBeNull();
    store.dispose();
  });

  it("turns all together while they are locked", () => {
    const store = createComparison(model());
    const [a, b] = store.members.map((m) => m.store);
    a!.setView({ yaw: 1.25 });
    expect(b!.view.value.yaw).toBe(1.25);
    store.locked.value = false;
    b!.setView({ yaw: -2 });
    expect(a!.view.value.yaw).toBe(1.25);
    store.dispose();
  });

  it("asks all for another window, each with a number of its own, and goes back with all", () => {
    const whole = model();
    const store = createComparison(whole);
    store.request({ span: [1, 1] });
    const asked = whole.get("specs") as { id: number; span: number[] }[];
    expect(asked.map((s) => [s.id, s.span])).toEqual([
      [2, [1, 1]],
      [5, [1, 1]],
    ]);
    store.undo();
    expect((whole.get("specs") as { span: number[] }[]).map((s) => s.span)).toEqual([
      [2, 1],
      [2, 1],
    ]);
    store.dispose();
    expect(whole.listening).toBe(0);
  });

  it("without members says so", () => {
    expect(() => createComparison(model({ names: [] }))).toThrow("no members");
  });
});
