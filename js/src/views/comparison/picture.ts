import { css } from "../../gl/paint-box";
import type { Member } from "../../model/comparison";
import { FONT, type PictureOptions, paintPicture } from "../overlays/picture";
import type { SurfaceUi } from "../surface/ui";
import { failureOf, numbersLine } from "./card";
import { numbersOf } from "./numbers";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where a member's name and surface stand in the picture, CSS pixels. */
interface Place {
  head: Box;
  surface: Box;
}

/** Where the members stand on the page. */
export function placesOf(grid: HTMLElement): Place[] {
  const { left, top } = grid.getBoundingClientRect();
  const boxOf = (element: Element): Box => {
    const box = element.getBoundingClientRect();
    return { left: box.left - left, top: box.top - top, width: box.width, height: box.height };
  };
  return [...grid.querySelectorAll(".nbl-member")].map((member) => ({
    head: boxOf(member.querySelector(".nbl-member-head")!),
    surface: boxOf(member.querySelector(".nbl-member-picture")!),
  }));
}

/** All members as they stand on the page, with their names and numbers. */
export function paintComparison(
  members: readonly Member[],
  drawn: ReadonlyMap<number, SurfaceUi>,
  places: readonly Place[],
  options: PictureOptions,
): HTMLCanvasElement {
  const first = [...drawn.values()][0];
  if (first === undefined) throw new Error("There is no surface to draw yet.");
  const canvas = document.createElement("canvas");
  const right = ({ left, width }: Box) => left + width;
  const bottom = ({ top, height }: Box) => top + height;
  canvas.width = Math.round(options.enlarged * Math.max(...places.map((p) => right(p.surface))));
  canvas.height = Math.round(options.enlarged * Math.max(...places.map((p) => bottom(p.surface))));
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser offers no canvas.");
  const { ink, background } = first.colors.peek();
  context.scale(options.enlarged, options.enlarged);
  if (!options.transparent) {
    context.fillStyle = css(background);
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  places.forEach(({ head, surface }, k) => {
    const { name, store } = members[k]!;
    context.fillStyle = css(ink);
    const write = (text: string, x: number, y: number, font: string) => {
      context.font = `${font} ${FONT}`;
      context.fillText(fitted(context, text, right(head) - 10 - x), x, y);
    };
    write(name, head.left + 10, head.top + 20, "600 13px");
    const after = head.left + 18 + Math.min(context.measureText(name).width, head.width / 2);
    write(numbersLine(numbersOf(store)), after, head.top + 20, "11px");
    const ui = drawn.get(k);
    if (ui === undefined) {
      const reason = failureOf({ store }) || "nothing computed yet";
      write(reason, surface.left + 10, surface.top + surface.height / 2, "12px");
      return;
    }
    const part = paintPicture(store, ui, options);
    context.drawImage(part, surface.left, surface.top, surface.width, surface.height);
  });
  return canvas;
}

/** As much of a text as there is room for. */
function fitted(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let kept = text;
  while (kept !== "" && context.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return kept === "" ? "" : `${kept}…`;
}
