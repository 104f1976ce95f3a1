import { type Camera, project, projectWorld } from "../../gl/camera";
import { facing } from "../../gl/paint-box";
import { tickTexts } from "./ticks";

/** One text or line of the axes, in CSS pixels. */
export interface AxisText {
  kind: "tick" | "title";
  x: number;
  y: number;
  text: string;
  anchor: "start" | "middle" | "end";
  /** Degrees. */
  angle: number;
  /** From the box to the text; absent for titles. */
  line: [number, number, number, number] | null;
}

export interface AxisTicks {
  x: readonly number[];
  y: readonly number[];
  /** Heights (loss - base). */
  z: readonly number[];
  /** Losses of `z`. */
  losses: readonly number[];
}

export interface AxisScene {
  camera: Camera;
  ticks: AxisTicks;
  labels: readonly [string, string];
  /** A height at which floor ticks may be projected: the bottom of the range. */
  bottom: number;
}

const TICK = 5;
const GAP = 9;
/** From the edge to the middle of its title, tick texts aside. */
const TITLE_DISTANCE = 29;
const CHARACTER = 5.9;

const p = new Float64Array(3);

/** Ticks on the box edges that face the viewer: both floor edges and the leftmost upright one. */
export function layoutAxes({ camera, ticks, labels, bottom }: AxisScene): AxisText[] {
  const out: AxisText[] = [];
  const [nearX, nearY] = facing(camera);
  const scale = 1 / camera.pixelRatio;
  const world = (x: number, y: number, z: number): [number, number] => {
    projectWorld(camera, x, y, z, p);
    return [p[0]! * scale, p[1]! * scale];
  };
  const h = camera.flat ? 0 : camera.half;
  const middle = world(0, 0, -h);

  floorAxis(0, ticks.x, world(-1, nearY, -h), world(1, nearY, -h), (v) => {
    const at = v * camera.scaleX + camera.shiftX;
    return world(at, nearY, -h);
  });
  floorAxis(1, ticks.y, world(nearX, -1, -h), world(nearX, 1, -h), (v) => {
    const at = v * camera.scaleY + camera.shiftY;
    return world(nearX, at, -h);
  });
  if (!camera.flat) uprightAxis();
  return out;

  function floorAxis(
    axis: 0 | 1,
    values: readonly number[],
    from: [number, number],
    to: [number, number],
    at: (value: number) => [number, number],
  ): void {
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    if (length < 30) return;
    // Outward: perpendicular to the edge, away from the middle of the floor.
    let nx = -(to[1] - from[1]) / length;
    let ny = (to[0] - from[0]) / length;
    const mx = (from[0] + to[0]) / 2;
    const my = (from[1] + to[1]) / 2;
    if (nx * (mx - middle[0]) + ny * (my - middle[1]) < 0) {
      nx = -nx;
      ny = -ny;
    }
    const anchor = nx > 0.35 ? "start" : nx < -0.35 ? "end" : "middle";
    const texts = tickTexts(values);
    let lastX = -Infinity;
    let lastY = -Infinity;
    values.forEach((value, k) => {
      const [x, y] = at(value);
      const text = texts[k]!;
      const room = Math.abs(ny) > 0.8 ? text.length * CHARACTER + 6 : 13;
      if (Math.hypot(x - lastX, y - lastY) < room) return;
      lastX = x;
      lastY = y;
      out.push({
        kind: "tick",
        x: x + nx * GAP,
        y: y + ny * GAP + 3.5 + Math.max(0, ny) * 3,
        text,
        anchor,
        angle: 0,
        line: [x, y, x + nx * TICK, y + ny * TICK],
      });
    });
    let angle = (Math.atan2(to[1] - from[1], to[0] - from[0]) * 180) / Math.PI;
    if (angle > 90) angle -= 180;
    if (angle <= -90) angle += 180;
    const text = fitting(labels[axis], length / CHARACTER);
    if (text) {
      const widest = Math.max(0, ...texts.map((tick) => tick.length)) * CHARACTER;
      const away = TITLE_DISTANCE + widest * Math.abs(nx) * Math.abs(ny);
      out.push({
        kind: "title",
        x: mx + nx * away,
        y: my + ny * away + 4,
        text,
        anchor: "middle",
        angle: text.length < 4 ? 0 : camera.flat && axis === 1 ? -90 : Math.abs(angle) > 80 ? 0 : angle,
        line: null,
      });
    }
  }

  function uprightAxis(): void {
    let left: [number, number] = [Infinity, 0];
    let corner: [number, number] = [-1, -1];
    for (const x of [-1, 1]) {
      for (const y of [-1, 1]) {
        const at = world(x, y, -h);
        if (at[0] < left[0]) {
          left = at;
          corner = [x, y];
        }
      }
    }
    const foot = world(corner[0], corner[1], -h);
    const head = world(corner[0], corner[1], h);
    if (foot[1] - head[1] < 36) return;
    const texts = tickTexts(ticks.losses);
    const dataX = (corner[0] - camera.shiftX) / camera.scaleX;
    const dataY = (corner[1] - camera.shiftY) / camera.scaleY;
    let last = Infinity;
    ticks.z.forEach((z, k) => {
      if (z < bottom) return;
      project(camera, dataX, dataY, z, p);
      const x = p[0]! * scale;
      const y = p[1]! * scale;
      if (last - y < 12) return;
      last = y;
      out.push({
        kind: "tick",
        x: x - GAP,
        y: y + 3.5,
        text: texts[k]!,
        anchor: "end",
        angle: 0,
        line: [x, y, x - TICK, y],
      });
    });
  }
}

