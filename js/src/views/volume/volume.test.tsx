import { readFileSync } from "node:fs";
import { join } from "node:path";
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStore } from "../../model/create-store";
import type { TreeData } from "../../model/protocol";
import type { Store } from "../../model/store";
import {
  completed,
  coordinateAt,
  indexAt,
  indices,
  liveVolume,
  placeOf,
  type VolumeData,
  volumeOf,
  withVolume,
} from "../../model/volume-data";
import { MemoryModel } from "../../testing/memory-model";
import * as sample from "../../testing/samples";
import { statusLine } from "../explorer/status-bar";
import { standing } from "../parts/standing";
import { TopologyPanel } from "../topology/with-profile";
import { VolumePanel } from ".";
import { volumeCaption } from "./caption";
import { VOLUME_KEYS } from "./key-list";
import { volumeKey } from "./keyboard";
import { enclosed } from "./level-control";
import { factsAt } from "./parts";
import { firstLevel, flatMarks, merges, partsAt, volumeMarkers, volumePoints } from "./points";
import { firstSecond, levelOf, lossAt, nestedLevels, nextMerge, positionOf, scaleOf } from "./state";

const PATH = join(import.meta.dirname, "../../../../tests/data/protocol/volume.json");
const sent = () => sample.unpacked<VolumeData>(JSON.parse(readFileSync(PATH, "utf8")));

/** Two wells along the first axis of 5 x 3 x 3 vertices; the deeper one first. */
function wells(change: Partial<VolumeData> = {}): VolumeData {
  const values = new Float32Array(45);
  const line = [0, 2, 6, 3, 4];
  for (let v = 0; v < 45; v++) {
    const [i, j, k] = [Math.floor(v / 9), Math.floor(v / 3) % 3, v % 3];
    values[v] = line[i]! - 1 + 10 * ((j - 1) ** 2 + (k - 1) ** 2);
  }
  const view = (array: number[]) => sample.view(Float64Array.from(array));
  return {
    id: 1,
    shape: [5, 3, 3],
    x0: view([-2, -1, 0, 1, 4]),
    x1: view([0, 1, 2]),
    x2: view([10, 20, 30]),
    values: sample.view(values),
    base: 1,
    origin: 22,
    labels: ["v₁", "v₂", "depth"],
    quantity: "loss",
    holes: 0,
    concerns: [],
    known: 1,
    seconds: 0.5,
    ...change,
  };
}

const MIDDLE = 4;
const tree = (): TreeData => ({
  ...sample.tree(
    1,
    [5, 3],
    [
      [0, Infinity, -1],
      [3, 6, 0],
    ],
    Array.from({ length: 45 }, (_, v) => (v < 27 ? 0 : 1)),
  ),
  shape: [5, 3, 3] as never,
  birth_vertex: sample.view(Uint32Array.of(MIDDLE, 27 + MIDDLE)),
  death_vertex: sample.view(Uint32Array.of(0xffffffff, 18 + MIDDLE)),
});

function opened(change: Partial<VolumeData> = {}): { model: MemoryModel; store: Store } {
  const model = new MemoryModel({
    spec: sample.spec(),
    source: sample.source({ kind: "landscape" }),
    tree: tree(),
    volume: wells(change),
  });
  return { model, store: createStore(model) };
}

describe("what travels", () => {
  it("is read as Python has written it", () => {
    const volume = liveVolume(sent());
    expect(volume.shape).toEqual([11, 7, 3]);
    expect([...volume.axes[0]].slice(0, 2)).toEqual([-2, -1.6]);
    const at = placeOf(volume, indices(volume, (2 * 7 + 5) * 3 + 1));
    const [a, b, c] = at;
    expect(volume.values[(2 * 7 + 5) * 3 + 1]! + volume.base).toBeCloseTo(
      (a ** 2 - 1) ** 2 + 0.3 * a + b ** 2 + (c - 0.5) ** 2 + 2,
      4,
    );
    expect([...volume.values].filter(Number.isNaN)).toHaveLength(volume.data.holes);
    expect(volume.data.holes).toBe(6);
  });

  it("is refused where it does not fit", () => {
    expect(() => liveVolume(wells({ shape: [5, 3, 2] }))).toThrow("45 values for a grid of 5 × 3 × 2");
  });

  it("has its tree, which a plane of another shape has not", () => {
    const { store } = opened();
    expect(store.tree.value?.branches).toHaveLength(2);
  });
});

