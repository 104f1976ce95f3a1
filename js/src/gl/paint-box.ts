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
  const nearX = nearSide(camera, 0);
  const nearY = nearSide(camera, 1);
  const ink = css(look.ink);
  target.lineJoin = "round";
  target.lineCap = "round";
  target.lineWidth = look.pixelRatio;
  target.fillStyle = target.strokeStyle = ink;

  const dark = isDark(look.background);
  target.globalAlpha = dark ? 0.07 : 0.035;
  floor(target, camera);
  target.fill();
  target.globalAlpha = dark ? 0.045 : 0.022;
  wall(target, camera, -nearX, -1, -nearX, 1);
  wall(target, camera, -1, -nearY, 1, -nearY);
  paintShadow(target, camera, dark ? 0.45 : 0.17);

  target.fillStyle = target.strokeStyle = ink;
  target.globalAlpha = 0.1;
  target.beginPath();
  const xs = look.ticks[0];
  const ys = look.ticks[1];
  const zs = look.ticks[2];
  for (let k = 0; k < xs.length; k++) {
    const at = xs[k]! * camera.scaleX + camera.shiftX;
    move(target, camera, at, nearY, -1);
    line(target, camera, at, -nearY, -1);
    line(target, camera, at, -nearY, 1);
  }
  for (let k = 0; k < ys.length; k++) {
    const at = ys[k]! * camera.scaleY + camera.shiftY;
    move(target, camera, nearX, at, -1);
    line(target, camera, -nearX, at, -1);
    line(target, camera, -nearX, at, 1);
  }
  for (let k = 0; k < zs.length; k++) hem(target, camera, nearX, nearY, 2 * fraction(camera.map, zs[k]!) - 1);
  target.stroke();

  target.globalAlpha = 0.32;
  floor(target, camera);
  hem(target, camera, nearX, nearY, 1);
  upright(target, camera, -nearX, -nearY);
  upright(target, camera, nearX, -nearY);
  upright(target, camera, -nearX, nearY);
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
  const ox = p[0]!;
  const oy = p[1]!;
  projectWorld(camera, 1, 0, -camera.half, p);
  projectWorld(camera, 0, 1, -camera.half, q);
  target.setTransform(p[0]! - ox, p[1]! - oy, q[0]! - ox, q[1]! - oy, ox, oy);
  target.globalAlpha = strength;
  target.fillStyle = shadeOf(target);
  target.fillRect(-1, -1, 2, 2);
  target.globalAlpha = 1;
  target.setTransform(1, 0, 0, 1, 0, 0);
}

/*
 * Heights are given in halves of the box: whole numbers need no memory on the way into a function, and this runs for
 * every line of every frame.
 */

function move(target: CanvasRenderingContext2D, camera: Camera, x: number, y: number, z: number): void {
  projectWorld(camera, x, y, z * camera.half, p);
  target.moveTo(p[0]!, p[1]!);
}

function line(target: CanvasRenderingContext2D, camera: Camera, x: number, y: number, z: number): void {
  projectWorld(camera, x, y, z * camera.half, p);
  target.lineTo(p[0]!, p[1]!);
}

/** Along both walls at one height. */
function hem(
  target: CanvasRenderingContext2D,
  camera: Camera,
  nearX: number,
  nearY: number,
  z: number,
): void {
  move(target, camera, -nearX, nearY, z);
  line(target, camera, -nearX, -nearY, z);
  line(target, camera, nearX, -nearY, z);
}

function upright(target: CanvasRenderingContext2D, camera: Camera, x: number, y: number): void {
  move(target, camera, x, y, -1);
  line(target, camera, x, y, 1);
}

/** Begins a path with the edge of the floor. */
function floor(target: CanvasRenderingContext2D, camera: Camera): void {
  target.beginPath();
  move(target, camera, -1, -1, -1);
  line(target, camera, 1, -1, -1);
  line(target, camera, 1, 1, -1);
  line(target, camera, -1, 1, -1);
  target.closePath();
}

/** Fills the wall above a line of the floor. */
function wall(
  target: CanvasRenderingContext2D,
  camera: Camera,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): void {
  target.beginPath();
  move(target, camera, x0, y0, -1);
  line(target, camera, x1, y1, -1);
  line(target, camera, x1, y1, 1);
  line(target, camera, x0, y0, 1);
  target.fill();
}
