import type { Signal } from "@preact/signals";
import { watchColors } from "./colors";

interface Reactions {
  /** The element is drawn larger or smaller; `changed`: also in its own CSS pixels, as `size` tells already. */
  resized(changed: boolean): void;
  /** It came into sight (or near it), or went out. */
  seen(visible: boolean): void;
  /** The theme may have changed. */
  recolored(): void;
}

/** Watches what decides whether and how a picture is drawn. Returns a function that stops it. */
export function watchAttention(
  root: HTMLElement,
  size: Signal<{ width: number; height: number }>,
  { resized, seen, recolored }: Reactions,
): () => void {
  const sizes = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = root;
    const last = size.peek();
    const changed = last.width !== width || last.height !== height;
    if (changed) size.value = { width, height };
    resized(changed);
  });
  sizes.observe(root);
  const sight = new IntersectionObserver((entries) => seen(entries[entries.length - 1]!.isIntersecting), {
    rootMargin: "100px",
  });
  sight.observe(root);
  const stopTheme = watchColors(root, recolored);
  return () => {
    sizes.disconnect();
    sight.disconnect();
    stopTheme();
  };
}