describe("coordinates", () => {
  it("are interpolated on uneven axes, both ways", () => {
    const axis = [-2, -1, 0, 1, 4];
    expect(coordinateAt(axis, 3.5)).toBe(2.5);
    expect(coordinateAt(axis, 4)).toBe(4);
    for (const index of [0, 0.25, 2, 3.9, 4])
      expect(indexAt(axis, coordinateAt(axis, index))).toBeCloseTo(index, 12);
    expect([indexAt(axis, -9), indexAt(axis, 9)]).toEqual([0, 4]);
  });

  it("come with what the tree selects", () => {
    const { model, store } = opened();
    const linked = withVolume(store);
    expect(withVolume(store)).toBe(linked);
    linked.select({ kind: "minimum", vertex: 27 + MIDDLE, coordinates: null, loss: 3 });
    expect(store.selection.value.coordinates).toEqual([1, 1, 20]);
    expect(model.saved.at(-1)).toEqual({ selection: store.selection.value });
    const free = { kind: "point", vertex: null, coordinates: null, loss: 1 } as const;
    expect(completed(free, volumeOf(store))).toBe(free);
  });
});

describe("levels", () => {
  it("count the parts as the tree does, and step from merge to merge", () => {
    const { store } = opened();
    const [volume, live] = [volumeOf(store)!, store.tree.value!];
    expect([-1, 0, 2.9, 3, 5.99, 6, 99].map((loss) => partsAt(live, loss))).toEqual([0, 1, 1, 2, 2, 1, 1]);
    expect(merges(live)).toEqual([6]);
    store.setView({ volume: { level: 4 } });
    expect(nextMerge(store, volume, 1)).toBeCloseTo(6, 4);
    expect(partsAt(live, nextMerge(store, volume, 1)!)).toBe(1);
    expect(nextMerge(store, volume, -1)).toBeNull();
    store.setView({ volume: { level: 6 } });
    const before = nextMerge(store, volume, -1)!;
    expect(partsAt(live, before)).toBe(2);
    expect(partsAt(live, 6)).toBe(1);
  });

  it("enclose a share of the values: all of them where none is higher, and holes count for nothing", () => {
    const flat = liveVolume(wells({ values: sample.view(new Float32Array(45).fill(2)) }));
    expect([2.9, 3, 4].map((level) => enclosed(flat, level))).toEqual([0, 1, 1]);
    const half = new Float32Array(45).map((_, v) => (v < 20 ? Number.NaN : v % 2));
    const holed = liveVolume(wells({ values: sample.view(half), holes: 20 }));
    expect(enclosed(holed, 1.5)).toBeCloseTo(13 / 25, 12);
  });

  it("is the first one again where Python has set it to None", () => {
    const { store } = opened();
    store.setView({ volume: { level: null } });
    expect(levelOf(store, volumeOf(store)!)).toBe(5.25);
  });

  it("are two on request: the lower one solid, the higher one around it, from where the next parts have merged", () => {
    const { store } = opened();
    const volume = volumeOf(store)!;
    expect(nestedLevels(store, volume)).toEqual([5.25, Number.NaN]);
    expect(firstSecond(store, volume)).toBeCloseTo(6, 4);
    store.setView({ volume: { level: 9, second: 4 } });
    expect(nestedLevels(store, volume)).toEqual([4, 9]);
    // Nothing merges above: halfway to the highest loss.
    expect(firstSecond(store, volume)).toBeCloseTo((9 + 26) / 2, 5);
    expect(volumeCaption(store)).toContain("As of glass: where it is 9, around what is solid at 4.");
  });

  it("start where two basins are apart; without a tree a tenth of the values lies below", () => {
    const { store } = opened();
    const volume = volumeOf(store)!;
    expect(firstLevel(volume, store.tree.value)).toBe(5.25);
    const level = firstLevel(volume, null);
    const below = [...volume.values].filter((value) => value + 1 < level).length;
    expect(below).toBe(4);
  });

  it("are placed by the root of the loss, or by its logarithm, and back", () => {
    const volume = liveVolume(wells());
    const linear = scaleOf(volume, "linear");
    expect(positionOf(linear, volume, 6)).toBeCloseTo(Math.sqrt(6 / 26), 6);
    const log = scaleOf(volume, "log");
    // A loss of 0 has no logarithm: the scale begins with the smallest positive one.
    expect(log.range[0] + volume.base).toBe(2);
    for (const scale of [linear, log])
      for (const loss of [2, 3, 26])
        expect(lossAt(scale, volume, positionOf(scale, volume, loss))).toBeCloseTo(loss, 5);
    const negative = liveVolume(wells({ base: -100 }));
    expect(scaleOf(negative, "log").log).toBe(false);
    const flat = liveVolume(wells({ values: sample.view(new Float32Array(45).fill(2)) }));
    expect(positionOf(scaleOf(flat, "linear"), flat, 3)).toBeGreaterThanOrEqual(0);
  });
});

