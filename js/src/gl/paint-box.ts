import { type Camera, projectWorld } from "./camera";
import type { Look } from "./engine";
import { fraction } from "./height-map";

/** The box behind the surface: floor, the two walls away from the viewer, and their grid lines. */

const p = new Float64Array(3);
const q = new Float64Array(3);

const written = new WeakMap<readonly number[], string>();

export function css(rgb: readonly [number, number, number]): string {
  let text = written.get(rgb);
  if (text === undefined) {
    text = `rgb(${Math.round(rgb[0] * 255)} ${Math.round(rgb[1] * 255)} ${Math.round(rgb[2] * 255)})`;
    written.set(rgb, text);
  }
  return text;
}

function isDark(rgb: readonly [number, number, number]): boolean {
  return 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] < 0.4;
}

/** Sign of the floor edge that faces the viewer, along x (0) or y (1). */
export function nearSide(camera: Camera, axis: 0 | 1): 1 | -1 {
  return !camera.flat && camera.back[axis]! >= 0 ? 1 : -1;
}

export function paintBox(target: CanvasRenderingContext2D, camera: Camera, look: Look): void {
  if (camera.flat) return;
  const h = camera.half;
  const nearX = nearSide(camera, 0);
  const nearY = nearSide(camera, 1);
  const ink = css(look.ink);
  target.lineJoin = "round";
  target.lineCap = "round";
  target.lineWidth = look.pixelRatio;
  target.fillStyle = target.strokeStyle = ink;

  const dark = isDark(look.background);
  target.globalAlpha = dark ? 0.07 : 0.035;
  quad(target, camera, -1, -1, -h, 1, -1, -h, 1, 1, -h, -1, 1, -h);
  target.fill();
  target.globalAlpha = dark ? 0.045 : 0.022;
  quad(target, camera, -nearX, -1, -h, -nearX, 1, -h, -nearX, 1, h, -nearX, -1, h);
  target.fill();
  quad(target, camera, -1, -nearY, -h, 1, -nearY, -h, 1, -nearY, h, -1, -nearY, h);
  target.fill();
  paintShadow(target, camera, dark ? 0.45 : 0.17);

  target.fillStyle = target.strokeStyle = ink;
  target.globalAlpha = 0.1;
  target.beginPath();
  for (const x of look.ticks[0]) {
    const at = x * camera.scaleX + camera.shiftX;
    segment(target, camera, at, -1, -h, at, 1, -h);
    segment(target, camera, at, -nearY, -h, at, -nearY, h);
  }
  for (const y of look.ticks[1]) {
    const at = y * camera.scaleY + camera.shiftY;
    segment(target, camera, -1, at, -h, 1, at, -h);
    segment(target, camera, -nearX, at, -h, -nearX, at, h);
  }
  for (const z of look.ticks[2]) {
    const at = (2 * fraction(camera.map, z) - 1) * h;
    segment(target, camera, -nearX, -1, at, -nearX, 1, at);
    segment(target, camera, -1, -nearY, at, 1, -nearY, at);
  }
  target.stroke();

  target.globalAlpha = 0.32;
  target.beginPath();
  for (const s of [-1, 1]) {
    segment(target, camera, -1, s, -h, 1, s, -h);
    segment(target, camera, s, -1, -h, s, 1, -h);
  }
  segment(target, camera, -nearX, -1, h, -nearX, 1, h);
  segment(target, camera, -1, -nearY, h, 1, -nearY, h);
  segment(target, camera, -nearX, -nearY, -h, -nearX, -nearY, h);
  segment(target, camera, nearX, -nearY, -h, nearX, -nearY, h);
  segment(target, camera, -nearX, nearY, -h, -nearX, nearY, h);
  target.stroke();
  target.globalAlpha = 1;
}

const shades = new WeakMap<CanvasRenderingContext2D, CanvasGradient>();

/** In the units of the floor, so that one serves every view. */
function shadeOf(target: CanvasRenderingContext2D): CanvasGradient {
  let shade = shades.get(target);
  if (shade === undefined) {
    shade = target.createRadialGradient(0, 0, 0, 0, 0, 1);
    shade.addColorStop(0, "rgb(0 0 0 / 1)");
    shade.addColorStop(0.55, "rgb(0 0 0 / 0.6)");
    shade.addColorStop(1, "rgb(0 0 0 / 0)");
    shades.set(target, shade);
  }
  return shade;
}

/** A soft patch of shade on the floor: what is above it seems to stand on it. */
function paintShadow(target: CanvasRenderingContext2D, camera: Camera, strength: number): void {
  projectWorld(camera, 0, 0, -camera.half, p);
  const [ox, oy] = [p[0]!, p[1]!];
  projectWorld(camera, 1, 0, -camera.half, p);
  projectWorld(camera, 0, 1, -camera.half, q);
  target.setTransform(p[0]! - ox, p[1]! - oy, q[0]! - ox, q[1]! - oy, ox, oy);
  target.globalAlpha = strength;
  target.fillStyle = shadeOf(target);
  target.fillRect(-1, -1, 2, 2);
  target.globalAlpha = 1;
  target.setTransform(1, 0, 0, 1, 0, 0);
}

function segment(
  target: CanvasRenderingContext2D,
  camera: Camera,
  x0: number,
  y0: number,
  z0: number,
  x1: number,
  y1: number,
  z1: number,
): void {
  projectWorld(camera, x0, y0, z0, p);
  projectWorld(camera, x1, y1, z1, q);
  target.moveTo(p[0]!, p[1]!);
  target.lineTo(q[0]!, q[1]!);
}

function quad(target: CanvasRenderingContext2D, camera: Camera, ...corners: number[]): void {
  target.beginPath();
  for (let k = 0; k < 12; k += 3) {
    projectWorld(camera, corners[k]!, corners[k + 1]!, corners[k + 2]!, p);
    if (k === 0) target.moveTo(p[0]!, p[1]!);
    else target.lineTo(p[0]!, p[1]!);
  }
  target.closePath();
}
