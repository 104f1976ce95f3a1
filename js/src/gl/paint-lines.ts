import { type Camera, project } from "./camera";
import type { Line, Look } from "./engine";
import { css } from "./paint-box";

const p = new Float64Array(3);

/** Lines on a surface that is seen from above: nothing hides them. */
export function paintLines(
  target: CanvasRenderingContext2D,
  camera: Camera,
  look: Look,
  lines: readonly Line[],
): void {
  target.lineJoin = target.lineCap = "round";
  target.globalAlpha = look.fade > 0 ? 0.6 : 1;
  for (const { points, color, width, dashed } of lines) {
    target.beginPath();
    let pen = false;
    for (let k = 0; k + 2 < points.length; k += 3) {
      project(camera, points[k]!, points[k + 1]!, points[k + 2]!, p);
      const at = Number.isFinite(p[0]!) && Number.isFinite(p[1]!);
      if (at && pen) target.lineTo(p[0]!, p[1]!);
      else if (at) target.moveTo(p[0]!, p[1]!);
      pen = at;
    }
    target.setLineDash(dashed ? [5 * look.pixelRatio, 4 * look.pixelRatio] : []);
    target.strokeStyle = css(color);
    target.lineWidth = width * look.pixelRatio;
    target.stroke();
  }
  target.setLineDash([]);
  target.globalAlpha = 1;
}
