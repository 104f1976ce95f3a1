/** Where the colour bar has room. */
export function barPlace(width: number, height: number): "right" | "top" | "none" {
  if (width < 280 || height < 200 || width * height < 100_000) return "none";
  return height > 0.98 * width ? "top" : "right";
}

/** Whether a card on the picture would hide too much of it: there it is a line until it is opened. */
export function isCramped(width: number, height: number): boolean {
  return width < 440 || barPlace(width, height) === "none";
}

/** Length of an upright or a lying colour bar in CSS pixels, and about how many ticks fit along it. */
export function barLength(upright: boolean, width: number, height: number): [length: number, ticks: number] {
  const length = upright ? Math.min(260, Math.round(height * 0.5)) : Math.min(340, width - 48);
  return [length, Math.max(3, Math.floor(length / (upright ? 34 : 52)))];
}

/** Top, right, bottom, left in device pixels. */
export type Inset = [number, number, number, number];

/** Room for labels and the colour bar in a panel of the given size in CSS pixels, into `out`. */
export function insets(
  width: number,
  height: number,
  pixelRatio: number,
  flat: boolean,
  out: Inset = [0, 0, 0, 0],
): Inset {
  const bar = barPlace(width, height);
  const compact = bar === "none";
  const top = bar === "top" ? 52 : compact ? 10 : 16;
  const right = bar === "right" ? 72 : compact ? 12 : 20;
  out[0] = top * pixelRatio;
  out[1] = (flat && bar === "right" ? 96 : right) * pixelRatio;
  out[2] = (flat ? 46 : compact ? 22 : 30) * pixelRatio;
  out[3] = (flat ? 62 : compact ? 34 : 48) * pixelRatio;
  return out;
}
