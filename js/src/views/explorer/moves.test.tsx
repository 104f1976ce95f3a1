import { options, render, type VNode } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SurfaceExplorer } from "../../entries/explorer-widget";
import { createStore } from "../../model/create-store";
import type { Store } from "../../model/store";
import { MemoryModel } from "../../testing/memory-model";
import * as sample from "../../testing/samples";

const spec = sample.spec();
const surface = sample.surface(spec, (a, b) => 3 + a * a - b * b);
const tree = sample.tree(1, [9, 5], [[1, Infinity, -1]]);

/** Preact calls this before every rendering of a component. */
const hooks = options as unknown as { __r: ((vnode: VNode) => void) | undefined };
const before = hooks.__r;
let drawn: string[] = [];
let store: Store;
let root: HTMLElement;

beforeEach(() => {
  const values = { spec, surface, tree, source: sample.source(), spectrum: sample.spectrum() };
  store = createStore(new MemoryModel({ ...values, status: {}, view: {} }));
  root = document.body.appendChild(document.createElement("div"));
  act(() => render(<SurfaceExplorer store={store} />, root));
  hooks.__r = (vnode) => {
    drawn.push((vnode.type as { name: string }).name);
    before?.(vnode);
  };
});
afterEach(() => {
  hooks.__r = before;
  act(() => render(null, root));
  root.remove();
  store.dispose();
});

function drawnBy(change: () => void): Set<string> {
  drawn = [];
  act(change);
  return new Set(drawn);
}
const move = (span: number) => drawnBy(() => store.request({ span: [span, span] }, { transient: true }));

it("draws anew, at a move of the range, only what shows it", () => {
  const first = move(1.9);
  for (const name of ["RangeControl", "Picture", "StateBadge", "StatusBar", "TopologyPanel"])
    expect(first).toContain(name);
  const still = [
    ...["Explorer", "Toolbar", "Panels", "Lead", "SurfacePanel", "Overlays", "DetailsCard", "Tooltip"],
    ...["TreePlot", "ThresholdSlider", "SpectrumPanel", "Stems", "Stem", "AxisRow", "OriginLine"],
    ...["Controls", "ResolutionControl", "OffsetControl", "LookControl", "ExaggerationControl"],
  ];
  expect(still.filter((name) => first.has(name))).toEqual([]);
  // The last tree has stepped back already.
  const next = move(1.8);
  expect(next).toContain("RangeControl");
  for (const name of ["TopologyPanel", "TrustRow", "StateBadge"]) expect(next).not.toContain(name);
});

it("draws anew what a change of the plane, the resolution or the scale shows", () => {
  expect([...drawnBy(() => store.request({ axes: [0, 1] }))]).toEqual(
    expect.arrayContaining(["Stems", "AxisRow", "OffsetControl"]),
  );
  expect(drawnBy(() => store.request({ points: [17, 17] }))).toContain("ResolutionControl");
  expect(drawnBy(() => store.request({ scale: "log" }))).toContain("LookControl");
});
