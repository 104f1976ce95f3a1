import { type AxisText, CHARACTER } from "./axes";

export type Corner = "top-left" | "top-right" | "bottom-left" | "bottom-right";

interface Size {
  width: number;
  height: number;
}

/** From the border of the panel to the card. */
const BORDER = 10;
/** Room that a colour bar at the top takes. */
const BAR_HEIGHT = 52;
const SAMPLES = 5;
/** A card stays where it is unless another corner is better by this share of its area. */
const HYSTERESIS = 0.12;
/** Hiding the very point that it is about is worse than hiding the texts of two axes. */
const HIDES = 4;

/** The corner of a panel in which a card covers least of the surface and of the axes' texts. */
export function freeCorner(
  panel: Size,
  card: Size,
  texts: readonly AxisText[],
  busy: (x: number, y: number) => boolean,
  bar: "right" | "top" | "none",
  now: Corner,
  /** The point that the card is about: the last thing to cover. */
  spot: { x: number; y: number } | null = null,
): Corner {
  const top = bar === "top" ? BAR_HEIGHT : BORDER;
  const left = BORDER;
  const right = panel.width - BORDER - card.width;
  const bottom = panel.height - BORDER - card.height;
  const places: [Corner, number, number][] = [
    ["bottom-right", right, bottom],
    ["bottom-left", left, bottom],
    ["top-left", left, top],
  ];
  if (bar !== "right") places.push(["top-right", right, top]);
  let best = now;
  let least = Infinity;
  for (const [corner, x, y] of places) {
    const covered = coveredTexts(texts, x, y, card) + coveredSurface(busy, x, y, card);
    const hides = spot !== null && holds(x, y, card, spot);
    const cost = covered + (hides ? HIDES : 0) - (corner === now ? HYSTERESIS : 0);
    if (cost < least) [best, least] = [corner, cost];
  }
  return best;
}

/** Whether a mark lies under the card or at its very border. */
function holds(x: number, y: number, { width, height }: Size, at: { x: number; y: number }): boolean {
  const near = 14;
  return at.x > x - near && at.x < x + width + near && at.y > y - near && at.y < y + height + near;
}

function coveredSurface(busy: (x: number, y: number) => boolean, x: number, y: number, card: Size): number {
  let hits = 0;
  for (let i = 0; i < SAMPLES; i++) {
    for (let j = 0; j < SAMPLES; j++) {
      const across = x + (card.width * (i + 0.5)) / SAMPLES;
      if (busy(across, y + (card.height * (j + 0.5)) / SAMPLES)) hits++;
    }
  }
  return hits / SAMPLES ** 2;
}

/** Counts texts, titles by the share that is covered; half a text hurts as much as a sixth of the card. */
function coveredTexts(texts: readonly AxisText[], x: number, y: number, card: Size): number {
  let covered = 0;
  for (const item of texts) {
    const length = item.text.length * CHARACTER;
    const start = item.anchor === "start" ? 0 : item.anchor === "end" ? -length : -length / 2;
    const angle = (item.angle * Math.PI) / 180;
    let inside = 0;
    for (let k = 0; k <= 4; k++) {
      const along = start + (length * k) / 4;
      const tx = item.x + along * Math.cos(angle) - x;
      const ty = item.y - 4 + along * Math.sin(angle) - y;
      if (tx > -6 && ty > -8 && tx < card.width + 6 && ty < card.height + 8) inside++;
    }
    covered += (inside / 5) * (item.kind === "title" ? 0.7 : 0.3);
  }
  return covered;
}
