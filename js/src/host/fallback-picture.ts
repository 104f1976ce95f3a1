/** Text that our PNGs carry in a tEXt chunk (or as `alt`); nothing else is ever hidden. */
const MARK = "nblandscape";
const HEAD_BYTES = 1200;
/** What stands in the picture's place until there is one (see widgets/_picture.py). */
const PLACEHOLDER = "A picture of this landscape appears here";

/** Whether an image is the picture that an explorer leaves for saved notebooks. */
function isFallbackPicture(image: HTMLImageElement): boolean {
  if (image.alt.includes(MARK)) return true;
  const match = /^data:image\/png;base64,([A-Za-z0-9+/=\s]+)/.exec(
    image.getAttribute("src")?.slice(0, 2000) ?? "",
  );
  if (match === null) return false;
  const head = match[1]!.replace(/\s/g, "").slice(0, Math.floor((HEAD_BYTES * 4) / 3 / 4) * 4);
  try {
    return atob(head.slice(0, head.length - (head.length % 4))).includes(MARK);
  } catch {
    return false;
  }
}

/**
 * JupyterLab: hides the picture that follows the widget's output while the view is alive.
 * It may arrive later than the view, and the view may be attached later than it is rendered.
 */
export function hideFallbackPicture(el: HTMLElement): () => void {
  let hidden: HTMLElement | null = null;
  let before = "";
  let observer: MutationObserver | null = null;
  let frame = 0;
  let tries = 0;

  const show = () => {
    if (hidden !== null) hidden.style.display = before;
    hidden = null;
  };

  const update = () => {
    const next = el.closest(".jp-OutputArea-child")?.nextElementSibling;
    if (!(next instanceof HTMLElement) || !next.matches(".jp-OutputArea-child")) return show();
    const image = next.querySelector("img");
    const ours = image === null ? next.textContent?.trim().startsWith(PLACEHOLDER) : isFallbackPicture(image);
    if (!ours) return show();
    if (hidden === next) return;
    show();
    hidden = next;
    before = next.style.display;
    next.style.display = "none";
  };

  const attach = () => {
    const area = el.closest(".jp-OutputArea");
    if (area === null) {
      if (el.isConnected || ++tries > 120) return;
      frame = requestAnimationFrame(attach);
      return;
    }
    observer = new MutationObserver(update);
    observer.observe(area, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
    update();
  };

  frame = requestAnimationFrame(attach);
  return () => {
    cancelAnimationFrame(frame);
    observer?.disconnect();
    show();
  };
}
