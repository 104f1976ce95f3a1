import { useComputed } from "@preact/signals";
import { LiveRegion } from "../../a11y/live-region";
import { isRunning } from "../../model/lanes";
import type { Store } from "../../model/store";
import { volumeOf, withVolume } from "../../model/volume-data";
import { Controls } from "../controls";
import { DetailsCard } from "../details";
import { count, reasonOf } from "../parts/format";
import { SpectrumPanel } from "../spectrum";
import { TrustRow } from "../spectrum/trust";
import { SurfacePanel } from "../surface";
import { TopologyPanel } from "../topology/with-profile";
import { VolumePanel } from "../volume";
import { StatusBar } from "./status-bar";
import { Toolbar } from "./toolbar";

export { default as explorerStyles } from "./explorer.css";

/** The linked views: surface, merge tree, spectrum, and what moves them. */
export function Explorer({ store: given }: { store: Store }) {
  const solid = useComputed(() => volumeOf(given) !== null).value;
  const store = solid ? withVolume(given) : given;
  const source = store.source.value;
  const withSpectrum =
    (source?.can_choose_axes ?? false) ||
    store.spectrum.value !== null ||
    isRunning(store.spectrumStatus.value);
  return (
    <section
      class="nbl nbl-explorer"
      aria-label={`Loss landscape explorer${source?.title ? `: ${source.title}` : ""}`}
      style={{ "--nbl-height": store.height.value }}
    >
      <Toolbar store={store} />
      <div class="nbl-main">
        <div class="nbl-lead">
          {solid ? (
            <VolumePanel store={store} />
          ) : store.grid.value === null ? (
            <Waiting store={store} />
          ) : (
            <SurfacePanel store={store} Card={DetailsCard} />
          )}
        </div>
        <div class={withSpectrum ? "nbl-side" : "nbl-side nbl-side-single"}>
          <TopologyPanel store={store} />
          {withSpectrum && (
            <SpectrumPanel store={store}>
              <TrustRow store={store} />
            </SpectrumPanel>
          )}
        </div>
      </div>
      <Controls store={store} />
      <StatusBar store={store} />
      <LiveRegion store={store} />
    </section>
  );
}

/** Before there is anything to draw: what is being done, or why nothing is. */
function Waiting({ store }: { store: Store }) {
  const status = store.status.value;
  const spectrum = store.spectrumStatus.value;
  const failed = [status, spectrum].find((s) => s.phase === "error");
  if (failed !== undefined) {
    return (
      <div class="nbl-empty" role="alert">
        <strong class="nbl-failed">Nothing could be computed</strong>
        <span class="nbl-empty-reason nbl-select-text">{reasonOf(failed.message)}</span>
        {failed.message.trim().includes("\n") && (
          <details>
            <summary>Traceback</summary>
            <pre class="nbl-select-text">{failed.message}</pre>
          </details>
        )}
      </div>
    );
  }
  const running = isRunning(status) || isRunning(spectrum);
  const done = spectrum.done > 0 ? count(spectrum.done, "Hessian product", "Hessian products") : "";
  const text = isRunning(spectrum)
    ? "Finding the directions of largest and smallest curvature"
    : running
      ? "Evaluating the first points"
      : status.phase === "cancelled"
        ? "Cancelled before anything was computed"
        : "Nothing has been computed yet";
  return (
    <div class="nbl-empty">
      {running && <span class="nbl-spinner" />}
      <span>{text}</span>
      <span>{done}</span>
    </div>
  );
}
