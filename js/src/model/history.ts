import type { Spec } from "./protocol";
import { sameContent } from "./spec";

const DEPTH = 200;

/** Undo and redo of specs. A whole drag is one step. */
export interface History {
  readonly past: readonly Spec[];
  readonly future: readonly Spec[];
  /** Whether a drag goes on, whose start is already in `past`. */
  readonly dragging: boolean;
}

export const emptyHistory: History = { past: [], future: [], dragging: false };

/** Notes that `before` is about to be replaced. */
export function record(history: History, before: Spec, transient: boolean): History {
  const past = history.dragging ? history.past : [...history.past, before].slice(-DEPTH);
  return { past, future: [], dragging: transient };
}

/** Ends a drag; one that came back to its start leaves no step. */
export function endDrag(history: History, now: Spec): History {
  const last = history.past[history.past.length - 1];
  const idle = history.dragging && last !== undefined && sameContent(last, now);
  return { ...history, past: idle ? history.past.slice(0, -1) : history.past, dragging: false };
}

export function back(history: History, now: Spec): [History, Spec] | null {
  const target = history.past[history.past.length - 1];
  if (target === undefined) return null;
  return [{ past: history.past.slice(0, -1), future: [...history.future, now], dragging: false }, target];
}

export function forward(history: History, now: Spec): [History, Spec] | null {
  const target = history.future[history.future.length - 1];
  if (target === undefined) return null;
  return [{ past: [...history.past, now], future: history.future.slice(0, -1), dragging: false }, target];
}
