import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../model/failure";
import { loadCode } from "../../model/python-point";
import { CardHead, cardClass } from "../canvas/cards";
import { isCramped } from "../canvas/layout";
import type { Reading } from "../canvas/marked";
import { num, reasonOf } from "../parts/format";
import * as icons from "../parts/icons";
import { Tool } from "../parts/tool";
import { type Props, reading } from "../surface/parts";
import { namedPoints } from "../surface/ui";
import { CodeBlock, copyText } from "./code";
import { asText, groupsOf, originName } from "./facts";
import { makeOrigin, present, send, whyNoOrigin } from "./go";
import { onDetailsKey } from "./keys";
import { Facts } from "./rows";

/** What the last action came to, and for which selection. */
type News =
  | { of: unknown; tone: "sent"; line: string }
  | { of: unknown; tone: "told" | "failed"; line: string };

const SENT = "explorer.state_dict_at(explorer.sent[-1])";

/** What is selected: compact, or with everything that is known; and what can be done with it. */
export function DetailsCard({ store, ui }: Props) {
  const selection = store.selection.value;
  const grid = selection.kind === "none" ? null : store.grid.value;
  const shown = grid ? reading(store, grid, selection, namedPoints(ui)) : null;
  const { width, height } = ui.size.value;
  // Computed: the view changes with every frame of a rotation, this does not.
  const open = useComputed(() => store.view.value.details === true).value;
  const [code, setCode] = useState(false);
  const [making, setMaking] = useState(false);
  const [news, setNews] = useState<News | null>(null);
  const card = useRef<HTMLElement>(null);
  const hadFocus = useRef(false);
  const visible = shown !== null;
  const line = isCramped(width, height);

  const act = async (action: () => Promise<News | null>) => {
    setNews(null);
    try {
      setNews(await action());
    } catch (error) {
      const line = reasonOf(messageOf(error));
      setNews({ of: store.selection.value, tone: "failed", line });
    }
  };
  const origin = () => {
    if (making || whyNoOrigin(store) !== null) return;
    setMaking(true);
    void act(async () => {
      await makeOrigin(store);
      return null;
    }).finally(() => setMaking(false));
  };
  // The card goes with the selection: the focus must not go with it.
  useLayoutEffect(() => {
    const root = card.current?.getRootNode();
    return () => {
      const lost = hadFocus.current && document.activeElement === document.body;
      hadFocus.current = false;
      if (!(root instanceof ShadowRoot) || !lost) return;
      root.querySelector<HTMLElement>(".nbl-surface-view")?.focus();
    };
  }, [visible]);
  const sendIt = () => {
    const of = store.selection.value;
    if (of.kind === "none" || !store.abilities.value.actions) return;
    void act(async () => {
      // Of what is selected now: a key may come before the card is drawn anew.
      const here = store.grid.value;
      const told = here ? reading(store, here, of, namedPoints(ui)) : null;
      const number = await send(store, told?.heading ?? of.kind);
      store.announcement.value = `Sent to Python as explorer.sent[${number}].`;
      return { of, tone: "sent", line: `explorer.sent[${number}]` };
    });
  };
  const toggle = () => store.setView({ details: !store.view.value.details });
  useEffect(
    () => onDetailsKey(card.current ?? ui, { origin, send: sendIt, details: toggle }),
    // The actions read the store, and are as they were drawn last.
    [visible, selection, making, shown?.heading],
  );
  // Its keys work without it.
  if (!visible) return <span ref={card} hidden />;

  const groups = open ? groupsOf(store) : [];
  const load = loadCode(store.source.value, store.surface.value, selection.coordinates);
  const current = news?.of === selection ? news : null;
  const why = whyNoOrigin(store);
  const wide =
    code && load !== null ? " nbl-details-code-open" : current?.tone === "sent" ? " nbl-details-wide" : "";
  const copy = async () => {
    const at = present(store);
    const text = asText(shown.heading, at === null ? "" : originName(at), shown.rows, groupsOf(store));
    const copied = await copyText(text, card.current);
    setNews({ of: selection, tone: "told", line: copied ? "Copied" : "Selected: press Ctrl+C" });
  };
  return (
    <section
      ref={card}
      class={`${cardClass(ui, line)} nbl-details${wide}`}
      data-open={open}
      aria-label="Selected point"
      onFocusIn={() => {
        hadFocus.current = true;
      }}
      onFocusOut={(event) => {
        // Nothing takes the focus when what had it goes away.
        if (event.relatedTarget !== null) hadFocus.current = false;
      }}
      onPointerDown={(event) => event.stopPropagation()}
    >
      <CardHead store={store} reading={shown}>
        {line && !open && <span class="nbl-readout-loss">loss {num(selection.loss!)}</span>}
        <span class="nbl-spacer" />
        <Tool
          icon={icons.more}
          label="All details"
          hint={open ? "Fewer details (D)" : "All details (D)"}
          expanded={open}
          onClick={toggle}
          small
        />
      </CardHead>
      <div class="nbl-details-body" tabIndex={open || code ? 0 : undefined}>
        {code && load !== null ? (
          <CodeBlock text={load} />
        ) : (
          <Facts reading={open ? short(shown) : shown} groups={groups} />
        )}
      </div>
      <div class="nbl-details-tools" role="toolbar" aria-label="Selected point">
        <Tool icon={icons.copy} label="Copy details" hint="Copy all details as text" onClick={copy} />
        {load !== null && (
          <Tool
            icon={icons.code}
            label="Code that loads this point"
            hint="The Python code that loads these parameters into the model"
            expanded={code}
            onClick={() => setCode(!code)}
          />
        )}
        <span class="nbl-spacer" />
        {store.abilities.value.actions && (
          <button
            type="button"
            class="nbl-button nbl-small nbl-button-line"
            aria-label="Send to Python"
            title="Append this point to explorer.sent in Python (S)"
            onClick={sendIt}
          >
            Send
          </button>
        )}
        {why !== "" && (
          <button
            type="button"
            class="nbl-button nbl-small nbl-button-line"
            aria-label="Make this the new origin"
            title={why ?? "Make this the new origin: planes along the eigenvectors at this point (O)"}
            // Not `disabled`, which would take the focus away.
            aria-disabled={why !== null || making}
            onClick={origin}
          >
            {making && <span class="nbl-spinner nbl-spinner-small" />}
            {making ? "Moving" : "New origin"}
          </button>
        )}
      </div>
      <div class="nbl-details-news" role="status" aria-live="polite">
        {current?.tone === "sent" && (
          <>
            <span>
              Sent: <code>{current.line}</code>. Its parameters, in a cell:
            </span>
            <CodeBlock text={SENT} />
          </>
        )}
        {current?.tone === "told" && current.line}
        {current?.tone === "failed" && <span class="nbl-failed">{current.line}</span>}
      </div>
    </section>
  );
}

/** Without what the groups say in full. */
const short = ({ rows, ...more }: Reading): Reading => ({
  ...more,
  rows: rows.filter((row) => row.name !== "persistence"),
  note: "",
});
