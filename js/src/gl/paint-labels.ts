import { type Camera, project } from "./camera";
import type { Grid, Label, Look } from "./engine";
import { fraction } from "./height-map";
import { css } from "./paint-box";
import { occluded } from "./pick";

/** Height of the text, CSS pixels. */
const SIZE = 9.5;
const GAP = 5;
const p = new Float64Array(3);

/** Labels of one surface. Which of them are seen is decided at rest and kept while the view moves. */
export function createLabels() {
  let labels: readonly Label[] = [];
  let seen = new Uint8Array(0);
  let decided = false;
  let font = "";
  let fontRatio = 0;
  /** Left, top, right, bottom of what is placed already. */
  let boxes: number[] = [];

  function hits(left: number, top: number, right: number, bottom: number): boolean {
    for (let k = 0; k < boxes.length; k += 4) {
      if (left < boxes[k + 2]! && right > boxes[k]! && top < boxes[k + 3]! && bottom > boxes[k + 1]!)
        return true;
    }
    return false;
  }

  return {
    set(next: readonly Label[]): void {
      labels = next;
      seen = new Uint8Array(next.length);
      decided = false;
    },
    paint(target: CanvasRenderingContext2D, camera: Camera, look: Look, grid: Grid): void {
      if (labels.length === 0 || look.ghost) return;
      const fresh = !look.moving || !decided;
      if (fresh) boxes = [];
      decided = true;
      const size = SIZE * look.pixelRatio;
      if (look.pixelRatio !== fontRatio) {
        fontRatio = look.pixelRatio;
        font = `${size}px ${FONT}`;
      }
      target.font = font;
      target.textAlign = "center";
      target.textBaseline = "middle";
      target.lineJoin = "round";
      target.lineWidth = 3 * look.pixelRatio;
      target.strokeStyle = css(look.background);
      target.fillStyle = css(look.ink);
      target.globalAlpha = look.fade > 0 ? 0.5 : 0.92;
      for (let k = 0; k < labels.length; k++) {
        const { x, y, z, text } = labels[k]!;
        project(camera, x, y, z, p);
        const px = p[0]!;
        const py = p[1]!;
        if (fresh) {
          const half = (text.length * size * 0.6) / 2 + GAP * look.pixelRatio;
          const box = [px - half, py - size, px + half, py + size] as const;
          const wx = x * camera.scaleX + camera.shiftX;
          const wy = y * camera.scaleY + camera.shiftY;
          const t = fraction(camera.map, z);
          const free = !hits(...box) && !(look.clipped && t > 1);
          seen[k] = free && !occluded(grid, camera, wx, wy, (2 * t - 1) * camera.half) ? 1 : 0;
          if (seen[k] === 1) boxes.push(...box);
        }
        if (seen[k] === 0) continue;
        target.strokeText(text, px, py);
        target.fillText(text, px, py);
      }
      target.globalAlpha = 1;
    },
  };
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";