it("stopped on the way, says so", () => {
  const { store } = opened({ known: 0.148 });
  store.status.value = { ...store.status.value, phase: "running" };
  expect(standing(store)).toBe("refining 14 %");
  store.status.value = { ...store.status.value, phase: "cancelled" };
  expect(standing(store)).toBe("stopped at 14 %");
  expect(statusLine(store)).toEqual({ tone: "warn", text: "stopped at 14 %" });
});

describe("maps without WebGL2", () => {
  const at = (row: number): [number, number, number] => [3 * row, 1, 1];
  const none = { kind: "none", vertex: null, coordinates: null, loss: null } as const;

  it("go through what a key has reached, else what is selected, else the lowest minimum", () => {
    const { store } = opened();
    const volume = volumeOf(store)!;
    const points = volumePoints(volume, store.tree.value);
    const second = { ...none, kind: "minimum", vertex: 27 + MIDDLE } as const;
    const hover = (of: typeof none | typeof second) => ({ ...of, from: "surface" }) as const;
    const [, through] = flatMarks(points, none, hover(none), volume, false);
    expect(through).toEqual(at(0));
    expect(flatMarks(points, second, hover(none), volume, true)[1]).toEqual(at(1));
    expect(flatMarks(points, none, hover(second), volume, false)[1]).toEqual(at(1));
    // Under the pointer they stay.
    expect(flatMarks(points, none, hover(second), volume, true)[1]).toEqual(at(0));
    const free = { kind: "point", vertex: null, coordinates: [2.5, 1, 20], loss: 1 } as const;
    const [marks, there] = flatMarks(
      points,
      { ...free, coordinates: [2.5, 1, 20] },
      hover(none),
      volume,
      true,
    );
    expect(there).toEqual([3.5, 1, 1]);
    expect(marks.filter((mark) => mark.lit)).toEqual([{ kind: "point", at: [3.5, 1, 1], lit: true }]);
  });
});

it("tells the metrics of a place and how far it is from the model", () => {
  const metric = Float32Array.from({ length: 45 }, (_, v) => Math.floor(v / 9));
  const gram = [
    [4, 1, 0],
    [1, 1, 0],
    [0, 0, 0.25],
  ];
  const known = wells({
    metrics: { accuracy: sample.view(metric) },
    model: { at: [0, 1, 20], apart: 2, gram },
  });
  // Halfway between the last two vertices of the first axis, and (2.5, 1, 4) from the model.
  expect(factsAt(liveVolume(known), [2.5, 2, 24])).toEqual([
    { name: "accuracy", value: "3.5" },
    { name: "from the model", value: String(Number(Math.sqrt(2 ** 2 + 25 + 5 + 1 + 4).toPrecision(5))) },
  ]);
  expect(factsAt(liveVolume(wells()), [0, 1, 20])).toEqual([]);
});

it("marks the model, minima and saddles at their vertices", () => {
  const { store } = opened();
  const volume = volumeOf(store)!;
  const points = volumePoints(volume, store.tree.value);
  expect(points.map((p) => [p.kind, p.vertex, p.loss])).toEqual([
    ["model", 22, 6],
    ["minimum", MIDDLE, 0],
    ["minimum", 27 + MIDDLE, 3],
    ["saddle", 18 + MIDDLE, 6],
  ]);
  expect(points[2]!.place).toEqual([1, 1, 20]);
  const chosen = { kind: "minimum", vertex: 27 + MIDDLE, coordinates: null, loss: 3 } as const;
  const markers = volumeMarkers(points, chosen, store.hover.value, volume);
  expect(markers.map((m) => m.selected)).toEqual([false, false, true, false]);
  // The fourth of five vertices is drawn at three quarters of the axis, whatever its coordinate.
  expect(markers[2]!.x).toBe(2.5);
});

it("knows its keys, and those of the surface", () => {
  const key = (name: string, shiftKey = false) =>
    volumeKey({ key: name, shiftKey, ctrlKey: false, metaKey: false, altKey: false });
  expect(key("PageUp")).toEqual({ do: "level", by: 1 });
  expect(key("PageDown", true)).toEqual({ do: "merge", by: -1 });
  expect(key("3")).toEqual({ do: "slice", axis: 2 });
  expect(key(",")).toEqual({ do: "move", by: -1 });
  expect(key("Home")).toEqual({ do: "reset" });
  expect(key("x")).toBeNull();
  // A floor has nothing to be mapped from.
  expect(key("f")).toBeNull();
  const listed = VOLUME_KEYS.map(([name]) => name);
  expect(listed).toContain("Enter in the tree");
  expect(listed.join()).not.toMatch(/surface|eigenvalue/);
});

