import { type Signal, useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { HELP_EVENT, type KEYS } from "../../a11y/keymap";
import { exploreCode } from "../../model/python-point";
import type { Store } from "../../model/store";
import { OriginLine } from "../details";
import { copyText } from "../details/code";
import { HistoryTools } from "../parts/history-tools";
import * as icons from "../parts/icons";
import { Popover } from "../parts/popover";
import { Tool } from "../parts/tool";
import { TablePopover } from "../table/table-popover";
import { GLOSSARY } from "../teaching/glossary";
import { DownloadPopover } from "./download-popover";
import { toggleCaptions } from "./keys";
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
  const bar = useRef<HTMLElement>(null);
  const open = opened.value;
  const setOpen = (next: Open) => {
    opened.value = next;
  };
  const source = store.source.value;
  const { actions } = store.abilities.value;
  const projector = useComputed(() => store.view.value.projector === true).value;
  const captions = useComputed(() => store.view.value.captions === true).value;
  const toggle = (which: Open) => setOpen(opened.peek() === which ? "none" : which);

  useEffect(() => {
    const host = hostOf(bar.current);
    const help = () => toggle("keys");
    host?.addEventListener(HELP_EVENT, help);
    return () => host?.removeEventListener(HELP_EVENT, help);
  }, []);

  return (
    <header class="nbl-toolbar" ref={bar}>
      <div class="nbl-heading">
        <h2 title={source?.title}>{source?.title || "Loss landscape"}</h2>
        <p title={source?.subtitle}>{source?.subtitle}</p>
      </div>
      <div class="nbl-tools" role="toolbar" aria-label="Explorer">
        <HistoryTools store={store} />
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
        <span class="nbl-divider" />
        <Tool
          icon={icons.panels}
          label="Panels"
          hint="Choose the panels"
          expanded={open === "panels"}
          onClick={() => toggle("panels")}
        />
        <Tool
          icon={icons.projector}
          label="Projector"
          hint="Larger text, lines and markers, for a projector (Shift+P)"
          pressed={projector}
          onClick={() => store.setView({ projector: !projector })}
        />
        <Tool
          icon={icons.captions}
          label="Captions"
          hint="Every panel says in words what it shows (Shift+C)"
          pressed={captions}
          onClick={() => toggleCaptions(store)}
        />
        <Tool
          icon={icons.full}
          label="Full screen"
          hint="Full screen (Shift+F)"
          onClick={() => toggleFullScreen(hostOf(bar.current))}
        />
        <Tool
          icon={icons.tour}
          label="Tour"
          hint="A tour: what to look for and what to try (Shift+G)"
          expanded={open === "tour"}
          onClick={() => toggle("tour")}
        />
        <Tool
          icon={icons.help}
          label="Keys"
          hint="Keyboard (?)"
          expanded={open === "keys"}
          onClick={() => toggle("keys")}
        />
      </div>
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
      {open === "keys" && <KeysPopover keys={keys} onClose={() => setOpen("none")} />}
    </header>
  );
}

export function hostOf(element: Element | null): HTMLElement | null {
  const root = element?.getRootNode();
  return root instanceof ShadowRoot ? (root.host as HTMLElement) : null;
}

export function toggleFullScreen(host: HTMLElement | null): void {
  const change =
    document.fullscreenElement === null ? host?.requestFullscreen?.() : document.exitFullscreen();
  // Frames without permission refuse; nothing is lost then.
  change?.catch(() => {});
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

export function KeysPopover({ keys, onClose }: { keys: typeof KEYS; onClose(): void }) {
  return (
    <Popover label="Keyboard" onClose={onClose}>
      <dl class="nbl-keys">
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <h3 class="nbl-words">Words</h3>
      <dl class="nbl-keys">
        {Object.values(GLOSSARY).map(([name, sentence]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{sentence}</dd>
          </div>
        ))}
      </dl>
    </Popover>
  );
}
