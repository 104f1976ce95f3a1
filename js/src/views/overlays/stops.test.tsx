import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { createCamera, project, setCamera } from "../../gl/camera";
import { committedGrid } from "../../model/committed";
import { NO_SELECTION } from "../../model/selection";
import type { Hover, Store } from "../../model/store";
import { exampleLook } from "../../testing/engine-samples";
import { spec, surface } from "../../testing/samples";
import { announce } from "../canvas/marked";
import { SurfacePanel } from "../surface";
import { criticalPoints, markersOf, samePoint } from "../surface/critical";
import { markerAt } from "../surface/marker-at";
import { engineGrid } from "../surface/scene";
import { namedPoints, type SurfaceUi } from "../surface/ui";
import type { DrawnPath } from "./paths";
import { stopsOf } from "./stops";

// A bowl over [-2, 2] x [-1, 1].
const wanted = spec({ points: [9, 5] });
const grid = committedGrid(
  surface(wanted, (a, b) => a * a + b * b, 0),
  wanted,
  1,
);
const path = (change: Partial<DrawnPath> = {}): DrawnPath => ({
  label: "<b>run</b>",
  kind: "trajectory",
  steps: [0, 20, 40],
  points: Float64Array.of(1, 1, 0.5, 0.5, 7, 7),
  losses: Float64Array.of(2.5, 0.75, 0.25),
  distance: Float64Array.of(0, 0.3, 2),
  ...change,
});
const hover: Hover = { ...NO_SELECTION, kind: "none", from: "surface" };
const pointed = (x: number, y: number): Hover => ({
  ...hover,
  kind: "vertex",
  coordinates: [x, y],
  loss: 0.5,
});

describe("checkpoints of a path", () => {
  const end = path({ label: "end", kind: "checkpoint", steps: [0], losses: Float64Array.of(Number.NaN) });
  const stops = stopsOf(grid, [path(), end]);

  it("stand on the surface, with what is their own; those outside the window are left out", () => {
    expect(stops.map((stop) => [stop.x, stop.y, stop.loss])).toEqual([
      [1, 1, 2],
      [0.5, 0.5, 0.5],
      [1, 1, 2],
    ]);
    expect(stops.map((stop) => stop.told!.title)).toEqual([
      "<b>run</b>, step 0",
      "<b>run</b>, step 20",
      "end",
    ]);
    expect(stops[1]!.told!.rows).toEqual([
      { name: "its own loss", value: "0.75" },
      { name: "off the plane by", value: "0.3" },
    ]);
    // What was not evaluated is not told.
    expect(stops[2]!.told!.rows.map(({ name }) => name)).toEqual(["off the plane by"]);
  });

  it("are told in one sentence", () => {
    expect(announce(stops[1]!, [stops[1]!.x, stops[1]!.y])).toBe(
      "<b>run</b>, step 20: loss 0.5 at (0.5, 0.5), its own loss 0.75, off the plane by 0.3.",
    );
  });

  it("are known by their place, and get a mark only while they are pointed at", () => {
    expect(samePoint(stops[1]!, pointed(0.5, 0.5))).toBe(true);
    expect(samePoint(stops[1]!, pointed(0.5, 0.25))).toBe(false);
    expect(samePoint(stops[1]!, { ...pointed(0.5, 0.5), vertex: 3 })).toBe(false);
    const free = (at: Hover) =>
      markersOf([], NO_SELECTION, at, 0).map(({ x, y, hovered }) => [x, y, hovered]);
    expect(free(hover)).toEqual([]);
    expect(free(pointed(0.5, 0.5))).toEqual([[0.5, 0.5, true]]);
  });

  it("are hit from nearby, and leave the point of the surface that they lie on its own", () => {
    const camera = createCamera(true);
    const drawn = engineGrid(grid);
    setCamera(camera, exampleLook({ range: [0, 5], flat: true, width: 900, height: 600 }), drawn);
    const hit = (x: number, y: number, beside: number, points = stops) => {
      const at = project(camera, x, y, 0, new Float64Array(3));
      return markerAt(points, drawn, camera, { x: at[0]! + beside, y: at[1]! })?.told?.title ?? null;
    };
    expect(hit(0.5, 0.5, 8)).toBe("<b>run</b>, step 20");
    expect(hit(0.5, 0.5, 10)).toBeNull();
    const start = stopsOf(grid, [path({ points: Float64Array.of(0, 0, 1, 1, 7, 7) })]);
    const marks = [...start, ...criticalPoints(grid, null)];
    expect(hit(0, 0, 0, start)).toBe("<b>run</b>, step 0");
    expect(hit(0, 0, 0, marks)).toBeNull(); // the model
  });
});

describe("the surface", () => {
  let host: HTMLElement;
  afterEach(async () => {
    await act(() => render(null, host));
    host.remove();
  });

  it("steps along the checkpoints by key, tells each of them, and selects", async () => {
    const selection = signal<Store["selection"]["value"]>(NO_SELECTION);
    const view = signal<object>({ yaw: 0, pitch: 0.6, zoom: 1, pan: [0, 0], exaggeration: 1, clip: 1 });
    const store = {
      grid: signal(grid),
      tree: signal(null),
      spec: signal(wanted),
      status: signal({ phase: "done" }),
      selection,
      view,
      hover: signal<Hover>(hover),
      announcement: signal(""),
      select: (next: Store["selection"]["value"]) => {
        selection.value = next;
      },
    } as unknown as Store;
    const three = stopsOf(grid, [path({ points: Float64Array.of(1, 1, 0.5, 0.5, 0.5, 0.5) })]);
    let held: SurfaceUi | null = null;
    const Overlays = ({ ui }: { ui: SurfaceUi }) => {
      held = ui;
      ui.stops.value = three;
      return null;
    };
    host = document.createElement("div");
    document.body.append(host);
    await act(() => render(<SurfacePanel store={store} Overlays={Overlays} />, host));
    const group = host.querySelector("[role=group]")!;
    const press = (key: string) =>
      act(() => {
        group.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      });
    const told: string[] = [];
    // The first lies above the loss at which the surface is cut off.
    for (const key of [".", ".", ".", ","]) {
      press(key);
      told.push(store.announcement.value.split(":")[0]!);
    }
    const [second, third] = ["<b>run</b>, step 20", "<b>run</b>, step 40"];
    expect(told).toEqual([second, third, second, third]);
    // Two in one place: the tip is about the one that was reached.
    expect(namedPoints(held!)[0]!.told!.title).toBe(third);
    press("Enter");
    expect(selection.value).toEqual({ kind: "point", vertex: null, coordinates: [0.5, 0.5], loss: 0.5 });
    press("Escape");
    expect(selection.value.kind).toBe("none");
    expect(namedPoints(held!)).toEqual(three);
  });
});
