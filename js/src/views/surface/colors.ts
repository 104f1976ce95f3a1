export type Rgb = readonly [number, number, number];

/** sRGB channels 0…1 of a computed colour: rgb(…), rgba(…) or color(srgb …). */
export function parseColor(text: string, fallback: Rgb): Rgb {
  const numbers = text.match(/-?\d*\.?\d+(?:e-?\d+)?/g)?.map(Number);
  if (!numbers || numbers.length < 3) return fallback;
  if (text.startsWith("rgb")) return [numbers[0]! / 255, numbers[1]! / 255, numbers[2]! / 255];
  if (text.startsWith("color(srgb")) return [numbers[0]!, numbers[1]!, numbers[2]!];
  return fallback;
}

/** Ink and background of an element whose `color` and `background-color` are set. */
export function colorsOf(element: Element): { ink: Rgb; background: Rgb } {
  const style = getComputedStyle(element);
  return {
    ink: parseColor(style.color, [0.1, 0.1, 0.12]),
    background: parseColor(style.backgroundColor, [1, 1, 1]),
  };
}
