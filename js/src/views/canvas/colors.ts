export type Rgb = readonly [number, number, number];

/** sRGB channels 0…1 of a computed colour: rgb(…), rgba(…) or color(srgb …). */
export function parseColor(text: string, fallback: Rgb): Rgb {
  const numbers = text.match(/-?\d*\.?\d+(?:e-?\d+)?/g)?.map(Number);
  if (!numbers || numbers.length < 3) return fallback;
  if (text.startsWith("rgb")) return [numbers[0]! / 255, numbers[1]! / 255, numbers[2]! / 255];
  if (text.startsWith("color(srgb")) return [numbers[0]!, numbers[1]!, numbers[2]!];
  return fallback;
}

export interface Colors {
  ink: Rgb;
  background: Rgb;
}

/** Whether hues must be light to be seen on it. */
export const isDark = (color: Rgb): boolean => color[0] + color[1] + color[2] < 1.2;

/** Ink and background of an element whose `color` and `background-color` are set. */
export function colorsOf(element: Element): Colors {
  const style = getComputedStyle(element);
  return {
    ink: parseColor(style.color, [0.1, 0.1, 0.12]),
    background: parseColor(style.backgroundColor, [1, 1, 1]),
  };
}

/** Calls back when the colours may have changed: the host's theme, the system's, or the screen. */
export function watchColors(root: HTMLElement, changed: () => void): () => void {
  const cleanup = new AbortController();
  const queries = [
    "(prefers-color-scheme: dark)",
    "(forced-colors: active)",
    `(resolution: ${devicePixelRatio}dppx)`,
  ];
  for (const query of queries)
    matchMedia(query).addEventListener("change", changed, { signal: cleanup.signal });
  // Style sheets of a theme may arrive a little after the attribute that names it.
  const later = () => {
    changed();
    setTimeout(changed, 300);
  };
  const observer = new MutationObserver(later);
  const host = root.getRootNode();
  const watched = [document.documentElement, document.body, host instanceof ShadowRoot ? host.host : null];
  for (const element of watched) {
    if (!element) continue;
    const attributeFilter = [
      "class",
      "style",
      "data-jp-theme-light",
      "data-theme",
      "data-mode",
      "data-nbl-theme",
    ];
    observer.observe(element, { attributes: true, attributeFilter });
  }
  return () => {
    cleanup.abort();
    observer.disconnect();
  };
}
