import { useComputed } from "@preact/signals";
import type { ComponentType } from "preact";
import { useRef } from "preact/hooks";
import { isRunning } from "../../model/lanes";
import { type Arrangement, arrange, clampShare, SIDE_LIMITS, SPLIT_LIMITS } from "../../model/panels";
import type { PanelName, PanelsState } from "../../model/protocol";
import type { Store } from "../../model/store";
import { useSize } from "../parts/use-size";
import { SpectrumPanel } from "../spectrum";
import { TrustRow } from "../spectrum/trust";
import { spectrumCaption, topologyCaption } from "../teaching/captions";
import { TopologyPanel } from "../topology/with-profile";
import { Panel } from "./panel";
import { Splitter } from "./splitter";

/** From here on panels stand side by side, and from there on topology and spectrum do too; as in explorer.css. */
const WIDE = 760;
const VERY_WIDE = 1480;

/** The panels that this view can have. */
export function availablePanels(store: Store): PanelName[] {
  const source = store.source.value;
  const withSpectrum =
    (source?.can_choose_axes ?? false) ||
    store.spectrum.value !== null ||
    isRunning(store.spectrumStatus.value);
  return ["surface", "topology", ...(withSpectrum ? (["spectrum"] as const) : []), "controls"];
}

/** What is shown of them now. Computed: the view changes with every frame of a rotation, this does not. */
export function useArrangement(store: Store): Arrangement & { state: PanelsState | undefined } {
  const state = useComputed(() => store.view.value.panels).value;
  const available = useComputed(() => availablePanels(store).join()).value.split(",") as PanelName[];
  return { ...arrange(state, available), state };
}

interface Props {
  store: Store;
  Lead: ComponentType<{ store: Store }>;
  /** What the caption of the lead says. */
  caption(store: Store): string;
}

/** The pictures and the bars between them. */
export function Panels({ store, Lead, caption }: Props) {
  const main = useRef<HTMLDivElement>(null);
  const side = useRef<HTMLDivElement>(null);
  const { shown, alone, state } = useArrangement(store);
  const [width] = useSize(main);
  const [sideWidth] = useSize(side);
  const hasSide = shown.topology || shown.spectrum;
  const both = shown.topology && shown.spectrum;
  const beside = width >= WIDE;
  // As many columns as there is room for: what the surface leaves free, topology and spectrum divide.
  const across = both && (width >= VERY_WIDE || (beside && !shown.surface));
  const set = (change: PanelsState) => store.setView({ panels: { ...store.view.peek().panels, ...change } });
  const unset = (name: "side" | "split") => {
    const { [name]: _, ...rest } = store.view.peek().panels ?? {};
    store.setView({ panels: rest });
  };
  const share = width > 0 && sideWidth > 0 ? sideWidth / width : 0.4;
  const split = state?.split ?? (across ? 0.5 : 0.57);
  const others = [shown.surface, shown.topology, shown.spectrum].filter(Boolean).length > 1;
  const frame = (name: PanelName) => ({ store, name, alone: alone === name, others });
  const classes = [
    "nbl-main",
    shown.surface && hasSide ? "nbl-two" : "nbl-one",
    ...(across ? ["nbl-across"] : []),
    ...(both ? [] : ["nbl-single-side"]),
    ...(state?.side === undefined ? [] : ["nbl-sized"]),
  ];
  return (
    <div
      class={classes.join(" ")}
      ref={main}
      style={{
        "--nbl-side": state?.side === undefined ? undefined : `${100 * state.side}%`,
        "--nbl-split": `${100 * split}%`,
      }}
    >
      {shown.surface && (
        <div class="nbl-lead">
          <Panel {...frame("surface")} caption={caption}>
            <Lead store={store} />
          </Panel>
        </div>
      )}
      {beside && shown.surface && hasSide && (
        <Splitter
          label="Width of topology and spectrum"
          orientation="vertical"
          value={share}
          limits={SIDE_LIMITS}
          controls="nbl-side"
          toward={1}
          onChange={(next) => set({ side: clampShare(next, SIDE_LIMITS) })}
          onReset={() => unset("side")}
        />
      )}
      {hasSide && (
        <div class="nbl-side" id="nbl-side" ref={side}>
          {shown.topology && (
            <Panel {...frame("topology")} caption={topologyCaption}>
              <TopologyPanel store={store} />
            </Panel>
          )}
          {beside && both && (
            <Splitter
              label={across ? "Width of the topology" : "Height of the topology"}
              orientation={across ? "vertical" : "horizontal"}
              value={split}
              limits={SPLIT_LIMITS}
              controls="nbl-panel-topology"
              toward={-1}
              onChange={(next) => set({ split: clampShare(next, SPLIT_LIMITS) })}
              onReset={() => unset("split")}
            />
          )}
          {shown.spectrum && (
            <Panel {...frame("spectrum")} caption={spectrumCaption}>
              <SpectrumPanel store={store}>
                <TrustRow store={store} />
              </SpectrumPanel>
            </Panel>
          )}
        </div>
      )}
    </div>
  );
}
