import { sameParts } from "../parts/same";
import type { AxisText } from "./axes";
import { freeCorner } from "./free-corner";
import { barPlace } from "./layout";
import type { CanvasUi, Spot } from "./ui";

/** Moves the read-out of the selection to the corner in which it covers least. */
export function createReadOutPlace(
  root: HTMLElement,
  { size, corner }: Pick<CanvasUi<unknown>, "size" | "corner">,
) {
  let placedFor: readonly unknown[] = [];
  /** `key`: what decides where that is; while it stays the same the read-out stays where it is. */
  return (
    key: readonly unknown[],
    texts: () => readonly AxisText[],
    busy: (x: number, y: number) => boolean,
    spot: Spot | null,
  ): void => {
    const panel = size.peek();
    key = [...key, panel];
    if (sameParts(key, placedFor)) return;
    const card = root.parentElement?.querySelector<HTMLElement>(".nbl-readout");
    if (!card) return;
    placedFor = key;
    const box = { width: card.offsetWidth, height: card.offsetHeight };
    const bar = barPlace(panel.width, panel.height);
    corner.value = freeCorner(panel, box, texts(), busy, bar, corner.peek(), spot);
  };
}
