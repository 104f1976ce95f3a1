import { useComputed } from "@preact/signals";
import type { Store } from "../../model/store";

/** In words what a panel shows now, where captions are wanted. */
export function Caption({ store, of }: { store: Store; of(store: Store): string }) {
  // Computed: a rotation changes the view with every frame, the sentence stays.
  const text = useComputed(() => (store.view.value.captions === true ? of(store) : "")).value;
  if (text === "") return null;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it is too long for its panel it scrolls.
    <p class="nbl-caption nbl-select-text" tabIndex={0}>
      {text}
    </p>
  );
}
