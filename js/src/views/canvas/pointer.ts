import { placeIn } from "../parts/zoom";

/** Turns pointer, wheel and touch events into gestures. Knows nothing of surfaces. */

export interface Gestures {
  rotate(dx: number, dy: number): void;
  /** What lies there to be dragged instead: told where the pointer goes until it is let go. */
  grab?(x: number, y: number): ((x: number, y: number) => void) | null;
  pan(dx: number, dy: number): void;
  /** Scales by `factor` about a point of the element. */
  zoom(factor: number, x: number, y: number): void;
  /** The pointer rests at a point, or has left (null). */
  point(at: { x: number; y: number } | null): void;
  click(x: number, y: number): void;
  reset(): void;
  /** A wheel turn that was left to the page. */
  declined(): void;
}

/** A pointer that moved less than this (CSS pixels) between down and up has clicked. */
const CLICK_DISTANCE = 4;
const DOUBLE_TAP_MS = 350;

interface Finger {
  x: number;
  y: number;
}

export function listenToPointers(element: HTMLElement, gestures: Gestures): () => void {
  const fingers = new Map<number, Finger>();
  let start: Finger | null = null;
  let dragged = false;
  let panning = false;
  let held: ReturnType<NonNullable<Gestures["grab"]>> = null;
  let lastTap = -Infinity;
  const cleanup = new AbortController();
  const options = { signal: cleanup.signal };

  // Asking for it makes the browser lay out the page: once per drag, not at every move of it.
  let box: DOMRect | null = null;
  const local = (event: MouseEvent): Finger => {
    return placeIn(element, event, fingers.size > 0 && box ? box : undefined);
  };

  element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.pointerType === "mouse" && event.button > 2) return;
      if (event.button === 1) event.preventDefault();
      if (fingers.size === 0) box = element.getBoundingClientRect();
      const at = local(event);
      fingers.set(event.pointerId, at);
      try {
        element.setPointerCapture(event.pointerId);
      } catch {
        // A pointer that is gone already cannot be captured; the drag then ends at the border.
      }
      if (fingers.size === 1) {
        start = at;
        dragged = false;
        panning = event.shiftKey || event.button !== 0;
        held = panning ? null : (gestures.grab?.(at.x, at.y) ?? null);
      } else {
        dragged = true;
        held = null;
      }
      gestures.point(null);
    },
    options,
  );

  element.addEventListener(
    "pointermove",
    (event) => {
      const at = local(event);
      const last = fingers.get(event.pointerId);
      if (!last) {
        if (event.pointerType !== "touch") gestures.point(at);
        return;
      }
      if (fingers.size === 1) {
        if (!dragged && start && Math.hypot(at.x - start.x, at.y - start.y) < CLICK_DISTANCE) return;
        dragged = true;
        if (held) held(at.x, at.y);
        else if (panning) gestures.pan(at.x - last.x, at.y - last.y);
        else gestures.rotate(at.x - last.x, at.y - last.y);
      } else if (fingers.size === 2) {
        const other = [...fingers].find(([id]) => id !== event.pointerId)![1];
        const before = Math.hypot(last.x - other.x, last.y - other.y);
        const after = Math.hypot(at.x - other.x, at.y - other.y);
        gestures.pan((at.x - last.x) / 2, (at.y - last.y) / 2);
        if (before > 0 && after > 0) {
          gestures.zoom(after / before, (at.x + other.x) / 2, (at.y + other.y) / 2);
        }
      }
      fingers.set(event.pointerId, at);
    },
    options,
  );

  const lift = (event: PointerEvent, cancelled: boolean) => {
    if (!fingers.delete(event.pointerId) || fingers.size > 0) return;
    const at = local(event);
    if (!cancelled && !dragged && !panning) {
      gestures.click(at.x, at.y);
      if (event.pointerType === "touch") {
        if (event.timeStamp - lastTap < DOUBLE_TAP_MS) gestures.reset();
        lastTap = event.timeStamp;
      }
    }
    if (event.pointerType !== "touch") gestures.point(at);
    start = null;
  };
  element.addEventListener("pointerup", (event) => lift(event, false), options);
  element.addEventListener("pointercancel", (event) => lift(event, true), options);
  element.addEventListener("pointerleave", () => gestures.point(null), options);
  element.addEventListener("dblclick", () => gestures.reset(), options);
  // The right button pans.
  element.addEventListener("contextmenu", (event) => event.preventDefault(), options);

  element.addEventListener(
    "wheel",
    (event) => {
      const root = element.getRootNode() as Document | ShadowRoot;
      const focused = root.activeElement !== null && element.contains(root.activeElement);
      if (!focused && !event.ctrlKey && !event.metaKey) {
        gestures.declined();
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
      // A pinch on a touchpad arrives as Ctrl + wheel with small steps.
      const speed = event.ctrlKey ? 0.008 : 0.0016;
      const step = Math.min(0.4, Math.max(-0.4, -event.deltaY * lines * speed));
      const at = local(event);
      gestures.zoom(Math.exp(step), at.x, at.y);
    },
    { passive: false, signal: cleanup.signal },
  );
  return () => cleanup.abort();
}
