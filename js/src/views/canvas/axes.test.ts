import { expect, test, vi } from "vitest";
import { createCamera, setCamera } from "../../gl/camera";
import type { Look } from "../../gl/engine";
import { type AxisScene, createAxes } from "./axes";

const extent = { x0: [-1, 1], x1: [-1, 1] } as const;
const ticks = { x: [-1, 0, 1], y: [-1, 0, 1], z: [0, 1, 2], losses: [0, 1, 2] };

function sceneAt(yaw: number, scene?: AxisScene): AxisScene {
  const camera = scene?.camera ?? createCamera();
  const look = {
    yaw,
    pitch: 0.6,
    zoom: 1,
    pan: [0, 0],
    exaggeration: 1,
    range: [0, 2],
    scale: "linear",
    base: 0,
    width: 800,
    height: 600,
    pixelRatio: 1,
    inset: [0, 0, 0, 0],
  } as unknown as Look;
  setCamera(camera, look, extent);
  return { camera, ticks, labels: ["first direction", "second direction"], bottom: 0 };
}

function drawn() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const axes = createAxes(svg);
  const scene = sceneAt(0.65);
  axes.draw(scene);
  return { svg, axes, scene };
}

const placeOf = (group: SVGGElement) => {
  const { e, f } = group.transform.baseVal.getItem(0).matrix;
  return [e, f];
};

test("texts stand where the layout says, to a tenth of a pixel", () => {
  const { svg, axes } = drawn();
  const groups = [...svg.querySelectorAll("g")];
  expect(groups.length).toBe(axes.texts().length);
  expect(groups.length).toBeGreaterThan(8);
  axes.texts().forEach((item, k) => {
    const [x, y] = placeOf(groups[k]!);
    expect(x).toBeCloseTo(item.line ? item.line[0] : item.x, 0);
    expect(y).toBeCloseTo(item.line ? item.line[1] : item.y, 0);
    expect(groups[k]!.transform.baseVal.getItem(1).angle).toBeCloseTo(item.angle, 0);
    expect(groups[k]!.textContent).toBe(item.text);
  });
});

test("a turn moves the groups that are there; hardly anything else is written", () => {
  const { svg, axes, scene } = drawn();
  const groups = [...svg.querySelectorAll("g")];
  const items = [...axes.texts()];
  const before = groups.map(placeOf);
  const writes = vi.spyOn(Element.prototype, "setAttribute");
  axes.draw(sceneAt(0.652, scene));
  // Here, unlike in a browser, a transform of numbers is written as well.
  const names = writes.mock.calls.map(([name]) => name).filter((name) => name !== "transform");
  writes.mockRestore();
  expect([...svg.querySelectorAll("g")]).toEqual(groups);
  axes.texts().forEach((item, k) => {
    expect(item).toBe(items[k]);
  });
  expect(groups.map(placeOf)).not.toEqual(before);
  expect(names.length).toBeLessThan(groups.length);
});

test("the same picture again writes nothing at all", () => {
  const { axes, scene } = drawn();
  const writes = vi.spyOn(Element.prototype, "setAttribute");
  axes.draw(scene);
  expect(writes).not.toHaveBeenCalled();
  writes.mockRestore();
});
