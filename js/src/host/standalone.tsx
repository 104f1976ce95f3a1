import type { ComponentType } from "preact";
import type { AnyModel } from "../model/any-model";
import { createStore } from "../model/create-store";
import { messageOf } from "../model/failure";
import type { Store } from "../model/store";
import { adoptPageStyles } from "../theme";
import { defineWidget } from "./define-widget";
import { createStaticModel, type Packed, unpack } from "./static-model";

const STATE_ID = "nblandscape-state";
const TARGET_ID = "nblandscape";

/** Draws the state that an exported page carries. Works from file:// and under `default-src 'none'`. */
export async function runStandalone(
  name: string,
  Panel: ComponentType<{ store: Store }>,
  styles: readonly string[],
  storeOf: (model: AnyModel) => Store = createStore,
): Promise<void> {
  adoptPageStyles();
  const target =
    document.getElementById(TARGET_ID) ?? document.body.appendChild(document.createElement("main"));
  try {
    const script = document.getElementById(STATE_ID);
    if (script === null) throw new Error(`This page has no element with id "${STATE_ID}".`);
    const packed = JSON.parse(script.textContent ?? "") as { traits?: Packed };
    const state = (await unpack(packed.traits ?? (packed as Packed))) as Record<string, unknown>;
    checkState(state);
    const model = createStaticModel(state);
    const hooks = defineWidget(name, Panel, styles, storeOf)();
    hooks.initialize({ model });
    target.replaceChildren();
    hooks.render({ model, el: target });
    keepWidthOnPaper(target);
    document.documentElement.dataset.nblReady = "true";
  } catch (error) {
    const note = document.createElement("pre");
    note.textContent = `This page could not be drawn.\n${messageOf(error)}`;
    target.replaceChildren(note);
    document.documentElement.dataset.nblReady = "error";
    throw error;
  }
}

/** Nothing is laid out anew for paper, so that labels stay where they belong: the browser shrinks the whole. */
function keepWidthOnPaper(target: HTMLElement): void {
  addEventListener("beforeprint", () => {
    target.style.width = `${target.offsetWidth}px`;
  });
  addEventListener("afterprint", () => {
    target.style.width = "";
  });
}

/** A page without what it should draw would wait for a kernel for ever. */
export function checkState(state: Record<string, unknown>): void {
  const all = Array.isArray(state.surfaces) ? state.surfaces : [];
  const found = [state.surface, state.volume, ...all].filter((part) => part != null);
  if (found.length === 0) throw new Error("It holds no landscape.");
  for (const part of found as { shape?: unknown; values?: unknown }[]) {
    const points = Array.isArray(part.shape) ? part.shape.reduce((a, b) => a * b, 1) : Number.NaN;
    if (!(part.values instanceof DataView) || part.values.byteLength !== 4 * points) {
      throw new Error("The values of its landscape are damaged.");
    }
  }
}
