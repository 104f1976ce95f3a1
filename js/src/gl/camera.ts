import type { Look } from "./engine";
import { createHeightMap, fraction, type HeightMap, setHeightMap } from "./height-map";

/**
 * The box is [-1, 1] x [-1, 1] x [-h, h] in the world, z up, seen from far away with a narrow field of view.
 * yaw 0 looks along +y (x points right); pitch 0 is level, pi/2 looks straight down.
 */

export const HALF_HEIGHT = 0.62;
export const MIN_PITCH = 0.04;
export const MAX_PITCH = Math.PI / 2;

/** How much wider than its true shape the box may be drawn to use the room of a wide panel. */
const MAX_STRETCH = 1.3;
const DISTANCE = 8;
const NEAR = 3;
const FAR = 13;
const BASE_RADIUS = Math.SQRT2;

export interface Extent {
  x0: readonly [number, number];
  x1: readonly [number, number];
}

export interface Camera {
  map: HeightMap;
  /** Whether what lies above the box is cut off. */
  clipped: boolean;
  /** Top-down and without perspective: the fallback without WebGL. */
  flat: boolean;
  width: number;
  height: number;
  pixelRatio: number;
  /** Half of the box's height in the world. */
  half: number;
  /** data -> world, x and y: world = data * scale + shift. */
  scaleX: number;
  shiftX: number;
  scaleY: number;
  shiftY: number;
  /** Camera frame in the world: right, up, and back (towards the eye). */
  right: Float64Array;
  up: Float64Array;
  back: Float64Array;
  /** Device pixels per unit of tangent, and the pixel of the optical axis. */
  focal: number;
  focalY: number;
  centerX: number;
  centerY: number;
  /** World -> clip, column-major. */
  matrix: Float32Array;
}

export function createCamera(flat = false): Camera {
  return {
    map: createHeightMap(),
    clipped: false,
    flat,
    width: 1,
    height: 1,
    pixelRatio: 1,
    half: HALF_HEIGHT,
    scaleX: 1,
    shiftX: 0,
    scaleY: 1,
    shiftY: 0,
    right: new Float64Array(3),
    up: new Float64Array(3),
    back: new Float64Array(3),
    focal: 1,
    focalY: 1,
    centerX: 0,
    centerY: 0,
    matrix: new Float32Array(16),
  };
}

/** Points the camera: the box fills what the insets leave, whatever the yaw. Allocates nothing. */
export function setCamera(camera: Camera, look: Look, extent: Extent): void {
  const { right, up, back } = camera;
  setHeightMap(camera.map, look);
  camera.clipped = look.clipped === true;
  camera.flat = look.flat ?? camera.flat;
  camera.width = look.width;
  camera.height = look.height;
  camera.pixelRatio = look.pixelRatio;
  camera.half = HALF_HEIGHT * look.exaggeration;
  setAxis(camera, extent);

  const yaw = camera.flat ? 0 : look.yaw;
  const pitch = camera.flat ? MAX_PITCH : Math.min(MAX_PITCH, Math.max(MIN_PITCH, look.pitch));
  const cy = Math.cos(yaw);
  const sy = Math.sin(yaw);
  const cp = Math.cos(pitch);
  const sp = Math.sin(pitch);
  right[0] = cy;
  right[1] = sy;
  right[2] = 0;
  back[0] = sy * cp;
  back[1] = -cy * cp;
  back[2] = sp;
  up[0] = -sy * sp;
  up[1] = cy * sp;
  up[2] = cp;

  // Top, right, bottom, left; taken apart by an iterator they would cost memory in every frame.
  const { inset } = look;
  const roomX = Math.max(8, look.width - inset[3] - inset[1]);
  const roomY = Math.max(8, look.height - inset[0] - inset[2]);
  const middleX = inset[3] + roomX / 2 + look.pan[0] * Math.min(roomX, roomY);
  const middleY = inset[0] + roomY / 2 + look.pan[1] * Math.min(roomX, roomY);
  if (camera.flat) {
    // The plane may be stretched: a heat map uses all of the canvas.
    camera.focal = (roomX / 2) * DISTANCE * look.zoom;
    camera.focalY = (roomY / 2) * DISTANCE * look.zoom;
    camera.centerX = middleX;
    camera.centerY = middleY;
  } else {
    fitBox(camera, cp, sp, roomX, roomY, look, middleX, middleY);
  }
  setMatrix(camera);
}

