import { type Camera, project, projectWorld } from "../../gl/camera";
import { nearSide } from "../../gl/paint-box";
import { tickNote } from "../parts/offset";
import { tickTexts } from "../parts/ticks";

/** One text or line of the axes, in CSS pixels. */
export interface AxisText {
  kind: "tick" | "title";
  x: number;
  y: number;
  text: string;
  anchor: "start" | "middle" | "end";
  /** Degrees. */
  angle: number;
  /** From the box to the text; null for titles. */
  line: [number, number, number, number] | null;
  /** Titles of the axes over the parameters: which axis, for what is dragged onto it. */
  role?: "x" | "y";
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
  /** Title of the upright axis; missing = the colour bar has it. */
  upright?: string;
  /** A height at which floor ticks may be projected: the bottom of the range. */
  bottom: number;
}

const TICK = 5;
const GAP = 9;
/** From the edge to the middle of its title, tick texts aside. */
const TITLE_DISTANCE = 29;
/** Width of a digit. */
export const CHARACTER = 5.9;

const p = new Float64Array(3);
const from = new Float64Array(2);
const to = new Float64Array(2);
const middle = new Float64Array(2);

/** World point in CSS pixels. */
function place(camera: Camera, x: number, y: number, z: number, out: Float64Array): void {
  projectWorld(camera, x, y, z, p);
  out[0] = p[0]! / camera.pixelRatio;
  out[1] = p[1]! / camera.pixelRatio;
}

let written = 0;

function next(out: AxisText[], kind: AxisText["kind"]): AxisText {
  const k = written++;
  const item = out[k];
  if (item === undefined || (item.line === null) !== (kind === "title")) {
    out[k] = {
      kind,
      x: 0,
      y: 0,
      text: "",
      anchor: "middle",
      angle: 0,
      line: kind === "tick" ? [0, 0, 0, 0] : null,
    };
  }
  return out[k]!;
}

/** Ticks on the box edges that face the viewer: both floor edges and the leftmost upright one. Reuses the items of `out`. */
export function layoutAxes(scene: AxisScene, out: AxisText[] = []): AxisText[] {
  const { camera } = scene;
  const h = camera.flat ? 0 : camera.half;
  written = 0;
  place(camera, 0, 0, -h, middle);
  floorAxis(scene, 0, scene.ticks.x, out);
  floorAxis(scene, 1, scene.ticks.y, out);
  if (!camera.flat) uprightAxis(scene, out);
  out.length = written;
  return out;
}

/** Point `t` of the floor's edge that runs along an axis. */
function along(camera: Camera, axis: 0 | 1, side: number, t: number, z: number, into: Float64Array): void {
  place(camera, axis === 0 ? t : side, axis === 0 ? side : t, z, into);
}

function floorAxis(scene: AxisScene, axis: 0 | 1, values: readonly number[], out: AxisText[]): void {
  const { camera } = scene;
  const h = camera.flat ? 0 : camera.half;
  const side = nearSide(camera, axis === 0 ? 1 : 0);
  along(camera, axis, side, -1, -h, from);
  along(camera, axis, side, 1, -h, to);
  const length = Math.hypot(to[0]! - from[0]!, to[1]! - from[1]!);
  if (length < 30) return;
  // Outward: perpendicular to the edge, away from the middle of the floor.
  let nx = -(to[1]! - from[1]!) / length;
  let ny = (to[0]! - from[0]!) / length;
  const mx = (from[0]! + to[0]!) / 2;
  const my = (from[1]! + to[1]!) / 2;
  let angle = (Math.atan2(to[1]! - from[1]!, to[0]! - from[0]!) * 180) / Math.PI;
  if (nx * (mx - middle[0]!) + ny * (my - middle[1]!) < 0) {
    nx = -nx;
    ny = -ny;
  }
  const anchor = nx > 0.35 ? "start" : nx < -0.35 ? "end" : "middle";
  const texts = tickTexts(values);
  const scale = axis === 0 ? camera.scaleX : camera.scaleY;
  const shift = axis === 0 ? camera.shiftX : camera.shiftY;
  let lastX = -Infinity;
  let lastY = -Infinity;
  let widest = 0;
  for (let k = 0; k < values.length; k++) {
    along(camera, axis, side, values[k]! * scale + shift, -h, from);
    const x = from[0]!;
    const y = from[1]!;
    const text = texts[k]!;
    widest = Math.max(widest, text.length);
    const room = Math.abs(ny) > 0.8 ? text.length * CHARACTER + 6 : 13;
    if (Math.hypot(x - lastX, y - lastY) < room) continue;
    lastX = x;
    lastY = y;
    const item = next(out, "tick");
    item.x = x + nx * GAP;
    item.y = y + ny * GAP + 3.5 + Math.max(0, ny) * 3;
    item.text = text;
    item.anchor = anchor;
    item.angle = 0;
    setLine(item, x, y, x + nx * TICK, y + ny * TICK);
  }
  if (angle > 90) angle -= 180;
  if (angle <= -90) angle += 180;
  const text = fitting(scene.labels[axis], length / CHARACTER);
  if (!text) return;
  // Beside a steep edge the title runs along it, beyond the ticks' texts.
  const steep = Math.abs(angle) > 80 && text.length >= 4;
  const away = TITLE_DISTANCE + widest * CHARACTER * Math.abs(nx) * (steep ? 1 : Math.abs(ny));
  const item = next(out, "title");
  item.role = axis === 0 ? "x" : "y";
  item.x = mx + nx * away;
  item.y = my + ny * away + 4;
  item.text = text;
  item.anchor = "middle";
  item.angle = text.length < 4 ? 0 : (camera.flat && axis === 1) || steep ? -90 : angle;
}