describe("the panel", () => {
  let box: HTMLElement;
  beforeEach(() => {
    box = document.body.appendChild(document.createElement("div"));
    vi.stubGlobal(
      "ResizeObserver",
      class {
        observe() {}
        disconnect() {}
      },
    );
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        observe() {}
        disconnect() {}
      },
    );
  });
  afterEach(() => {
    render(null, box);
    box.remove();
    vi.unstubAllGlobals();
  });

  const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

  it("says what it shows, moves the level and switches slices, and keeps both in the view", async () => {
    const { store } = opened();
    render(<VolumePanel store={store} />, box);
    await settled();
    const picture = box.querySelector("canvas")!;
    expect(picture.getAttribute("aria-label")).toContain("At the level 5.25 2 parts of 2 minima.");
    const level = box.querySelector<HTMLInputElement>(
      "input[aria-label='Level of the isosurface'][type=range]",
    )!;
    level.value = "1";
    level.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(store.view.value.volume?.level).toBeCloseTo(26, 5);
    expect(box.textContent).toContain("1 part · 100 % of the values");
    const third = box.querySelectorAll<HTMLInputElement>(".nbl-volume-slices input[type=checkbox]")[2]!;
    third.click();
    await settled();
    // Through the lowest minimum.
    expect(store.view.value.volume?.slices).toEqual([null, null, 20]);
    third.click();
    await settled();
    expect(store.view.value.volume?.slices).toEqual([null, null, null]);
  });

  it("answers keys, and reads out three coordinates", async () => {
    const { store } = opened();
    render(<VolumePanel store={store} />, box);
    await settled();
    const root = box.querySelector<HTMLElement>("[aria-label='Loss volume']")!;
    const press = (key: string, shiftKey = false) =>
      root.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }));
    press("PageUp", true);
    expect(store.view.value.volume?.level).toBeCloseTo(6, 4);
    expect(store.announcement.value).toBe("Level 6, 1 part");
    for (const _ of "123") press("n");
    expect(store.announcement.value).toBe("Minimum 2 of 2: loss 3 at (1, 1, 20), persistence 3.");
    press("Enter");
    expect(store.selection.value).toEqual({
      kind: "minimum",
      vertex: 27 + MIDDLE,
      coordinates: [1, 1, 20],
      loss: 3,
    });
    press("l");
    expect(store.view.value.volume?.second).toBeCloseTo(16, 1);
    expect(
      box.querySelector<HTMLInputElement>("input[aria-label='Second level'][type=range]"),
    ).not.toBeNull();
    press("L");
    expect(store.view.value.volume?.second).toBeNull();
    press("1");
    press(".");
    expect(store.view.value.volume?.slices?.[0]).toBeCloseTo(-2 + 6 / 40, 9);
    press("b");
    expect(store.view.value.basin_map).toBe(false);
    press("Escape");
    expect(store.selection.value.kind).toBe("none");
  });

  it("has a profile beside it, as wide as the cells, whose basins select points with three coordinates", async () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(400);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(300);
    const { store } = opened();
    store.setView({ topology: "profile" });
    render(<TopologyPanel store={withVolume(store)} />, box);
    await settled();
    const basins = [...box.querySelectorAll<SVGElement>(".nbl-profile [role=option]")];
    expect(basins).toHaveLength(2);
    const [, width] = basins.map((basin) => {
      const xs = basin
        .querySelector(".nbl-water")!
        .getAttribute("d")!
        .match(/(?<=[ML])[\d.]+/g)!;
      return Math.max(...xs.map(Number)) - Math.min(...xs.map(Number));
    });
    // Below its saddle the second basin holds two vertices: at 1 and at 4, whose cells are 2 and 1.5 long.
    expect(width).toBeCloseTo(((400 - 46 - 12) * 3.5 * 10) / (6 * 2 * 20), 0);
    basins[1]!.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(store.selection.value).toMatchObject({ kind: "minimum", coordinates: [1, 1, 20] });
    vi.restoreAllMocks();
  });

  it("follows what the kernel sends next", async () => {
    const { model, store } = opened({ known: 0.3 });
    store.status.value = { ...store.status.value, phase: "running" };
    render(<VolumePanel store={store} />, box);
    await settled();
    expect(box.textContent).toContain("refining 30 %");
    model.fromKernel({ volume: wells({ quantity: "accuracy" }) });
    await settled();
    expect(box.textContent).not.toContain("refining");
    expect(box.querySelector("canvas")!.getAttribute("aria-label")).toContain("Isosurface of the accuracy");
  });
});
