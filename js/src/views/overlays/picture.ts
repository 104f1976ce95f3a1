import { createHeightMap, fraction, setHeightMap } from "../../gl/height-map";
import { cssColor } from "../../gl/luts";
import { css } from "../../gl/paint-box";
import type { Store } from "../../model/store";
import { barLength, barPlace } from "../canvas/layout";
import { tickNote } from "../parts/offset";
import { lossTicks, tickTexts } from "../parts/ticks";
import type { SurfaceUi } from "../surface/ui";
import { type Capture, capture } from "./capture";

export const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

export interface PictureOptions {
  /** Pixels per CSS pixel of the panel. */
  enlarged: number;
  transparent: boolean;
}

/** A text of the picture in CSS pixels of the panel. */
interface PictureText {
  x: number;
  y: number;
  text: string;
  size: number;
  anchor: "start" | "middle" | "end";
  angle: number;
  strong: boolean;
}

interface PictureParts {
  texts: PictureText[];
  /** x0, y0, x1, y1 */
  lines: [number, number, number, number][];
  /** Cells of the colour bar: x, y, width, height, colour. */
  cells: [number, number, number, number, string][];
}

/** What stands around the surface: texts and ticks of the axes, and the colour bar. */
function partsOf(store: Store, ui: SurfaceUi, { texts, width, height }: Capture): PictureParts {
  const out: PictureParts = { texts: [], lines: [], cells: [] };
  for (const { x, y, text, anchor, angle, kind, line } of texts) {
    const strong = kind === "title";
    out.texts.push({ x, y, text, anchor, angle, strong, size: strong ? 11.5 : 10.5 });
    if (line !== null) out.lines.push(line);
  }
  const bar = ui.bar.peek();
  const grid = store.grid.peek();
  const place = barPlace(width, height);
  if (bar === null || grid === null || place === "none") return out;
  const map = createHeightMap();
  setHeightMap(map, { range: [bar.low, bar.high], scale: bar.scale, base: grid.base });
  const upright = place === "right";
  const [length, count] = barLength(upright, width, height);
  const thick = upright ? 10 : 8;
  const [left, top] = upright ? [width - 22, 38] : [(width - length) / 2, 30];
  const colors = store.view.peek().colormap;
  const steps = Math.round(length);
  for (let k = 0; k < steps; k++) {
    const color = cssColor(colors, (k + 0.5) / steps);
    out.cells.push(
      upright ? [left, top + length - k - 1, thick, 1.5, color] : [left + k, top, 1.5, thick, color],
    );
  }
  const losses = lossTicks(bar.low + grid.base, bar.high + grid.base, bar.scale, count);
  const written = tickTexts(losses);
  losses.forEach((loss, k) => {
    const t = fraction(map, loss - grid.base);
    const text = { text: written[k]!, size: 10.5, angle: 0, strong: false };
    if (upright) out.texts.push({ ...text, x: left - 8, y: top + length * (1 - t) + 3.5, anchor: "end" });
    else out.texts.push({ ...text, x: left + length * t, y: top + thick + 14, anchor: "middle" });
  });
  const note = tickNote(losses);
  const title = `${grid.quantity}${bar.scale === "linear" ? "" : ` (${bar.scale})`}${note && ` ${note}`}`;
  out.texts.push({
    x: upright ? width - 12 : width / 2,
    y: upright ? 24 : 20,
    text: title,
    size: 11.5,
    angle: 0,
    strong: true,
    anchor: upright ? "end" : "middle",
  });
  return out;
}

/** The panel as a picture, as large as asked for: drawn anew, not stretched. */
export function paintPicture(store: Store, ui: SurfaceUi, options: PictureOptions): HTMLCanvasElement {
  const taken = capture(ui, options.enlarged);
  const canvas = document.createElement("canvas");
  canvas.width = taken.canvas.width;
  canvas.height = taken.canvas.height;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser offers no canvas.");
  if (!options.transparent) {
    context.fillStyle = css(taken.background);
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.drawImage(taken.canvas, 0, 0);
  context.scale(options.enlarged, options.enlarged);
  const parts = partsOf(store, ui, taken);
  for (const [x, y, w, h, color] of parts.cells) {
    context.fillStyle = color;
    context.fillRect(x, y, w, h);
  }
  context.globalAlpha = 0.5;
  context.strokeStyle = css(taken.ink);
  context.lineWidth = 1;
  for (const [x0, y0, x1, y1] of parts.lines) {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  }
  for (const { x, y, text, size, anchor, angle, strong } of parts.texts) {
    context.save();
    context.globalAlpha = 1;
    context.translate(x, y);
    context.rotate((angle * Math.PI) / 180);
    context.font = `${size}px ${FONT}`;
    context.textAlign = anchor === "middle" ? "center" : anchor;
    if (!options.transparent) {
      context.strokeStyle = css(taken.background);
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeText(text, 0, 0);
    }
    context.globalAlpha = strong ? 1 : 0.75;
    context.fillStyle = css(taken.ink);
    context.fillText(text, 0, 0);
    context.restore();
  }
  return canvas;
}

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

/** The surface as a raster, everything around it as vectors and text; the contour lines of a map as well. */
export function paintSvg(store: Store, ui: SurfaceUi, enlarged: number): string {
  const taken = capture(ui, enlarged, true);
  const { width, height, ink, background, contours, over } = taken;
  const { texts, lines, cells } = partsOf(store, ui, taken);
  const n = (v: number) => String(Math.round(100 * v) / 100);
  const rects = cells
    .map(([x, y, w, h, c]) => `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" fill="${c}"/>`)
    .join("");
  const strokes = lines.map(([a, b, c, d]) => `M${n(a)} ${n(b)}L${n(c)} ${n(d)}`).join("");
  const words = texts
    .map(
      ({ x, y, text, size, anchor, angle }) =>
        `<text transform="translate(${n(x)} ${n(y)}) rotate(${n(angle)})" text-anchor="${anchor}" font-size="${size}">${escaped(text)}</text>`,
    )
    .join("");
  const image = (canvas: HTMLCanvasElement) =>
    `<image width="${n(width)}" height="${n(height)}" href="${canvas.toDataURL("image/png")}"/>`;
  const curves = contours.map(
    ({ d, weight, light }) =>
      `<path d="${d}" stroke="${light ? "#fff" : "#000"}" stroke-width="${0.8 + 0.5 * weight}" stroke-opacity="${0.3 + 0.3 * weight}"/>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}">` +
    `<rect width="100%" height="100%" fill="${css(background)}"/>` +
    image(taken.canvas) +
    `<g fill="none" stroke-linejoin="round">${curves.join("")}</g>${over ? image(over) : ""}` +
    `${rects}<path d="${strokes}" stroke="${css(ink)}" stroke-opacity="0.5" fill="none"/>` +
    `<g font-family="${escaped(FONT)}" fill="${css(ink)}">${words}</g></svg>`
  );
}
