import type { Role } from "./choose";

/** Movement that tells a drag from a click, CSS pixels. */
const SLOP = 5;
/** How near to a target counts. */
const REACH = 10;

/**
 * Follows the pointer from a stem to what carries `data-nbl-drop="x" | "y" | "offset"`, anywhere in the
 * view. A press that does not move stays a click; Escape gives up.
 */
export function dragToAxis(event: PointerEvent, label: string, onDrop: (role: Role) => void): void {
  const stem = event.currentTarget as Element;
  const root = stem.getRootNode() as ShadowRoot | Document;
  const frame = stem.closest<HTMLElement>(".nbl-explorer");
  if (event.button !== 0 || frame === null) return;
  const [startX, startY] = [event.clientX, event.clientY];
  let ghost: HTMLElement | null = null;
  let over: Element | null = null;

  const begin = () => {
    ghost = document.createElement("div");
    ghost.className = "nbl-drag-ghost";
    ghost.textContent = label;
    frame.append(ghost);
    frame.dataset.dragging = "true";
  };
  const target = (x: number, y: number): Element | null => {
    let best: Element | null = null;
    let least = REACH;
    for (const element of root.querySelectorAll("[data-nbl-drop]")) {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const away = Math.hypot(Math.max(left - x, x - right, 0), Math.max(top - y, y - bottom, 0));
      if (away < least) [best, least] = [element, away];
    }
    return best;
  };
  const mark = (next: Element | null) => {
    if (next === over) return;
    over?.removeAttribute("data-over");
    next?.setAttribute("data-over", "true");
    over = next;
  };
  const move = (e: PointerEvent) => {
    if (ghost === null) {
      if (Math.hypot(e.clientX - startX, e.clientY - startY) < SLOP) return;
      begin();
    }
    const box = frame.getBoundingClientRect();
    ghost!.style.transform = `translate(${e.clientX - box.left + 10}px, ${e.clientY - box.top + 8}px)`;
    mark(target(e.clientX, e.clientY));
  };
  const end = (drop: boolean) => {
    stem.removeEventListener("pointermove", move as EventListener);
    stem.removeEventListener("pointerup", up);
    stem.removeEventListener("pointercancel", cancel);
    root.removeEventListener("keydown", key as EventListener, true);
    const role = over?.getAttribute("data-nbl-drop");
    mark(null);
    if (ghost === null) return;
    ghost.remove();
    delete frame.dataset.dragging;
    // The click that ends a drag is none.
    const swallow = (e: Event) => e.stopPropagation();
    stem.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => stem.removeEventListener("click", swallow, true), 0);
    if (drop && (role === "x" || role === "y" || role === "offset")) onDrop(role);
  };
  const up = () => end(true);
  const cancel = () => end(false);
  const key = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || ghost === null) return;
    e.stopPropagation();
    end(false);
  };
  // From the start: a fast pointer leaves the stem before it has moved far enough.
  stem.setPointerCapture(event.pointerId);
  stem.addEventListener("pointermove", move as EventListener);
  stem.addEventListener("pointerup", up);
  stem.addEventListener("pointercancel", cancel);
  root.addEventListener("keydown", key as EventListener, true);
}
