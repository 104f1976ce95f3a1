import { useComputed } from "@preact/signals";
import type { Member } from "../../model/comparison";
import { num } from "../parts/format";
import { Term, type TermId } from "../parts/term";
import { type Numbers, numbersOf } from "./numbers";

interface Column {
  of: keyof Numbers;
  title: string;
  term: TermId;
  error?: keyof Numbers;
}

const COLUMNS: readonly Column[] = [
  { of: "loss", title: "loss at the origin", term: "loss" },
  { of: "lowest", title: "lowest loss", term: "minimum" },
  { of: "largest", title: "λ₁", term: "eigenpair", error: "largest_residual" },
  { of: "smallest", title: "λ₋₁", term: "eigenpair", error: "smallest_residual" },
  { of: "minima", title: "minima", term: "minimum" },
  { of: "smad", title: "SMAD", term: "smad" },
];

export function NumbersTable({ members }: { members: readonly Member[] }) {
  const rows = useComputed(() => members.map((m) => ({ name: m.name, ...numbersOf(m.store) }))).value;
  return (
    <div class="nbl-comparison-table">
      <table>
        <caption class="nbl-hidden">Numbers of the landscapes</caption>
        <thead>
          <tr>
            <th scope="col">landscape</th>
            {COLUMNS.map(({ of, title, term }) => (
              <th key={of} scope="col">
                <Term of={term}>{title}</Term>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              {COLUMNS.map(({ of, error }) => (
                <td key={of}>
                  {row[of] === null ? "–" : num(row[of])}
                  {error && row[error] !== null && (
                    <span class="nbl-panel-note"> ± {num(row[error], 1)}</span>
                  )}
                  <Bar value={row[of]} all={rows.map((r) => r[of])} />
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
