import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { zoomOf } from "../parts/zoom";
import { GLOSSARY, type TermId } from "./glossary";

const ID = "nbl-term-tip";
const SHOW_MS = 350;
/** Time to reach the tip with the pointer. */
const HIDE_MS = 220;

function termAt(target: EventTarget | null): HTMLElement | null {
  const found = target instanceof Element ? target.closest<HTMLElement>("[data-term]") : null;
  return found !== null && found.dataset.term! in GLOSSARY ? found : null;
}

/** One sentence about the term that is pointed at, focused or touched, anywhere in the explorer. */
export function TermTip() {
  const box = useRef<HTMLDivElement>(null);
  const [term, setTerm] = useState<HTMLElement | null>(null);
  const shown = useRef<HTMLElement | null>(null);
  shown.current = term;

  useEffect(() => {
    const root = box.current!.parentElement!;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const after = (ms: number, next: HTMLElement | null) => {
      clearTimeout(timer);
      timer = setTimeout(() => setTerm(next), ms);
    };
    const now = (next: HTMLElement | null) => {
      clearTimeout(timer);
      setTerm(next);
    };
    const inTip = (event: Event) => event.composedPath().includes(box.current!);
    const on: { [event: string]: (event: Event) => void } = {
      pointerover(event) {
        const found = termAt(event.target);
        if (inTip(event) || found === shown.current) clearTimeout(timer);
        else if (found !== null) after(SHOW_MS, found);
        else after(HIDE_MS, null);
      },
      pointerleave: () => after(HIDE_MS, null),
      pointerdown(event) {
        if (termAt(event.target) === null && !inTip(event)) now(null);
      },
      // A term that is nothing else opens by a press; a tab or a heading that sorts does its own work.
      click(event) {
        const found = termAt(event.target);
        if (found?.classList.contains("nbl-term")) now(found);
      },
      focusin(event) {
        const found = termAt(event.target);
        if (found?.matches(":focus-visible")) now(found);
      },
      focusout: () => after(HIDE_MS, null),
      scroll: () => now(null),
      keydown(event) {
        const { current } = shown;
        if ((event as KeyboardEvent).key !== "Escape" || current === null) return;
        now(null);
        // A sentence that was going to vanish leaves the key to what it is meant for.
        const focused = (current.getRootNode() as ShadowRoot).activeElement === current;
        if (!focused && !current.matches(":hover") && !box.current!.matches(":hover")) return;
        event.preventDefault();
        event.stopPropagation();
      },
    };
    for (const [name, listener] of Object.entries(on)) root.addEventListener(name, listener, true);
    return () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(on)) root.removeEventListener(name, listener, true);
    };
  }, []);

  useLayoutEffect(() => {
    const element = box.current!;
    if (term === null || !term.isConnected) return undefined;
    const zoom = zoomOf(element);
    const around = element.parentElement!.getBoundingClientRect();
    const at = term.getBoundingClientRect();
    const { offsetWidth: w, offsetHeight: h } = element;
    const x = (at.left + at.width / 2 - around.left) / zoom - w / 2;
    const below = (at.bottom - around.top) / zoom + 5;
    const bottom = (Math.min(around.bottom, innerHeight) - around.top) / zoom;
    const y = below + h + 4 <= bottom ? below : (at.top - around.top) / zoom - h - 5;
    const left = Math.max(6, Math.min(x, around.width / zoom - w - 8));
    element.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(2, y))}px)`;
    if (term.hasAttribute("aria-describedby")) return undefined;
    term.setAttribute("aria-describedby", ID);
    return () => term.removeAttribute("aria-describedby");
  }, [term]);

  const entry = term === null ? null : GLOSSARY[term.dataset.term as TermId];
  return (
    <div ref={box} id={ID} class="nbl-term-tip" role="tooltip" hidden={entry === null}>
      {entry && (
        <>
          <strong>{entry[0]}</strong> {entry[1]}
        </>
      )}
    </div>
  );
}
