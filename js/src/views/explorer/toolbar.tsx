import { useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { HELP_EVENT, type KEYS } from "../../a11y/keymap";
import { exploreCode } from "../../model/python-point";
import type { Store } from "../../model/store";
import { OriginLine } from "../details";
import { Popover } from "../parts/popover";
import { Tool } from "../parts/tool";
import { DownloadPopover } from "./download-popover";
import { PanelsMenu } from "./panels-menu";

type Open = "none" | "code" | "download" | "keys" | "panels";

/** Title, and everything that concerns the view as a whole. */
export function Toolbar({ store, keys }: { store: Store; keys: typeof KEYS }) {
  const bar = useRef<HTMLElement>(null);
  const [open, setOpen] = useState<Open>("none");
  const source = store.source.value;
  const { actions } = store.abilities.value;
  const projector = useComputed(() => store.view.value.projector === true).value;
  const toggle = (which: Open) => setOpen((now) => (now === which ? "none" : which));

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
        <Tool
          icon="undo"
          label="Undo"
          hint="Undo (Ctrl+Z)"
          disabled={!store.canUndo.value}
          onClick={store.undo}
        />
        <Tool
          icon="redo"
          label="Redo"
          hint="Redo (Ctrl+Shift+Z)"
          disabled={!store.canRedo.value}
          onClick={store.redo}
        />
        <span class="nbl-divider" />
        <Tool icon="home" label="Reset view" hint="Reset the view (Home)" onClick={store.resetView} />
        <Tool
          icon="code"
          label="Copy as Python"
          hint="The Python cell that reproduces this"
          expanded={open === "code"}
          onClick={() => toggle("code")}
        />
        {actions && (
          <Tool
            icon="download"
            label="Download"
            hint="Download as one offline HTML file"
            expanded={open === "download"}
            onClick={() => toggle("download")}
          />
        )}
        <span class="nbl-divider" />
        <Tool
          icon="panels"
          label="Panels"
          hint="Choose the panels"
          expanded={open === "panels"}
          onClick={() => toggle("panels")}
        />
        <Tool
          icon="projector"
          label="Projector"
          hint="Larger text, lines and markers, for a projector (Shift+P)"
          pressed={projector}
          onClick={() => store.setView({ projector: !projector })}
        />
        <Tool
          icon="full"
          label="Full screen"
          hint="Full screen (Shift+F)"
          onClick={() => toggleFullScreen(hostOf(bar.current))}
        />
        <Tool
          icon="help"
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
    const selection = getSelection();
    if (code.current !== null) selection?.selectAllChildren(code.current);
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      // Denied in sandboxed frames and plain http: the text is selected, the reader's own copy works.
      setState("selected");
    }
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

function KeysPopover({ keys, onClose }: { keys: typeof KEYS; onClose(): void }) {
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
    </Popover>
  );
}
