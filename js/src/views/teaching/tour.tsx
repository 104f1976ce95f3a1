import { useLayoutEffect, useRef, useState } from "preact/hooks";
import * as icons from "../parts/icons";
import { Tool } from "../parts/tool";
import { zoomOf } from "../parts/zoom";

export interface Step {
  /** What it is about. */
  at: string;
  title: string;
  look: string;
  try: string;
}

const STEPS: readonly Step[] = [
  {
    at: ".nbl-panel-surface",
    title: "The surface leads",
    look: "Height and colour are the loss over a plane in the space of all parameters. ★ is the model, ▼ are minima, ✕ the passes between them.",
    try: "Drag to turn it, click a ▼. M shows it from above, Home goes back.",
  },
  {
    at: ".nbl-panel-topology",
    title: "The topology explains",
    look: "Every basin, how deep it is and where it joins a deeper one. Hollow marks and dotted branches are not supported by the data.",
    try: "Point at a branch. Raise the persistence until only what matters is left. Open the other tabs.",
  },
  {
    at: ".nbl-panel-spectrum",
    title: "The spectrum chooses",
    look: "Curvatures of the loss at the point that the plane starts from: large ones are steep walls, negative ones ways down.",
    try: "Click another eigenvalue to make it the first axis, with Shift the second, or drag it onto an axis.",
  },
  {
    at: ".nbl-controls",
    title: "The controls set the window",
    look: "They decide what is computed; a preview is drawn at once, the measured losses follow.",
    try: "Double the range: does the valley go on? Does a minimum survive a higher resolution? Ctrl+Z takes back.",
  },
  {
    at: ".nbl-tools",
    title: "Take it with you",
    look: "Captions say what each panel shows, the numbers come as a table, underlined words explain themselves.",
    try: "Captions: Shift+C. The table: Shift+T. Or download everything as one file.",
  },
];

const GAP = 12;
const CLASS = "nbl-tour-target";

/** Where the card stands beside what it is about: with room to the left, right, above, below, else inside. */
export function cardPlace(
  target: { left: number; top: number; right: number; bottom: number },
  card: { width: number; height: number },
  around: { width: number; height: number },
): [number, number] {
  const clamp = (x: number, most: number) => Math.max(GAP, Math.min(x, most - GAP));
  const middle = (target.top + target.bottom - card.height) / 2;
  const y = clamp(middle, around.height - card.height);
  const x = clamp((target.left + target.right - card.width) / 2, around.width - card.width);
  if (target.left >= card.width + 2 * GAP) return [target.left - card.width - GAP, y];
  if (around.width - target.right >= card.width + 2 * GAP) return [target.right + GAP, y];
  if (target.top >= card.height + 2 * GAP) return [x, target.top - card.height - GAP];
  if (around.height - target.bottom >= card.height + 2 * GAP) return [x, target.bottom + GAP];
  return [x, clamp(target.bottom - card.height - GAP, around.height - card.height)];
}

/** A few steps through the explorer: what to look for, and what to try. It stays while one tries. */
export function Tour({ first, onClose }: { first: Step | undefined; onClose(): void }) {
  const card = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const [steps, setSteps] = useState<readonly Step[]>(STEPS);
  const step = steps[Math.min(at, steps.length - 1)]!;
  const last = at >= steps.length - 1;

  useLayoutEffect(() => {
    const root = card.current!.getRootNode() as ShadowRoot | Document;
    const before = root.activeElement as HTMLElement | null;
    const around = card.current!.parentElement!;
    const all = first ? [first, ...STEPS.slice(1)] : STEPS;
    setSteps(all.filter((one) => around.querySelector(one.at) !== null));
    card.current!.focus({ preventScroll: true });
    return () => before?.focus({ preventScroll: true });
  }, []);

  useLayoutEffect(() => {
    const element = card.current!;
    const around = element.parentElement!;
    const target = around.querySelector<HTMLElement>(step.at);
    if (target === null) return undefined;
    const place = () => {
      const zoom = zoomOf(element);
      const box = around.getBoundingClientRect();
      const { left, top, right, bottom } = target.getBoundingClientRect();
      const own = {
        left: (left - box.left) / zoom,
        right: (right - box.left) / zoom,
        top: (top - box.top) / zoom,
        bottom: (bottom - box.top) / zoom,
      };
      const size = { width: element.offsetWidth, height: element.offsetHeight };
      const [x, y] = cardPlace(own, size, { width: box.width / zoom, height: box.height / zoom });
      element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    };
    place();
    target.classList.add(CLASS);
    target.scrollIntoView?.({ block: "nearest" });
    element.scrollIntoView?.({ block: "nearest" });
    const watch = new ResizeObserver(place);
    watch.observe(around);
    watch.observe(target);
    return () => {
      watch.disconnect();
      target.classList.remove(CLASS);
    };
  }, [step]);

  const go = (to: number) => {
    setAt(Math.max(0, Math.min(to, steps.length - 1)));
    card.current?.focus({ preventScroll: true });
  };
  return (
    <div
      ref={card}
      class="nbl-tour"
      role="dialog"
      aria-label="Tour"
      aria-describedby="nbl-tour-text"
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "Escape") onClose();
        else if (event.key === "ArrowRight") go(at + 1);
        else if (event.key === "ArrowLeft") go(at - 1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <div class="nbl-tour-head">
        <h3>{step.title}</h3>
        <span class="nbl-panel-note">
          {at + 1} of {steps.length}
        </span>
        <Tool
          icon={icons.close}
          label="Leave the tour"
          hint="Leave the tour (Escape)"
          small
          onClick={onClose}
        />
      </div>
      <div id="nbl-tour-text" aria-live="polite">
        <p>{step.look}</p>
        <p>
          <strong>Try:</strong> {step.try}
        </p>
      </div>
      <div class="nbl-tour-foot">
        <button
          type="button"
          class="nbl-button nbl-button-line"
          disabled={at === 0}
          onClick={() => go(at - 1)}
        >
          Back
        </button>
        <button
          type="button"
          class="nbl-button nbl-button-main"
          onClick={() => (last ? onClose() : go(at + 1))}
        >
          {last ? "Done" : "Next"}
        </button>
      </div>
    </div>
  );
}
