import { type Signal, useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { HELP_EVENT, type KEYS } from "../../a11y/keymap";
import type { Store } from "../../model/store";
import { HistoryTools } from "../parts/history-tools";
import * as icons from "../parts/icons";
import { Popover } from "../parts/popover";
import { Tool } from "../parts/tool";
import { GLOSSARY } from "../teaching/glossary";
import { toggleCaptions, toggleProjector } from "./keys";

interface Props {
  store: Store;
  /** Of the tools. */
  label: string;
  title: string;
  subtitle: string | undefined;
  /** What captions are for. */
  captions: string;
  keys: typeof KEYS;
  /** What the bar has opened. */
  open: Signal<string>;
  tools: ComponentChildren;
  /** More tools, before and after those for how all is seen. */
  before?: ComponentChildren;
  after?: ComponentChildren;
  /** What the tools open. */
  children: ComponentChildren;
}

/** Title, and everything that concerns the view as a whole. */
export function Bar({ store, label, title, subtitle, captions, keys, open, ...rest }: Props) {
  const bar = useRef<HTMLElement>(null);
  const projector = useComputed(() => store.view.value.projector === true).value;
  const captioned = useComputed(() => store.view.value.captions === true).value;
  const toggleKeys = () => {
    open.value = open.peek() === "keys" ? "none" : "keys";
  };
  useEffect(() => {
    const host = hostOf(bar.current);
    host?.addEventListener(HELP_EVENT, toggleKeys);
    return () => host?.removeEventListener(HELP_EVENT, toggleKeys);
  }, []);
  return (
    <header class="nbl-toolbar" ref={bar}>
      <div class="nbl-heading">
        <h2 title={title}>{title}</h2>
        <p title={subtitle}>{subtitle}</p>
      </div>
      <div class="nbl-tools" role="toolbar" aria-label={label}>
        <HistoryTools store={store} />
        {rest.tools}
        <span class="nbl-divider" />
        {rest.before}
        <Tool
          icon={icons.projector}
          label="Projector"
          hint="Larger text, lines and markers, for a projector (Shift+P)"
          pressed={projector}
          onClick={() => toggleProjector(store)}
        />
        <Tool
          icon={icons.captions}
          label="Captions"
          hint={captions}
          pressed={captioned}
          onClick={() => toggleCaptions(store)}
        />
        <Tool
          icon={icons.full}
          label="Full screen"
          hint="Full screen (Shift+F)"
          onClick={() => toggleFullScreen(hostOf(bar.current))}
        />
        {rest.after}
        <Tool
          icon={icons.help}
          label="Keys"
          hint="Keyboard (?)"
          expanded={open.value === "keys"}
          onClick={toggleKeys}
        />
      </div>
      {rest.children}
      {open.value === "keys" && (
        <KeysPopover
          keys={keys}
          onClose={() => {
            open.value = "none";
          }}
        />
      )}
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
