import { useComputed } from "@preact/signals";
import { canHide, PANEL_NAMES, withPanel } from "../../model/panels";
import type { PanelName } from "../../model/protocol";
import type { Store } from "../../model/store";
import { Popover } from "../parts/popover";
import { availablePanels, useArrangement } from "./panels";

const WHAT: Record<PanelName, string> = {
  surface: "the loss over the plane",
  topology: "merge tree, diagram, barcode, profile",
  spectrum: "eigenvalues, and which span the plane",
  controls: "window, resolution, look",
};

/** Which panels are shown. */
export function PanelsMenu({ store, onClose }: { store: Store; onClose(): void }) {
  const { shown, state } = useArrangement(store);
  const available = availablePanels(store);
  const projector = useComputed(() => store.view.value.projector === true).value;
  const changed = state !== undefined && Object.keys(state).length > 0;
  return (
    <Popover label="Panels" size="narrow" onClose={onClose}>
      <ul class="nbl-menu">
        {available.map((name) => (
          <li key={name}>
            <label class="nbl-menu-row">
              <input
                type="checkbox"
                checked={shown[name]}
                disabled={shown[name] && !canHide(state, available, name)}
                onChange={(event) =>
                  store.setView({ panels: withPanel(state, name, event.currentTarget.checked) })
                }
              />
              <span>
                {PANEL_NAMES[name]}
                <small>{WHAT[name]}</small>
              </span>
            </label>
          </li>
        ))}
        <li class="nbl-menu-rule">
          <label class="nbl-menu-row">
            <input
              type="checkbox"
              checked={projector}
              onChange={(event) => store.setView({ projector: event.currentTarget.checked })}
            />
            <span>
              Projector
              <small>everything half as large again</small>
            </span>
            <kbd>Shift P</kbd>
          </label>
        </li>
      </ul>
      <button
        type="button"
        class="nbl-button nbl-button-line nbl-menu-reset"
        disabled={!changed}
        onClick={() => store.setView({ panels: {} })}
      >
        As designed
      </button>
    </Popover>
  );
}

/** Where panels that are not shown come back from. */
export function AwayPanels({ store }: { store: Store }) {
  const { away, alone, state } = useArrangement(store);
  if (away.length === 0) return null;
  return (
    <fieldset class="nbl-away" aria-label="Hidden panels">
      {alone !== null ? (
        <button
          type="button"
          class="nbl-button nbl-small nbl-button-line"
          onClick={() => store.setView({ panels: { ...state, alone: null } })}
        >
          All panels
        </button>
      ) : (
        away.map((name) => (
          <button
            key={name}
            type="button"
            class="nbl-button nbl-small nbl-button-line"
            title={`Show ${PANEL_NAMES[name].toLowerCase()}: ${WHAT[name]}`}
            onClick={() => store.setView({ panels: withPanel(state, name, true) })}
          >
            <span aria-hidden="true">+</span> {PANEL_NAMES[name]}
          </button>
        ))
      )}
    </fieldset>
  );
}
