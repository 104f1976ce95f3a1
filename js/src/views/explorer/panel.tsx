import type { ComponentChildren } from "preact";
import { PANEL_NAMES, toggleAlone } from "../../model/panels";
import type { PanelName } from "../../model/protocol";
import type { Store } from "../../model/store";
import * as icons from "../parts/icons";
import { Tool } from "../parts/tool";
import { Caption } from "../teaching/caption";

interface Props {
  store: Store;
  name: PanelName;
  alone: boolean;
  /** Whether there is any other panel that it could take the room of. */
  others: boolean;
  /** What its caption says. */
  caption(store: Store): string;
  children: ComponentChildren;
}

/** The place of one picture, with the button that gives it all the room. */
export function Panel({ store, name, alone, others, caption, children }: Props) {
  const title = PANEL_NAMES[name].toLowerCase();
  return (
    <div class={`nbl-panel nbl-panel-${name}`} id={`nbl-panel-${name}`} data-panel={name}>
      <div class="nbl-panel-body">{children}</div>
      <Caption store={store} of={caption} />
      {(others || alone) && (
        <div class="nbl-panel-corner">
          <Tool
            icon={alone ? icons.together : icons.alone}
            label={alone ? "All panels again" : `Only the ${title}`}
            hint={alone ? "Show all panels again" : `Give the ${title} all the room`}
            small
            pressed={alone}
            onClick={() => store.setView({ panels: toggleAlone(store.view.peek().panels, name) })}
          />
        </div>
      )}
    </div>
  );
}
