import { useComputed, useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { isEditing, KEYS } from "../../a11y/keymap";
import { LiveRegion } from "../../a11y/live-region";
import type { Store } from "../../model/store";
import { Controls } from "../controls";
import { Explained } from "../parts/term";
import { Caption } from "../teaching/caption";
import { controlsCaption, surfaceCaption } from "../teaching/captions";
import { TermTip } from "../teaching/term-tip";
import { type Step, Tour } from "../teaching/tour";
import { hostOf, toggleFullScreen } from "./bar";
import { explorerKey, toggleCaptions, toggleProjector } from "./keys";
import { Panels, useArrangement } from "./panels";
import { StatusBar } from "./status-bar";
import { type Open, Toolbar } from "./toolbar";

export { default as explorerStyles } from "./explorer.css";

interface Props {
  store: Store;
  /** What leads: the surface, or what stands in its place. */
  Lead: ComponentType<{ store: Store }>;
  /** What the list of keys says. */
  keys?: typeof KEYS;
  /** What the caption of that says. */
  caption?(store: Store): string;
  /** What the tour begins with. */
  firstStep?: Step;
}

/** The linked views: surface, merge tree, spectrum, and what moves them. */
export function Explorer({ store, Lead, keys = KEYS, caption = surfaceCaption, firstStep }: Props) {
  const open = useSignal<Open>("none");
  const title = store.source.value?.title;
  const { shown } = useArrangement(store);
  const projector = useComputed(() => store.view.value.projector === true).value;
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.defaultPrevented || isEditing(event.target)) return;
    if (event.key === "Escape" && open.value !== "none") {
      // Also where the focus has left what is open.
      open.value = "none";
      event.preventDefault();
      return;
    }
    const action = explorerKey(event);
    if (action === null) return;
    event.preventDefault();
    if (action === "projector") toggleProjector(store);
    else if (action === "captions") toggleCaptions(store);
    else if (action === "table" || action === "tour") open.value = open.value === action ? "none" : action;
    else toggleFullScreen(hostOf(event.currentTarget));
  };
  return (
    <section
      class={projector ? "nbl nbl-explorer nbl-projector" : "nbl nbl-explorer"}
      aria-label={`Loss landscape explorer${title ? `: ${title}` : ""}`}
      onKeyDown={onKeyDown}
      style={{ "--nbl-height": store.height.value }}
    >
      <Explained.Provider value={true}>
        <Toolbar store={store} keys={keys} open={open} />
        <Panels store={store} Lead={Lead} caption={caption} />
        {shown.controls && (
          <div>
            <Controls store={store} />
            <Caption store={store} of={controlsCaption} />
          </div>
        )}
        <StatusBar store={store} />
        <LiveRegion store={store} />
        {open.value === "tour" && (
          <Tour
            first={firstStep}
            onClose={() => {
              open.value = "none";
            }}
          />
        )}
        <TermTip />
      </Explained.Provider>
    </section>
  );
}