function uprightAxis({ camera, ticks, bottom, upright }: AxisScene, out: AxisText[]): void {
  const h = camera.half;
  let left = Infinity;
  let cornerX = -1;
  let cornerY = -1;
  for (let k = 0; k < 4; k++) {
    const x = k & 1 ? 1 : -1;
    const y = k & 2 ? 1 : -1;
    place(camera, x, y, -h, from);
    if (from[0]! >= left) continue;
    left = from[0]!;
    cornerX = x;
    cornerY = y;
  }
  place(camera, cornerX, cornerY, -h, from);
  place(camera, cornerX, cornerY, h, to);
  if (from[1]! - to[1]! < 36) return;
  const texts = tickTexts(ticks.losses);
  const dataX = (cornerX - camera.shiftX) / camera.scaleX;
  const dataY = (cornerY - camera.shiftY) / camera.scaleY;
  const middleX = (from[0]! + to[0]!) / 2;
  const middleY = (from[1]! + to[1]!) / 2;
  const length = from[1]! - to[1]!;
  let last = Infinity;
  let widest = 0;
  for (let k = 0; k < ticks.z.length; k++) {
    const z = ticks.z[k]!;
    if (z < bottom) continue;
    project(camera, dataX, dataY, z, p);
    const x = p[0]! / camera.pixelRatio;
    const y = p[1]! / camera.pixelRatio;
    if (last - y < 12) continue;
    last = y;
    const item = next(out, "tick");
    item.x = x - GAP;
    item.y = y + 3.5;
    item.text = texts[k]!;
    widest = Math.max(widest, item.text.length);
    item.anchor = "end";
    item.angle = 0;
    setLine(item, x, y, x - TICK, y);
  }
  const note = tickNote(ticks.losses);
  if (note) {
    const item = next(out, "tick");
    item.x = to[0]! + 4;
    item.y = to[1]! - 8;
    item.text = note;
    item.anchor = "middle";
    item.angle = 0;
  }
  const title = upright === undefined ? "" : fitting(upright, length / CHARACTER);
  if (!title) return;
  const item = next(out, "title");
  item.x = middleX - GAP - widest * CHARACTER - (title.length < 4 ? 12 : 8);
  item.y = middleY + (title.length < 4 ? 4 : 0);
  item.text = title;
  item.anchor = "middle";
  item.angle = title.length < 4 ? 0 : -90;
}

function setLine(item: AxisText, x0: number, y0: number, x1: number, y1: number): void {
  const line = item.line!;
  line[0] = x0;
  line[1] = y0;
  line[2] = x1;
  line[3] = y1;
}

/** How many ticks have room on the box edges, along x, y and upwards, into `out`. */
export function tickCounts(camera: Camera, out = new Int32Array(3)): Int32Array {
  const h = camera.flat ? 0 : camera.half;
  const nearX = nearSide(camera, 0);
  const nearY = nearSide(camera, 1);
  out[0] = across(edge(camera, -1, nearY, -h, 1, nearY, -h));
  out[1] = across(edge(camera, nearX, -1, -h, nearX, 1, -h));
  out[2] = Math.max(2, Math.min(7, Math.floor(edge(camera, -1, -1, -h, -1, -1, h) / 22)));
  return out;
}

const across = (length: number) => Math.max(2, Math.min(7, Math.floor(length / 42)));

/** Length of a straight line of the world on the screen, CSS pixels. */
function edge(
  camera: Camera,
  x0: number,
  y0: number,
  z0: number,
  x1: number,
  y1: number,
  z1: number,
): number {
  place(camera, x0, y0, z0, from);
  place(camera, x1, y1, z1, to);
  return Math.hypot(to[0]! - from[0]!, to[1]! - from[1]!);
}

