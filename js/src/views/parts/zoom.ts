/** How much larger than its own CSS pixels an element is drawn (projector mode). */
export const zoomOf = (element: Element): number =>
  (element as Element & { currentCSSZoom?: number }).currentCSSZoom || 1;

/** Where a pointer is in an element, in the element's own CSS pixels. */
export function placeIn(
  element: Element,
  event: { clientX: number; clientY: number },
  box: { left: number; top: number } = element.getBoundingClientRect(),
): { x: number; y: number } {
  const zoom = zoomOf(element);
  return { x: (event.clientX - box.left) / zoom, y: (event.clientY - box.top) / zoom };
}