/** How many ticks have room on the box edges, along x, y and upwards. */
export function tickCounts(camera: Camera): [number, number, number] {
  const h = camera.flat ? 0 : camera.half;
  const length = (x0: number, y0: number, z0: number, x1: number, y1: number, z1: number) => {
    projectWorld(camera, x0, y0, z0, p);
    const [px, py] = [p[0]!, p[1]!];
    projectWorld(camera, x1, y1, z1, p);
    return Math.hypot(p[0]! - px, p[1]! - py) / camera.pixelRatio;
  };
  const across = (edge: number) => Math.max(2, Math.min(7, Math.floor(edge / 42)));
  const [nearX, nearY] = facing(camera);
  return [
    across(length(-1, nearY, -h, 1, nearY, -h)),
    across(length(nearX, -1, -h, nearX, 1, -h)),
    Math.max(2, Math.min(7, Math.floor(length(-1, -1, -h, -1, -1, h) / 22))),
  ];
}

/** The label, or its essence if the edge is short; empty if even that does not fit. */
export function fitting(label: string, characters: number): string {
  const short = label.replace(/\s*\(.*\)$/, "");
  const essence = short.split(" ").pop()!;
  return [label, short, essence].find((text) => text.length <= characters) ?? "";
}

const SVG = "http://www.w3.org/2000/svg";

/** Writes texts into an SVG element, reusing its children: turning makes no new nodes. */
export function drawAxes(svg: SVGSVGElement, texts: readonly AxisText[]): void {
  const items = svg.children;
  texts.forEach((item, k) => {
    let group = items[k] as SVGGElement | undefined;
    if (!group) {
      group = document.createElementNS(SVG, "g");
      group.append(document.createElementNS(SVG, "line"), document.createElementNS(SVG, "text"));
      svg.append(group);
    }
    const [line, text] = group.children as unknown as [SVGLineElement, SVGTextElement];
    const { x, y, angle } = item;
    const names = ["x1", "y1", "x2", "y2"] as const;
    names.forEach((name, i) => {
      line.setAttribute(name, item.line ? item.line[i]!.toFixed(1) : "0");
    });
    text.setAttribute("x", x.toFixed(1));
    text.setAttribute("y", y.toFixed(1));
    text.setAttribute("text-anchor", item.anchor);
    text.setAttribute("class", item.kind);
    if (angle) text.setAttribute("transform", `rotate(${angle.toFixed(1)} ${x.toFixed(1)} ${y.toFixed(1)})`);
    else text.removeAttribute("transform");
    if (text.textContent !== item.text) text.textContent = item.text;
  });
  while (items.length > texts.length) items[items.length - 1]!.remove();
}
