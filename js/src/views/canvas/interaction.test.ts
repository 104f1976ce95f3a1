import { describe, expect, it } from "vitest";
import { createCamera, projectWorld, setCamera } from "../../gl/camera";
import { exampleLook } from "../../testing/engine-samples";
import { fitting, layoutAxes, tickCounts } from "./axes";
import { parseColor } from "./colors";
import { barPlace } from "./layout";
import { panned, rotated, zoomed } from "./navigate";
import { type Gestures, listenToPointers } from "./pointer";

const view = { yaw: 0, pitch: 0.6, zoom: 1, pan: [0, 0] as [number, number] };

describe("navigation", () => {
  it("turns with the pointer and stays above the floor", () => {
    expect(rotated(view, 10, 0).yaw).toBeLessThan(0);
    expect(rotated(view, 0, 1e6).pitch).toBeCloseTo(Math.PI / 2);
    expect(rotated(view, 0, -1e6).pitch).toBeGreaterThan(0);
    expect(Math.abs(rotated(view, 1e5, 0).yaw)).toBeLessThanOrEqual(Math.PI);
  });

  it("zooms about the pointer: what is under it stays there", () => {
    const [width, height] = [640, 480];
    const camera = createCamera();
    const extent = { x0: [0, 1], x1: [0, 1] } as const;
    const p = new Float64Array(3);
    const at = (state: typeof view) => {
      setCamera(camera, exampleLook({ ...state, width, height }), extent);
      return [...projectWorld(camera, 0.4, -0.2, 0.1, p)];
    };
    const start = { ...view, pan: [0.1, -0.05] as [number, number] };
    const before = at(start);
    const change = zoomed(start, 1.7, before[0]! - width / 2, before[1]! - height / 2, height);
    const after = at({ ...start, ...change });
    expect(after[0]).toBeCloseTo(before[0]!, 6);
    expect(after[1]).toBeCloseTo(before[1]!, 6);
    expect(zoomed(start, 1e9, 0, 0, 480).zoom).toBeLessThan(20);
  });

  it("moves by as many pixels as it is dragged, but not out of sight", () => {
    expect(panned(view, 48, -24, 480).pan).toEqual([0.1, -0.05]);
    expect(panned(view, 1e6, 0, 480).pan[0]).toBeLessThan(1);
  });
});

describe("pointers", () => {
  function setUp() {
    const log: unknown[][] = [];
    const element = document.createElement("div");
    element.tabIndex = 0;
    document.body.append(element);
    const record =
      (name: string) =>
      (...args: unknown[]) => {
        if (name !== "point") log.push([name, ...args]);
      };
    const names = ["rotate", "pan", "zoom", "point", "click", "reset", "declined"];
    const gestures = Object.fromEntries(names.map((n) => [n, record(n)])) as unknown as Gestures;
    const stop = listenToPointers(element, gestures);
    const fire = (type: string, x: number, y: number, more: PointerEventInit = {}) =>
      element.dispatchEvent(
        new PointerEvent(type, {
          pointerId: 1,
          pointerType: "mouse",
          clientX: x,
          clientY: y,
          bubbles: true,
          ...more,
        }),
      );
    const wheel = (more: WheelEventInit = {}) => {
      const event = new WheelEvent("wheel", { deltaY: -100, cancelable: true, bubbles: true, ...more });
      // happy-dom drops the modifier keys of wheel events.
      Object.defineProperty(event, "ctrlKey", { value: more.ctrlKey ?? false });
      element.dispatchEvent(event);
      return event.defaultPrevented;
    };
    return { log, element, fire, wheel, stop };
  }

  it("click on release when the pointer hardly moved, else turn", () => {
    const { log, fire } = setUp();
    fire("pointerdown", 50, 50);
    fire("pointermove", 52, 51);
    expect(log).toEqual([]);
    fire("pointerup", 52, 51);
    expect(log).toEqual([["click", 52, 51]]);
    log.length = 0;
    fire("pointerdown", 50, 50);
    fire("pointermove", 60, 50);
    fire("pointerup", 60, 50);
    expect(log).toEqual([["rotate", 10, 0]]);
  });

  it("move with Shift or the right button", () => {
    for (const more of [{ shiftKey: true }, { button: 2 }]) {
      const { log, fire } = setUp();
      fire("pointerdown", 50, 50, more);
      fire("pointermove", 50, 58, more);
      fire("pointerup", 50, 58, more);
      expect(log).toEqual([["pan", 0, 8]]);
    }
  });

  it("zoom with two fingers", () => {
    const { log, fire } = setUp();
    fire("pointerdown", 0, 0, { pointerType: "touch", pointerId: 1 });
    fire("pointerdown", 10, 0, { pointerType: "touch", pointerId: 2 });
    fire("pointermove", 20, 0, { pointerType: "touch", pointerId: 2 });
    fire("pointerup", 20, 0, { pointerType: "touch", pointerId: 2 });
    fire("pointerup", 0, 0, { pointerType: "touch", pointerId: 1 });
    expect(log).toEqual([
      ["pan", 5, 0],
      ["zoom", 2, 10, 0],
    ]);
  });

  it("leave the wheel to the page unless the surface has the focus or Ctrl is held", () => {
    const { log, element, wheel, stop } = setUp();
    expect(wheel()).toBe(false);
    expect(log).toEqual([["declined"]]);
    expect(wheel({ ctrlKey: true })).toBe(true);
    element.focus();
    expect(wheel()).toBe(true);
    const [name, factor] = log.at(-1)!;
    expect(name).toBe("zoom");
    expect(factor).toBeGreaterThan(1);
    stop();
    log.length = 0;
    wheel();
    expect(log).toEqual([]);
  });
});

