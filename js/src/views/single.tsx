import type { ComponentType } from "preact";
import { LiveRegion } from "../a11y/live-region";
import type { Store } from "../model/store";

export { default as singleStyles } from "./single.css";

/** A panel as a widget of its own. */
export function single(Panel: ComponentType<{ store: Store }>): ComponentType<{ store: Store }> {
  return function Single({ store }) {
    return (
      <div class="nbl nbl-single" style={{ "--nbl-height": store.height.value }}>
        <Panel store={store} />
        <LiveRegion store={store} />
      </div>
    );
  };
}
