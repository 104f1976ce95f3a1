import { useRef, useState } from "preact/hooks";
import { featureOf } from "../../model/selection";
import type { LiveTree, Store } from "../../model/store";
import { copyText } from "../details/code";
import { download } from "../parts/download";
import { count, num, percent, plainNum, shortLabel, whole } from "../parts/format";
import { Popover } from "../parts/popover";
import type { TermId } from "../parts/term";
import { csvName, featuresCsv } from "./csv";
import { type Feature, featuresOf, type Places, placesOf, sortFeatures } from "./features";

export { default as tableStyles } from "./table.css";

/** More rows than anybody reads; the file has all of them. */
const MOST_ROWS = 300;

interface Head {
  key: string;
  text: string;
  term?: TermId;
  /** Largest first at the first press. */
  falling?: boolean;
  show(row: Feature): string;
}

/** The minima and saddles shown, as numbers to read, sort, copy and take along. */
export function TablePopover({ store, onClose }: { store: Store; onClose(): void }) {
  const places = placesOf(store);
  const tree = store.tree.value;
  return (
    <Popover label="Numbers as a table" size="wide" onClose={onClose}>
      {places === null || tree === null ? (
        <p class="nbl-table-none" role="status">
          The numbers come with the merge tree, once the surface is computed.
        </p>
      ) : (
        <Table store={store} places={places} tree={tree} />
      )}
    </Popover>
  );
}

function Table({ store, places, tree }: { store: Store; places: Places; tree: LiveTree }) {
  const [by, setBy] = useState("loss");
  const [descending, setDescending] = useState(false);
  const rows = sortFeatures(featuresOf(places, tree), by, descending);
  const dim = places.labels.length;
  const heads: Head[] = [
    ...places.labels.map((label, k) => ({
      key: `x${k}`,
      text: shortLabel(label, `axis ${k + 1}`),
      show: (row: Feature) => num(row.at[k]!, 5),
    })),
    { key: "loss", text: "loss", term: "loss", show: (row) => num(row.loss, 6) },
    {
      key: "persistence",
      text: "persistence",
      term: "persistence",
      falling: true,
      show: (row) => num(row.persistence),
    },
    { key: "stderr", text: "± error", term: "stderr", show: (row) => known(row.stderr, 2) },
    {
      key: "supported",
      text: "supported",
      term: "supported",
      falling: true,
      show: (row) => (row.supported === null ? "–" : row.supported ? "yes" : "no"),
    },
    { key: "share", text: "basin", term: "basin", falling: true, show: (row) => percent(row.share) },
  ];
  const last: Head = {
    key: "saddle_loss",
    text: "saddle's loss",
    term: "saddle",
    show: (row) => known(row.saddleLoss, 6),
  };
  const heading = (head: Head) => {
    const order = by !== head.key ? undefined : descending ? "descending" : "ascending";
    return (
      <th key={head.key} scope="col" aria-sort={order}>
        <button
          type="button"
          class="nbl-sort"
          data-term={head.term}
          onClick={() => {
            setDescending(by === head.key ? !descending : (head.falling ?? false));
            setBy(head.key);
          }}
        >
          {head.text} <span aria-hidden="true">{order && (descending ? "↓" : "↑")}</span>
        </button>
      </th>
    );
  };
  const selection = store.selection.value;
  const pick = (row: Feature, kind: "minimum" | "saddle", text: string, label: string) => {
    const vertex = kind === "saddle" ? row.branch.deathVertex : row.branch.birthVertex;
    const glyph = kind === "saddle" ? "✕" : row.supported === false ? "▽" : "▼";
    return (
      <button
        type="button"
        class="nbl-pick"
        aria-label={label}
        aria-pressed={selection.kind === kind && selection.vertex === vertex}
        onClick={() => store.select(featureOf(store.grid.peek(), row.branch, kind))}
      >
        <span aria-hidden="true">{glyph}</span> {text}
      </button>
    );
  };
  const threshold = store.spec.value?.threshold ?? 0;
  const saddles = rows.filter((row) => row.branch.deathVertex >= 0).length;
  return (
    <>
      <div class="nbl-table-scroll">
        <table class="nbl-table">
          <caption>
            {count(rows.length, "minimum", "minima")}, {count(saddles, "saddle", "saddles")}
            {threshold > 0 && ` · persistence ${num(threshold)} and more`}
            {!places.final && " · not all points are evaluated yet"}
          </caption>
          <thead>
            <tr>
              <th scope="col">
                <span class="nbl-hidden">minimum</span>
              </th>
              {heads.map(heading)}
              <th scope="col" class="nbl-table-saddle">
                saddle at
              </th>
              {heading(last)}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map((row) => (
              <tr
                key={row.branch.row}
                class={selection.vertex === row.branch.birthVertex ? "nbl-row-chosen" : undefined}
              >
                <th scope="row">{pick(row, "minimum", `${row.number}`, `Select minimum ${row.number}`)}</th>
                {heads.map((head) => (
                  <td key={head.key}>{head.show(row)}</td>
                ))}
                <td class="nbl-table-saddle">
                  {row.branch.deathVertex >= 0 &&
                    pick(
                      row,
                      "saddle",
                      row.saddle.map((x) => num(x)).join(", "),
                      `Select the saddle of minimum ${row.number}, at ${row.saddle.map((x) => plainNum(x)).join(", ")}`,
                    )}
                </td>
                <td>{last.show(row)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length > MOST_ROWS && (
          <p class="nbl-table-none">
            The first {MOST_ROWS} of {whole(rows.length)} rows in this order; the CSV has all of them.
          </p>
        )}
      </div>
      <Take text={featuresCsv(rows, dim)} name={csvName(store.source.value?.title ?? "")} />
    </>
  );
}

const known = (value: number, digits: number): string => (Number.isNaN(value) ? "–" : num(value, digits));

/** The whole table, with every digit, in the order shown. */
function Take({ text, name }: { text: string; name: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [told, setTold] = useState("Every digit, in this order; explorer.to_frame() in Python");
  const [denied, setDenied] = useState(false);
  const copy = async () => {
    const copied = await copyText(text, null);
    setDenied(!copied);
    setTold(copied ? "Copied" : "Selected: press Ctrl+C");
    // Where the clipboard is denied, the text itself is shown and selected.
    if (!copied)
      requestAnimationFrame(() => shown.current && getSelection()?.selectAllChildren(shown.current));
  };
  return (
    <div class="nbl-popover-row nbl-take">
      <span class="nbl-panel-note" role="status">
        {told}
      </span>
      {denied && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable.
        <pre ref={shown} class="nbl-code nbl-select-text" tabIndex={0}>
          {text}
        </pre>
      )}
      <button
        type="button"
        class="nbl-button nbl-button-line"
        onClick={() => {
          download(name, "text/csv;charset=utf-8", [text]);
          setTold(`Saved as ${name}`);
        }}
      >
        Download CSV
      </button>
      <button type="button" class="nbl-button nbl-button-main" onClick={copy}>
        Copy CSV
      </button>
    </div>
  );
}
