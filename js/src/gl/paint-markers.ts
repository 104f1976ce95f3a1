import { type Camera, project } from "./camera";
import type { Grid, Look, Marker, MarkerShape } from "./engine";
import { fraction } from "./height-map";
import { css } from "./paint-box";
import { occluded } from "./pick";

/** Marks differ by shape, not only by colour; a halo in the background's colour keeps them readable. */

/** Radius of a marker of size 1 in CSS pixels. */
export const MARKER_RADIUS = 7;

/** Orange of Okabe and Ito: apart from every colour of the maps, also for the colour-blind. */
const MODEL_COLOR = "#e8820c";

/** How far above the marked point (in radii) the middle of the shape lies: triangles stand on their tip. */
export const MARKER_LIFT: Record<MarkerShape, number> = {
  minimum: 0.95,
  saddle: 0,
  maximum: 0.75,
  model: 0,
  point: 0,
};

/** Marks nearer to each other than this (in radii) shrink, down to LEAST_SIZE: they must not hide the valley they mark. */
const CROWDED = 2.6;
const LEAST_SIZE = 0.5;
/** Among more marks than this, those behind the surface step back further. */
const MANY = 40;
const HIDDEN_SIZE = 0.7;

const p = new Float64Array(3);
let hidden = new Uint8Array(64);
/** Where the markers are, device pixels, x and y in turn. */
let places = new Float64Array(128);

export function paintMarkers(
  target: CanvasRenderingContext2D,
  camera: Camera,
  look: Look,
  grid: Grid | null,
  markers: readonly Marker[],
): void {
  if (markers.length === 0) return;
  if (hidden.length < markers.length) {
    hidden = new Uint8Array(markers.length * 2);
    places = new Float64Array(markers.length * 4);
  }
  for (let k = 0; k < markers.length; k++) {
    const { x, y, z } = markers[k]!;
    project(camera, x, y, z, p);
    places[2 * k] = p[0]!;
    places[2 * k + 1] = p[1]!;
    if (grid === null) {
      hidden[k] = 0;
      continue;
    }
    const wx = x * camera.scaleX + camera.shiftX;
    const wy = y * camera.scaleY + camera.shiftY;
    hidden[k] = occluded(grid, camera, wx, wy, (2 * fraction(camera.map, z) - 1) * camera.half) ? 1 : 0;
  }
  const ink = css(look.ink);
  const halo = css(look.background);
  target.lineJoin = "round";
  target.lineCap = "round";
  // Hidden ones first, what is pointed at or selected last; within a pass the least important first.
  for (let pass = 0; pass < 3; pass++) {
    for (let k = markers.length - 1; k >= 0; k--) {
      const marker = markers[k]!;
      const strong = marker.selected || marker.hovered;
      if (pass !== (strong ? 2 : hidden[k] ? 0 : 1)) continue;
      paintMarker(
        target,
        look,
        marker,
        k,
        strong ? 1 : roomAt(k, markers.length, look) * (hidden[k] && markers.length > MANY ? HIDDEN_SIZE : 1),
        hidden[k] === 1,
        ink,
        halo,
      );
    }
  }
  target.globalAlpha = 1;
}

/** Size 0…1 that leaves the marks around this one apart. Marks of the same point (the model in a minimum) do not count. */
export function crowding(distance: number, radius: number): number {
  return Math.min(1, Math.max(LEAST_SIZE, distance / (CROWDED * radius)));
}

function roomAt(k: number, count: number, look: Look): number {
  const radius = MARKER_RADIUS * look.pixelRatio;
  const x = places[2 * k]!;
  const y = places[2 * k + 1]!;
  const same = look.pixelRatio * look.pixelRatio;
  let nearest = Infinity;
  for (let other = 0; other < count; other++) {
    const dx = places[2 * other]! - x;
    const dy = places[2 * other + 1]! - y;
    const square = dx * dx + dy * dy;
    if (square > same && square < nearest) nearest = square;
  }
  return crowding(Math.sqrt(nearest), radius);
}

function paintMarker(
  target: CanvasRenderingContext2D,
  look: Look,
  marker: Marker,
  k: number,
  room: number,
  isHidden: boolean,
  ink: string,
  halo: string,
): void {
  const x = places[2 * k]!;
  const y = places[2 * k + 1]!;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return;
  const grow = marker.selected || marker.hovered ? 1.15 : room;
  const r = MARKER_RADIUS * marker.size * grow * look.pixelRatio;
  const thin = look.pixelRatio * Math.max(0.7, Math.min(1, grow));
  target.globalAlpha =
    (isHidden ? (marker.selected || marker.hovered ? 0.75 : 0.36) : 1) * (look.fade > 0 ? 0.6 : 1);
  if (marker.selected) {
    target.beginPath();
    target.arc(x, y - MARKER_LIFT[marker.shape] * r, r * 1.7, 0, 2 * Math.PI);
    target.strokeStyle = halo;
    target.lineWidth = 4.5 * thin;
    target.stroke();
    target.strokeStyle = ink;
    target.lineWidth = 2 * thin;
    target.stroke();
  }
  outline(target, marker.shape, x, y, r);
  if (marker.shape === "saddle") {
    target.strokeStyle = halo;
    target.lineWidth = 0.42 * r + 3.4 * thin;
    target.stroke();
    target.strokeStyle = ink;
    target.lineWidth = 0.42 * r;
    target.stroke();
    if (marker.hollow) {
      target.strokeStyle = halo;
      target.lineWidth = 0.16 * r;
      target.stroke();
    }
    return;
  }
  target.strokeStyle = halo;
  target.lineWidth = 3.4 * thin;
  target.stroke();
  target.fillStyle = marker.shape === "model" ? MODEL_COLOR : marker.hollow ? halo : ink;
  target.fill();
  if (!marker.hollow) return;
  target.strokeStyle = ink;
  target.lineWidth = 1.5 * thin;
  target.stroke();
}

function outline(
  target: CanvasRenderingContext2D,
  shape: MarkerShape,
  x: number,
  y: number,
  r: number,
): void {
  target.beginPath();
  switch (shape) {
    case "minimum":
      target.moveTo(x, y);
      target.lineTo(x - 0.88 * r, y - 1.5 * r);
      target.lineTo(x + 0.88 * r, y - 1.5 * r);
      target.closePath();
      break;
    case "maximum":
      target.moveTo(x, y - 1.5 * r);
      target.lineTo(x - 0.88 * r, y);
      target.lineTo(x + 0.88 * r, y);
      target.closePath();
      break;
    case "saddle":
      target.moveTo(x - 0.68 * r, y - 0.68 * r);
      target.lineTo(x + 0.68 * r, y + 0.68 * r);
      target.moveTo(x + 0.68 * r, y - 0.68 * r);
      target.lineTo(x - 0.68 * r, y + 0.68 * r);
      break;
    case "model":
      for (let k = 0; k < 10; k++) {
        const radius = k % 2 === 0 ? 1.25 * r : 0.54 * r;
        const angle = (k * Math.PI) / 5 - Math.PI / 2;
        const sx = x + radius * Math.cos(angle);
        const sy = y + radius * Math.sin(angle);
        if (k === 0) target.moveTo(sx, sy);
        else target.lineTo(sx, sy);
      }
      target.closePath();
      break;
    case "point":
      target.arc(x, y, 0.62 * r, 0, 2 * Math.PI);
      break;
  }
}
