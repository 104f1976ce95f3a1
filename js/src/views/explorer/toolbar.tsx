import type { Signal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import type { KEYS } from "../../a11y/keymap";
import { exploreCode } from "../../model/python-point";
import type { Store } from "../../model/store";
import { OriginLine } from "../details";
import { copyText } from "../details/code";
import * as icons from "../parts/icons";
import { Popover } from "../parts/popover";
import { Tool } from "../parts/tool";
import { TablePopover } from "../table/table-popover";
import { Bar } from "./bar";
import { DownloadPopover } from "./download-popover";
import { PanelsMenu } from "./panels-menu";

/** What the toolbar has opened. */
export type Open = "none" | "code" | "download" | "keys" | "panels" | "table" | "tour";

interface Props {
  store: Store;
  keys: typeof KEYS;
  open: Signal<Open>;
}

/** Title, and everything that concerns the view as a whole. */
export function Toolbar({ store, keys, open: opened }: Props) {
  const open = opened.value;
  const setOpen = (next: Open) => {
    opened.value = next;
  };
  const source = store.source.value;
  const { actions } = store.abilities.value;
  const toggle = (which: Open) => setOpen(opened.peek() === which ? "none" : which);

  const title = source?.title || "Loss landscape";
  const tools = (
    <>
      <Tool
        icon={icons.code}
        label="Copy as Python"
        hint="The Python cell that reproduces this"
        expanded={open === "code"}
        onClick={() => toggle("code")}
      />
      <Tool
        icon={icons.table}
        label="Numbers as a table"
        hint="Minima and saddles as a table, and as CSV (Shift+T)"
        expanded={open === "table"}
        onClick={() => toggle("table")}
      />
      {actions && (
        <Tool
          icon={icons.download}
          label="Download"
          hint="Download as one offline HTML file"
          expanded={open === "download"}
          onClick={() => toggle("download")}
        />
      )}
    </>
  );
  const panels = (
    <Tool
      icon={icons.panels}
      label="Panels"
      hint="Choose the panels"
      expanded={open === "panels"}
      onClick={() => toggle("panels")}
    />
  );
  const tour = (
    <Tool
      icon={icons.tour}
      label="Tour"
      hint="A tour: what to look for and what to try (Shift+G)"
      expanded={open === "tour"}
      onClick={() => toggle("tour")}
    />
  );
  return (
    <Bar
      store={store}
      label="Explorer"
      title={title}
      subtitle={source?.subtitle}
      captions="Every panel says in words what it shows (Shift+C)"
      keys={keys}
      open={opened}
      tools={tools}
      before={panels}
      after={tour}
    >
      {open === "download" && <DownloadPopover store={store} onClose={() => setOpen("none")} />}
      {open === "code" && (
        <CodePopover
          text={exploreCode(store.source.value, store.spec.value, store.surface.value?.recipe)}
          onClose={() => setOpen("none")}
        />
      )}
      <OriginLine store={store} />
      {open === "table" && <TablePopover store={store} onClose={() => setOpen("none")} />}
      {open === "panels" && <PanelsMenu store={store} onClose={() => setOpen("none")} />}
    </Bar>
  );
}

function CodePopover({ text, onClose }: { text: string; onClose(): void }) {
  const code = useRef<HTMLPreElement>(null);
  const [state, setState] = useState<"idle" | "copied" | "selected">("idle");
  const copy = async () => {
    setState((await copyText(text, code.current)) ? "copied" : "selected");
  };
  return (
    <Popover label="Copy as Python" onClose={onClose}>
      <pre ref={code} class="nbl-code nbl-select-text">
        {text}
      </pre>
      <div class="nbl-popover-row">
        <span class="nbl-panel-note" role="status">
          {state === "copied"
            ? "Copied"
            : state === "selected"
              ? "Selected: press Ctrl+C"
              : "Reproduces this view"}
        </span>
        <button type="button" class="nbl-button nbl-button-main" onClick={copy}>
          Copy
        </button>
      </div>
    </Popover>
  );
}
