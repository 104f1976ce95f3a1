import { createCamera, setCamera } from "../../gl/camera";
import { createLabels } from "../../gl/paint-labels";
import { paintLines } from "../../gl/paint-lines";
import { paintMarkers } from "../../gl/paint-markers";
import type { AxisText } from "../canvas/axes";
import type { Rgb } from "../canvas/colors";
import { type ContourPath, contourPaths } from "../surface/contour-paths";
import type { SurfaceUi } from "../surface/ui";

/** A picture, and what lies on it: CSS pixels of the panel. */
export interface Capture {
  canvas: HTMLCanvasElement;
  /** Where the contour lines are apart: what lies above them. */
  over: HTMLCanvasElement | null;
  contours: readonly ContourPath[];
  width: number;
  height: number;
  texts: readonly AxisText[];
  ink: Rgb;
  background: Rgb;
}

/**
 * The surface as it is at rest, so many times as large; the caller paints texts on it. With `apart` the contour
 * lines of a map are curves, and neither they nor what lies over them are in the picture.
 */
export function capture(ui: SurfaceUi, enlarged: number, apart = false): Capture {
  const drawing = ui.actions.peek()?.drawing;
  const look = drawing?.atRest(enlarged);
  const { grid, live, levels } = drawing?.shown ?? {};
  if (!drawing || !look || !grid || !live || !levels) throw new Error("There is no surface to draw yet.");
  const sheet = () => {
    const canvas = document.createElement("canvas");
    canvas.width = look.width;
    canvas.height = look.height;
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("This browser offers no canvas.");
    return context;
  };
  const into = sheet();
  const above = apart && drawing.isFlat() && look.contours ? sheet() : null;
  let contours: readonly ContourPath[] = [];
  if (above) {
    const camera = createCamera();
    setCamera(camera, look, grid);
    contours = contourPaths(live, levels, camera, look.colormap);
    const labels = createLabels();
    labels.set(drawing.labels());
    paintLines(above, camera, look, ui.lines.value);
    labels.paint(above, camera, look, grid);
    paintMarkers(above, camera, look, grid, drawing.markers());
    look.contours = false;
  }
  drawing.drawInto(into, look, above !== null);
  return {
    canvas: into.canvas,
    over: above?.canvas ?? null,
    contours,
    ...ui.size.peek(),
    texts: drawing.texts().map((text) => ({ ...text })),
    ...ui.colors.peek(),
  };
}
