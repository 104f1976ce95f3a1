import { isEditing } from "../../a11y/keymap";

type Action = "origin" | "send" | "details";

const ACTIONS: Record<string, Action> = { o: "origin", s: "send", d: "details" };

/** What a key does with the selected point; null = nothing. */
export function detailsKey(
  event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">,
): Action | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return null;
  return ACTIONS[event.key] ?? null;
}

/** Takes the keys anywhere in the view that holds the card, except where they mean something else. */
export function onDetailsKey(card: unknown, act: Record<Action, () => void>): () => void {
  const root = card instanceof Node ? card.getRootNode() : null;
  const onKey = (event: Event) => {
    const key = event as KeyboardEvent;
    const action = detailsKey(key);
    const [target] = event.composedPath();
    // In the spectrum O means the offset.
    const elsewhere = target instanceof Element && target.closest(".nbl-spectrum") !== null;
    if (action === null || event.defaultPrevented || elsewhere || isEditing(target)) return;
    event.preventDefault();
    act[action]();
  };
  root?.addEventListener("keydown", onKey);
  return () => root?.removeEventListener("keydown", onKey);
}
