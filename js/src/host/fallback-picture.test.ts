import { afterEach, expect, it, vi } from "vitest";
import { hideFallbackPicture } from "./fallback-picture";

const png = (text: string) =>
  `data:image/png;base64,${btoa(`\x89PNG\r\n\x1a\n....IHDR.............tEXtSoftware\0${text}...`)}`;

function cell(src: string): { el: HTMLElement; picture: HTMLElement } {
  document.body.innerHTML = `<div class="jp-OutputArea"><div class="jp-OutputArea-child"><div id="w"></div></div>
    <div class="jp-OutputArea-child"><img src="${src}"></div></div>`;
  const children = document.querySelectorAll<HTMLElement>(".jp-OutputArea-child");
  return { el: document.querySelector<HTMLElement>("#w")!, picture: children[1]! };
}

afterEach(() => vi.unstubAllGlobals());

function atOnce(): void {
  vi.stubGlobal("requestAnimationFrame", (f: FrameRequestCallback) => {
    f(0);
    return 1;
  });
}

it("hides our picture while the view lives and restores it", () => {
  atOnce();
  const { el, picture } = cell(png("nblandscape 0.1"));
  const restore = hideFallbackPicture(el);
  expect(picture.style.display).toBe("none");
  restore();
  expect(picture.style.display).toBe("");
});

it("never hides another plot of the same cell", () => {
  atOnce();
  const { el, picture } = cell(png("Matplotlib 3.9"));
  hideFallbackPicture(el);
  expect(picture.style.display).toBe("");
});

it("hides the text that stands in the picture's place", () => {
  atOnce();
  const { el, picture } = cell(png("x"));
  picture.innerHTML = "<pre>A picture of this landscape appears here when it has been computed.</pre>";
  hideFallbackPicture(el);
  expect(picture.style.display).toBe("none");
});