const shorter = new Map<string, readonly string[]>();

/** The label, or its essence if the edge is short; empty if even that does not fit. */
export function fitting(label: string, characters: number): string {
  let forms = shorter.get(label);
  if (forms === undefined) {
    const short = label.replace(/\s*\(.*\)$/, "");
    forms = [label, short, short.split(" ").pop()!];
    if (shorter.size > 50) shorter.clear();
    shorter.set(label, forms);
  }
  for (const text of forms) if (text.length <= characters) return text;
  return "";
}

const SVG = "http://www.w3.org/2000/svg";

/** One text with its tick line, and what was last written of it: the browser is told of changes only. */
interface Node {
  group: SVGGElement;
  line: SVGLineElement;
  text: SVGTextElement;
  move: SVGTransform;
  turn: SVGTransform;
  /** Place and angle of the group; the line's end and the text's place within it. */
  numbers: Float64Array;
  anchor: string;
  kind: string;
  written: string;
  role: AxisText["role"];
}

/** Numbers are compared before they become texts: hardly any of them changes from frame to frame. */
function write(at: Node, slot: number, element: SVGElement, name: string, value: number, step: number): void {
  const rounded = Math.round(value / step) * step;
  if (at.numbers[slot] === rounded) return;
  at.numbers[slot] = rounded;
  element.setAttribute(name, String(rounded));
}

interface Axes {
  draw(scene: AxisScene): void;
  clear(): void;
  /** What the last picture showed. */
  texts(): readonly AxisText[];
}

/** Keeps an SVG element's texts in step with the camera. Turning moves groups; the rest changes rarely. */
export function createAxes(svg: SVGSVGElement): Axes {
  const items: AxisText[] = [];
  const nodes: Node[] = [];

  function node(k: number): Node {
    const known = nodes[k];
    if (known !== undefined) return known;
    const group = document.createElementNS(SVG, "g");
    const line = document.createElementNS(SVG, "line");
    const text = document.createElementNS(SVG, "text");
    group.append(line, text);
    svg.append(group);
    const { baseVal } = group.transform;
    const made: Node = {
      group,
      line,
      text,
      move: baseVal.appendItem(svg.createSVGTransform()),
      turn: baseVal.appendItem(svg.createSVGTransform()),
      numbers: new Float64Array(7).fill(Number.NaN),
      anchor: "",
      kind: "",
      written: "",
      role: undefined,
    };
    nodes[k] = made;
    return made;
  }

  /** To a tenth of a pixel; by numbers, since texts of them would fill the memory while the surface turns. */
  function turn({ move, turn, numbers }: Node, x: number, y: number, angle: number): void {
    const left = Math.round(x * 10) / 10;
    const top = Math.round(y * 10) / 10;
    const degrees = Math.round(angle * 10) / 10;
    if (left !== numbers[0] || top !== numbers[1]) move.setTranslate(left, top);
    if (degrees !== numbers[2]) turn.setRotate(degrees, 0, 0);
    numbers[0] = left;
    numbers[1] = top;
    numbers[2] = degrees;
  }

  function show(): void {
    for (let k = 0; k < items.length; k++) {
      const item = items[k]!;
      const at = node(k);
      const { line } = item;
      const x = line === null ? item.x : line[0];
      const y = line === null ? item.y : line[1];
      turn(at, x, y, item.angle);
      write(at, 3, at.line, "x2", line === null ? 0 : line[2] - line[0], 0.25);
      write(at, 4, at.line, "y2", line === null ? 0 : line[3] - line[1], 0.25);
      write(at, 5, at.text, "x", item.x - x, 0.5);
      write(at, 6, at.text, "y", item.y - y, 0.5);
      if (at.anchor !== item.anchor) {
        at.anchor = item.anchor;
        at.text.setAttribute("text-anchor", item.anchor);
      }
      if (at.kind !== item.kind) {
        at.kind = item.kind;
        at.text.setAttribute("class", item.kind);
      }
      if (at.role !== item.role) {
        at.role = item.role;
        if (item.role === undefined) at.text.removeAttribute("data-nbl-drop");
        else at.text.setAttribute("data-nbl-drop", item.role);
      }
      if (at.written !== item.text) {
        at.written = item.text;
        at.text.textContent = item.text;
      }
    }
    while (nodes.length > items.length) nodes.pop()!.group.remove();
  }

  return {
    draw(scene) {
      layoutAxes(scene, items);
      show();
    },
    clear() {
      items.length = 0;
      show();
    },
    texts: () => items,
  };
}
