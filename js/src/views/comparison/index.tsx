import { useComputed, useSignal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { isEditing } from "../../a11y/keymap";
import { LiveRegion } from "../../a11y/live-region";
import type { ComparisonStore } from "../../model/comparison";
import type { Store } from "../../model/store";
import { Controls } from "../controls";
import { Bar, hostOf, toggleFullScreen } from "../explorer/bar";
import { explorerKey, toggleCaptions, toggleProjector } from "../explorer/keys";
import { count } from "../parts/format";
import * as icons from "../parts/icons";
import { Explained } from "../parts/term";
import { Tool } from "../parts/tool";
import { Caption } from "../teaching/caption";
import { controlsCaption } from "../teaching/captions";
import { TermTip } from "../teaching/term-tip";
import { AxesControl } from "./axes-control";
import { Card, type Drawn } from "./card";
import { DownloadPopover } from "./download-popover";
import { KEYS } from "./keys";
import { NumbersTable } from "./numbers-table";
import { PlaceRow } from "./place-row";
import { ScaleRow } from "./scale-row";
import { StatusLine } from "./status-line";
import { ThresholdRow } from "./threshold-row";

export { default as comparisonStyles } from "./comparison.css";

/** Several surfaces on one scale, seen from one place. */
export function Comparison({ store: given }: { store: Store }) {
  const comparison = given as ComparisonStore;
  const { members } = comparison;
  const grid = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn>(new Map()).current;
  const [table, setTable] = useState(false);
  const open = useSignal("none");
  const downloads = open.value === "download";
  const store = comparison.lead.value;
  const projector = useComputed(() => store.view.value.projector === true).value;

  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.defaultPrevented || isEditing(event.target)) return;
    const action = explorerKey(event);
    if (action === null || action === "tour") return;
    event.preventDefault();
    if (action === "projector") toggleProjector(store);
    else if (action === "captions") toggleCaptions(store);
    else if (action === "table") setTable((now) => !now);
    else toggleFullScreen(hostOf(event.currentTarget));
  };

  return (
    <section
      class={`nbl nbl-explorer nbl-comparison${projector ? " nbl-projector" : ""}`}
      aria-label={`Comparison of ${members.map((m) => m.name).join(", ")}`}
      onKeyDown={onKeyDown}
      style={{ "--nbl-height": comparison.height.value }}
    >
      <Explained.Provider value={true}>
        <Bar
          store={store}
          label="Comparison"
          title={members.map((m) => m.name).join(" · ")}
          subtitle={howMany(members.length)}
          captions="Every surface says in words what it shows (Shift+C)"
          keys={KEYS}
          open={open}
          tools={
            <>
              {members.length > 1 && <Together comparison={comparison} />}
              <Tool
                icon={icons.table}
                label="Numbers"
                hint="Numbers as a table (Shift+T)"
                pressed={table}
                onClick={() => setTable(!table)}
              />
              <Tool
                icon={icons.download}
                label="Download"
                hint="Download all surfaces as a picture, all numbers as CSV"
                expanded={downloads}
                onClick={() => {
                  open.value = downloads ? "none" : "download";
                }}
              />
            </>
          }
        >
          {downloads && (
            <DownloadPopover
              members={members}
              drawn={drawn}
              grid={grid.current}
              onClose={() => {
                open.value = "none";
              }}
            />
          )}
        </Bar>
        <div ref={grid} class="nbl-comparison-grid" data-count={Math.min(members.length, 4)}>
          {members.map(({ name }, number) => (
            <Card key={name} comparison={comparison} number={number} drawn={drawn} />
          ))}
        </div>
        {members.length > 1 && <PlaceRow comparison={comparison} />}
        {table && <NumbersTable members={members} />}
        <AxesControl comparison={comparison} store={store} />
        <ScaleRow comparison={comparison} store={store} />
        <ThresholdRow comparison={comparison} store={store} />
        <Controls store={store} />
        <Caption store={store} of={controlsCaption} />
        <StatusLine comparison={comparison} />
        <LiveRegion store={comparison} />
        <TermTip />
      </Explained.Provider>
    </section>
  );
}

export const howMany = (n: number): string =>
  `${count(n, "landscape", "landscapes")}${n > 1 ? " side by side" : ""}`;

/** Whether the members share camera and scale. */
function Together({ comparison: { locked, common, setView } }: { comparison: ComparisonStore }) {
  return (
    <>
      <Tool
        icon={locked.value ? icons.link : icons.unlink}
        label="Turn all together"
        hint={locked.value ? "All turn together" : "Each turns by itself"}
        pressed={locked.value}
        onClick={() => setView({ locked: !locked.value })}
      />
      <Tool
        icon={icons.scales}
        label="One scale for all"
        hint={common.value ? "Heights and colours mean the same loss in all" : "Each has its own scale"}
        pressed={common.value}
        onClick={() => setView({ common_scale: !common.value })}
      />
    </>
  );
}
