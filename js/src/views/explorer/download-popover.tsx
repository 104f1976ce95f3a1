import { useState } from "preact/hooks";
import { messageOf } from "../../model/failure";
import type { Store } from "../../model/store";
import { Popover } from "../parts/popover";
import { saveHtml } from "./save-html";

type State = { phase: "idle" | "busy" } | { phase: "done" | "failed"; text: string };

/** The offline file: with which views, and what became of it. */
export function DownloadPopover({ store, onClose }: { store: Store; onClose(): void }) {
  const [more, setMore] = useState(false);
  const [state, setState] = useState<State>({ phase: "idle" });
  const save = async () => {
    setState({ phase: "busy" });
    try {
      setState({ phase: "done", text: `Downloaded: ${await saveHtml(store, more)}` });
    } catch (error) {
      setState({ phase: "failed", text: messageOf(error) });
    }
  };
  return (
    <Popover label="Download" onClose={onClose}>
      <p class="nbl-download-about">
        One HTML file that opens anywhere, without a kernel and without the network. Its sliders show the
        views that were looked at so far.
      </p>
      {store.abilities.value.resample && (
        <label class="nbl-download-more">
          <input type="checkbox" checked={more} onChange={(event) => setMore(event.currentTarget.checked)} />{" "}
          compute up to 23 further views for the sliders
        </label>
      )}
      <div class="nbl-popover-row">
        <span
          class={state.phase === "failed" ? "nbl-inline-error" : "nbl-panel-note"}
          role={state.phase === "failed" ? "alert" : "status"}
        >
          {"text" in state ? state.text : state.phase === "busy" ? "Writing …" : "At most 20 MB"}
        </span>
        <button
          type="button"
          class="nbl-button nbl-button-main"
          aria-label="Download HTML"
          disabled={state.phase === "busy"}
          onClick={save}
        >
          {state.phase === "busy" ? <span class="nbl-spinner" /> : "Download"}
        </button>
      </div>
    </Popover>
  );
}