describe("axes", () => {
  const extent = { x0: [0, 4], x1: [-1, 1] } as const;
  const camera = createCamera();
  const scene = (change = {}) => {
    setCamera(camera, exampleLook({ inset: [16, 70, 30, 48], ...change }), extent);
    const ticks = { x: [0, 1, 2, 3, 4], y: [-1, 0, 1], z: [0, 0.5, 1], losses: [2, 2.5, 3] };
    return layoutAxes({ camera, ticks, labels: ["x", "displacement along v₂ (λ = 3)"], bottom: 0 });
  };

  it("stand outside the box, on the side of the viewer, at every angle", () => {
    const p = new Float64Array(3);
    for (let yaw = -3; yaw < 3.2; yaw += 0.37) {
      const texts = scene({ yaw });
      expect(texts.filter((t) => t.kind === "title").length).toBeGreaterThan(0);
      projectWorld(camera, 0, 0, -camera.half, p);
      const [mx, my] = [p[0]!, p[1]!];
      for (const { line, x } of texts) {
        if (!line) continue;
        // Each stroke leads away from the middle of the floor.
        const inner = Math.hypot(line[0] - mx, line[1] - my);
        expect(Math.hypot(line[2] - mx, line[3] - my)).toBeGreaterThan(inner);
        expect(x).toBeGreaterThan(0);
        expect(x).toBeLessThan(640);
      }
    }
  });

  it("show every loss once and in order", () => {
    const losses = scene().filter((t) => ["2.0", "2.5", "3.0"].includes(t.text) && t.anchor === "end");
    const ys = losses.map((t) => t.y);
    expect(losses.map((t) => t.text)).toEqual(["2.0", "2.5", "3.0"]);
    expect(ys).toEqual([...ys].sort((a, b) => b - a));
  });

  it("drop the loss axis seen from above and shorten names that do not fit", () => {
    expect(scene({ pitch: Math.PI / 2 }).some((t) => t.text === "2.5")).toBe(false);
    expect(fitting("displacement along v₁ (λ = 2)", 40)).toBe("displacement along v₁ (λ = 2)");
    expect(fitting("displacement along v₁ (λ = 2)", 24)).toBe("displacement along v₁");
    expect(fitting("displacement along v₁ (λ = 2)", 5)).toBe("v₁");
    expect(fitting("displacement along v₁ (λ = 2)", 1)).toBe("");
    const small = tickCounts(camera);
    setCamera(camera, exampleLook({ width: 1600, height: 1200 }), extent);
    expect(tickCounts(camera)[0]).toBeGreaterThan(small[0]! - 1);
  });
});

describe("appearance", () => {
  it("reads computed colours", () => {
    expect(parseColor("rgb(255, 0, 51)", [0, 0, 0])).toEqual([1, 0, 0.2]);
    expect(parseColor("rgba(0, 0, 255, 0.5)", [0, 0, 0])).toEqual([0, 0, 1]);
    expect(parseColor("color(srgb 0.25 0.5 1)", [0, 0, 0])).toEqual([0.25, 0.5, 1]);
    expect(parseColor("", [1, 2, 3])).toEqual([1, 2, 3]);
  });

  it("puts the colour bar where there is room", () => {
    expect(barPlace(800, 560)).toBe("right");
    expect(barPlace(400, 560)).toBe("top");
    expect(barPlace(260, 200)).toBe("none");
  });
});
