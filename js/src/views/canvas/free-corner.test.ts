import { describe, expect, it } from "vitest";
import type { AxisText } from "./axes";
import { type Corner, freeCorner } from "./free-corner";

const PANEL = { width: 600, height: 400 };
const CARD = { width: 150, height: 100 };
const nothing = () => false;
const text = (x: number, y: number, more: Partial<AxisText> = {}): AxisText => ({
  kind: "tick",
  x,
  y,
  text: "−20",
  anchor: "middle",
  angle: 0,
  line: [x, y, x, y],
  ...more,
});
const choose = (
  texts: AxisText[],
  busy = nothing as (x: number, y: number) => boolean,
  now: Corner = "bottom-right",
) => freeCorner(PANEL, CARD, texts, busy, "right", now);

describe("the read-out's corner", () => {
  it("stays while it covers nothing", () => {
    for (const now of ["bottom-right", "bottom-left", "top-left"] as const)
      expect(choose([], nothing, now)).toBe(now);
  });

  it("leaves a corner with a text for one without, whatever the text's anchor and angle", () => {
    expect(choose([text(500, 350)])).not.toBe("bottom-right");
    expect(choose([text(430, 350, { anchor: "start", text: "a long name" })])).not.toBe("bottom-right");
    expect(choose([text(420, 250, { kind: "title", text: "a long slanted name", angle: 45 })])).not.toBe(
      "bottom-right",
    );
    expect(choose([text(300, 350)])).toBe("bottom-right");
  });

  it("covers anything rather than the point that it is about", () => {
    const crowded = [text(60, 350), text(60, 330), text(90, 340), text(60, 60), text(80, 40), text(90, 60)];
    const at = (x: number, y: number) =>
      freeCorner(PANEL, CARD, crowded, () => true, "right", "bottom-right", { x, y });
    expect(at(500, 350)).not.toBe("bottom-right");
    expect(at(430, 290)).not.toBe("bottom-right"); // a mark at the very border of the card
    expect(at(300, 200)).toBe("bottom-right");
  });

  it("prefers the page to the surface, and never covers the colour bar", () => {
    const lowerHalf = (_: number, y: number) => y > 200;
    expect(choose([], lowerHalf)).toBe("top-left");
    const allButTopRight = (x: number, y: number) => x < 400 || y > 200;
    expect(choose([], allButTopRight)).not.toBe("top-right");
    expect(freeCorner(PANEL, CARD, [], allButTopRight, "top", "top-left")).toBe("top-right");
  });

  it("does not jump for a trifle", () => {
    const sliver = (x: number, y: number) => x > 570 && y > 370;
    expect(choose([], sliver)).toBe("bottom-right");
  });
});
