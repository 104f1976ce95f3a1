import { useComputed } from "@preact/signals";
import type { ComponentType } from "preact";
import { isEditing, KEYS } from "../../a11y/keymap";
import { LiveRegion } from "../../a11y/live-region";
import type { Store } from "../../model/store";
import { Controls } from "../controls";
import { explorerKey, toggleProjector } from "./keys";
import { Panels, useArrangement } from "./panels";
import { StatusBar } from "./status-bar";
import { hostOf, Toolbar, toggleFullScreen } from "./toolbar";

export { default as explorerStyles } from "./explorer.css";

interface Props {
  store: Store;
  /** What leads: the surface, or what stands in its place. */
  Lead: ComponentType<{ store: Store }>;
  /** What the list of keys says. */
  keys?: typeof KEYS;
}

/** The linked views: surface, merge tree, spectrum, and what moves them. */
export function Explorer({ store, Lead, keys = KEYS }: Props) {
  const title = store.source.value?.title;
  const { shown } = useArrangement(store);
  const projector = useComputed(() => store.view.value.projector === true).value;
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.defaultPrevented || isEditing(event.target)) return;
    const action = explorerKey(event);
    if (action === null) return;
    event.preventDefault();
    if (action === "projector") toggleProjector(store);
    else toggleFullScreen(hostOf(event.currentTarget));
  };
  return (
    <section
      class={projector ? "nbl nbl-explorer nbl-projector" : "nbl nbl-explorer"}
      aria-label={`Loss landscape explorer${title ? `: ${title}` : ""}`}
      onKeyDown={onKeyDown}
      style={{ "--nbl-height": store.height.value }}
    >
      <Toolbar store={store} keys={keys} />
      <Panels store={store} Lead={Lead} />
      {shown.controls && <Controls store={store} />}
      <StatusBar store={store} />
      <LiveRegion store={store} />
    </section>
  );
}