/** Scales so that the cylinder around the box fits: turning then never changes the size. */
function fitBox(
  camera: Camera,
  cp: number,
  sp: number,
  roomX: number,
  roomY: number,
  { zoom, stretch = MAX_STRETCH }: Look,
  middleX: number,
  middleY: number,
): void {
  let right = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < 64; i++) {
    const angle = (i >> 1) * (Math.PI / 16);
    const z = (i & 1) * 2 * camera.half - camera.half;
    const toward = BASE_RADIUS * Math.sin(angle);
    const depth = DISTANCE - (toward * cp + z * sp);
    const u = (BASE_RADIUS * Math.cos(angle)) / depth;
    const v = (z * cp - toward * sp) / depth;
    if (u > right) right = u;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const wide = roomX / (2 * right);
  const tall = roomY / (high - low);
  camera.focalY = Math.min(wide, tall) * zoom;
  // The axes have units of their own: in a wide panel the box may be somewhat wider than it is deep.
  camera.focal = Math.min(wide, stretch * tall) * zoom;
  camera.centerX = middleX;
  camera.centerY = middleY + (camera.focalY * (high + low)) / 2;
}

function setAxis(camera: Camera, extent: Extent): void {
  const width = extent.x0[1] - extent.x0[0] || 1;
  const depth = extent.x1[1] - extent.x1[0] || 1;
  camera.scaleX = 2 / width;
  camera.shiftX = -1 - extent.x0[0] * camera.scaleX;
  camera.scaleY = 2 / depth;
  camera.shiftY = -1 - extent.x1[0] * camera.scaleY;
}

function setMatrix(camera: Camera): void {
  const { matrix: m, right, up, back, width, height, focal, focalY, centerX, centerY } = camera;
  const fx = (2 * focal) / width;
  const fy = (2 * focalY) / height;
  const ox = (2 * centerX) / width - 1;
  const oy = 1 - (2 * centerY) / height;
  const za = (FAR + NEAR) / (FAR - NEAR);
  const zb = (-2 * FAR * NEAR) / (FAR - NEAR);
  // Row by row: w = DISTANCE - back.p; x = fx right.p + ox w; y = fy up.p + oy w; z = za w + zb.
  for (let k = 0; k < 3; k++) {
    const w = camera.flat ? 0 : -back[k]!;
    m[k * 4] = fx * right[k]! + ox * w;
    m[k * 4 + 1] = fy * up[k]! + oy * w;
    m[k * 4 + 2] = za * w;
    m[k * 4 + 3] = w;
  }
  m[12] = ox * DISTANCE;
  m[13] = oy * DISTANCE;
  m[14] = za * DISTANCE + zb;
  m[15] = DISTANCE;
}

/** World point -> device pixels (y down) and distance from the eye, into `out`. */
export function projectWorld(
  camera: Camera,
  x: number,
  y: number,
  z: number,
  out: Float64Array,
): Float64Array {
  const { right, up, back } = camera;
  const w = camera.flat ? DISTANCE : DISTANCE - (back[0]! * x + back[1]! * y + back[2]! * z);
  out[0] = camera.centerX + (camera.focal * (right[0]! * x + right[1]! * y + right[2]! * z)) / w;
  out[1] = camera.centerY - (camera.focalY * (up[0]! * x + up[1]! * y + up[2]! * z)) / w;
  out[2] = w;
  return out;
}

/** Data point (coordinates and loss - base) -> device pixels and distance from the eye, into `out`. */
export function project(camera: Camera, x: number, y: number, z: number, out: Float64Array): Float64Array {
  return projectWorld(
    camera,
    x * camera.scaleX + camera.shiftX,
    y * camera.scaleY + camera.shiftY,
    (fraction(camera.map, z) * 2 - 1) * camera.half,
    out,
  );
}

/** The ray through a device pixel in world coordinates: origin in out[0..2], direction (not unit) in out[3..5]. */
export function ray(camera: Camera, px: number, py: number, out: Float64Array): Float64Array {
  const { right, up, back } = camera;
  const u = (px - camera.centerX) / camera.focal;
  const v = (camera.centerY - py) / camera.focalY;
  for (let k = 0; k < 3; k++) {
    const across = u * right[k]! + v * up[k]!;
    out[k] = back[k]! * DISTANCE + (camera.flat ? across * DISTANCE : 0);
    out[3 + k] = -back[k]! + (camera.flat ? 0 : across);
  }
  return out;
}

/** Direction from a world point to the eye (not unit), into `out`. */
export function towardEye(camera: Camera, x: number, y: number, z: number, out: Float64Array): Float64Array {
  const { back } = camera;
  out[0] = back[0]! * DISTANCE - x;
  out[1] = back[1]! * DISTANCE - y;
  out[2] = back[2]! * DISTANCE - z;
  return out;
}
