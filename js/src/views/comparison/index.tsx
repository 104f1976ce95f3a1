import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import { LiveRegion } from "../../a11y/live-region";
import type { ComparisonStore, Member } from "../../model/comparison";
import { isRunning } from "../../model/lanes";
import { eigenLabel, resolveIndex, signedIndex } from "../../model/spec";
import type { Store } from "../../model/store";
import { Controls } from "../controls";
import { Waiting } from "../explorer/waiting";
import { count, num } from "../parts/format";
import { HistoryTools } from "../parts/history-tools";
import { Tool } from "../parts/tool";
import { SurfacePanel } from "../surface";
import { type Numbers, numbersOf } from "./numbers";

export { default as comparisonStyles } from "./comparison.css";

/** Several surfaces on one scale, seen from one place. */
export function Comparison({ store: given }: { store: Store }) {
  const store = given as ComparisonStore;
  const { members, locked, common } = store;
  const [table, setTable] = useState(false);
  return (
    <section
      class="nbl nbl-explorer nbl-comparison"
      aria-label={`Comparison of ${members.map((m) => m.name).join(", ")}`}
      style={{ "--nbl-height": store.height.value }}
    >
      <header class="nbl-toolbar">
        <div class="nbl-heading">
          <h2>{members.map((m) => m.name).join(" · ")}</h2>
          <p>{count(members.length, "landscape", "landscapes")} side by side</p>
        </div>
        <div class="nbl-tools" role="toolbar" aria-label="Comparison">
          <HistoryTools store={store} />
          <Tool
            icon={locked.value ? "link" : "unlink"}
            label="Turn all together"
            hint={locked.value ? "All turn together" : "Each turns by itself"}
            pressed={locked.value}
            onClick={() => {
              locked.value = !locked.value;
            }}
          />
          <Tool
            icon="scales"
            label="One scale for all"
            hint={common.value ? "Heights and colours mean the same loss in all" : "Each has its own scale"}
            pressed={common.value}
            onClick={() => {
              common.value = !common.value;
            }}
          />
          <Tool
            icon="table"
            label="Numbers"
            hint="Numbers as a table"
            pressed={table}
            onClick={() => setTable(!table)}
          />
        </div>
      </header>
      <div class="nbl-comparison-grid" data-count={Math.min(members.length, 4)}>
        {members.map((member) => (
          <Card key={member.name} member={member} />
        ))}
      </div>
      {table && <NumbersTable members={members} />}
      <AxesControl store={store} />
      <Controls store={store} />
      <LiveRegion store={store} />
    </section>
  );
}

function Card({ member: { name, store } }: { member: Member }) {
  const numbers = numbersOf(store);
  return (
    <article class="nbl-member" aria-label={name}>
      <header class="nbl-member-head">
        <h3 title={name}>{name}</h3>
        <p class="nbl-select-text">{line(numbers)}</p>
        {store.grid.value !== null && <Progress store={store} />}
      </header>
      <div class="nbl-member-picture">
        {store.grid.value === null ? <Waiting store={store} /> : <SurfacePanel store={store} />}
      </div>
    </article>
  );
}

function line({ loss, largest, minima }: Numbers): string {
  return [
    loss === null ? "" : `loss ${num(loss)}`,
    largest === null ? "" : `λ₁ ${num(largest, 3)}`,
    minima === null ? "" : count(minima, "minimum", "minima"),
  ]
    .filter(Boolean)
    .join(" · ");
}

function Progress({ store }: { store: Store }) {
  const status = store.status.value;
  if (status.phase === "error") {
    return (
      <span class="nbl-inline-error" role="alert" title={status.message}>
        {status.message.split("\n").at(-1)}
      </span>
    );
  }
  if (!isRunning(status) && !isRunning(store.spectrumStatus.value)) return null;
  const share = status.total > 0 ? ` ${Math.floor((100 * status.done) / status.total)} %` : "";
  return (
    <span class="nbl-member-progress">
      <span class="nbl-spinner nbl-spinner-small" />
      {share}
    </span>
  );
}

/** Which of its own eigenvectors spans each plane: the same choice for all. */
function AxesControl({ store }: { store: ComparisonStore }) {
  const with_ = store.members.filter((m) => m.store.spectrum.value !== null);
  const [spectrum, spec] = [with_[0]?.store.spectrum.value, store.spec.value];
  if (!spectrum || !spec || !store.abilities.value.axes) return null;
  const choices = spectrum.values.map((_, i) => signedIndex(i, spectrum));
  const set = (which: 0 | 1, index: number) => {
    const axes: [number, number] = [...spec.axes];
    if (axes[1 - which] === index) axes[(1 - which) as 0 | 1] = axes[which];
    axes[which] = index;
    store.request({ axes });
  };
  return (
    <div class="nbl-comparison-axes">
      {([0, 1] as const).map((which) => (
        <label key={which}>
          <span class="nbl-chip">{which === 0 ? "x" : "y"}</span>
          <select
            class="nbl-select"
            aria-label={`Eigenvector of the ${which === 0 ? "first" : "second"} axis, of each landscape its own`}
            value={String(spec.axes[which])}
            onChange={(event) => set(which, Number(event.currentTarget.value))}
          >
            {choices.map((index) => (
              <option key={index} value={String(index)}>
                {eigenLabel(index)}
              </option>
            ))}
          </select>
        </label>
      ))}
      <span class="nbl-panel-note">
        {with_
          .map(({ name, store: own }) => {
            const values = own.spectrum.value!.values;
            const of = (k: 0 | 1) => num(values[resolveIndex(spec.axes[k], values.length)] ?? Number.NaN, 3);
            return `${name}: ${of(0)}, ${of(1)}`;
          })
          .join("  ·  ")}
      </span>
    </div>
  );
}

const COLUMNS: readonly [keyof Numbers, string][] = [
  ["loss", "loss at the origin"],
  ["lowest", "lowest loss"],
  ["largest", "λ₁"],
  ["smallest", "λ₋₁"],
  ["minima", "minima"],
  ["smad", "SMAD"],
];

function NumbersTable({ members }: { members: readonly Member[] }) {
  const rows = useComputed(() => members.map((m) => ({ name: m.name, ...numbersOf(m.store) }))).value;
  return (
    <div class="nbl-comparison-table">
      <table>
        <caption class="nbl-hidden">Numbers of the landscapes</caption>
        <thead>
          <tr>
            <th scope="col">landscape</th>
            {COLUMNS.map(([key, title]) => (
              <th key={key} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              {COLUMNS.map(([key]) => (
                <td key={key}>
                  {row[key] === null ? "–" : num(row[key])}
                  <Bar value={row[key]} all={rows.map((r) => r[key])} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How large a number is among its like: a difference is seen before it is read. */
function Bar({ value, all }: { value: number | null; all: readonly (number | null)[] }) {
  const most = Math.max(...all.map((v) => Math.abs(v ?? 0)));
  if (value === null || most === 0) return null;
  return (
    <i class="nbl-number-bar" style={{ width: `${(100 * Math.abs(value)) / most}%` }} aria-hidden="true" />
  );
}
