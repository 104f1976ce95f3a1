import type { Signal } from "@preact/signals";
import type { Engine } from "../../gl/engine";
import { css } from "../../gl/paint-box";
import { zoomOf } from "../parts/zoom";
import { watchAttention } from "./attention";
import { type Colors, colorsOf } from "./colors";

export interface Elements {
  /** Takes pointer and keys. */
  root: HTMLElement;
  canvas: HTMLCanvasElement;
  svg: SVGSVGElement;
}

interface Reactions {
  /** Draws on the canvas, whose size is right already. */
  draw(context: CanvasRenderingContext2D): void;
  /** The pointer has moved since the last frame. */
  hover(): void;
}

/** When a canvas is drawn. */
export interface Frames {
  /** With the next frame, if it is in sight. */
  invalidate(): void;
  /** At once. */
  drawNow(): void;
  /** Tells `hover` with the next frame. */
  point(): void;
  /** It changes: quick pictures do until it rests. */
  keepMoving(): void;
  moving(): boolean;
  /** Of the theme, the same object while it stays; asked for at rest, since that makes the browser style at once. */
  colors(): Colors;
  /** Device pixels per CSS pixel. */
  pixelRatio(): number;
  stop(): void;
}

const REST_MS = 160;

/** Draws a canvas on change, only while it is in sight, and in the size in which it is shown. */
export function createFrames(
  { root, canvas }: Elements,
  size: Signal<{ width: number; height: number }>,
  engine: Engine | null,
  { draw, hover }: Reactions,
): Frames {
  const context = canvas.getContext("2d");
  /** How much larger than its own pixels it is shown; the browser is asked when the size changes. */
  let zoom = zoomOf(root);
  let visible = true;
  let dirty = true;
  let recolored = true;
  let colors: Colors = { ink: [0.1, 0.1, 0.12], background: [1, 1, 1] };
  let pointed = false;
  let frame = 0;
  let movingUntil = 0;
  let restTimer = 0;

  const pixelRatio = () => Math.min(3, (window.devicePixelRatio || 1) * zoom);
  const moving = () => performance.now() < movingUntil;
  const request = () => {
    if (frame === 0 && visible) frame = requestAnimationFrame(onFrame);
  };
  const invalidate = () => {
    dirty = true;
    request();
  };

  function onFrame(): void {
    frame = 0;
    if (pointed) {
      pointed = false;
      hover();
    }
    if (dirty && visible) drawNow();
  }

  function drawNow(): void {
    const { width, height } = size.peek();
    if (!context || width < 2 || height < 2 || !canvas.isConnected) return;
    dirty = false;
    const ratio = pixelRatio();
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    draw(context);
  }

  const stopRestore = engine?.onRestore(invalidate);
  const stopAttention = watchAttention(root, size, {
    resized(changed) {
      zoom = zoomOf(root);
      // At once: a resized canvas is blank until it is drawn.
      if (changed && visible) drawNow();
    },
    seen(now) {
      visible = recolored = now;
      // Hosts blank canvases that were scrolled away or re-attached.
      if (visible) invalidate();
    },
    recolored() {
      recolored = true;
      invalidate();
    },
  });

  return {
    invalidate,
    drawNow,
    point() {
      pointed = true;
      request();
    },
    keepMoving() {
      movingUntil = performance.now() + REST_MS;
      clearTimeout(restTimer);
      restTimer = window.setTimeout(invalidate, REST_MS + 20);
    },
    moving,
    colors() {
      if (recolored && !moving()) {
        recolored = false;
        const now = colorsOf(root);
        if (css(now.ink) !== css(colors.ink) || css(now.background) !== css(colors.background)) colors = now;
      }
      return colors;
    },
    pixelRatio,
    stop() {
      cancelAnimationFrame(frame);
      clearTimeout(restTimer);
      stopRestore?.();
      stopAttention();
    },
  };
}
