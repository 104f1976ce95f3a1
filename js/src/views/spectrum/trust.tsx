import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import type { TrustNumbers } from "../../model/protocol";
import type { Store } from "../../model/store";
import { askTrust, trustOf } from "../../model/trust";
import { num } from "../parts/format";
import { Popover } from "../parts/popover";

/** What the slice can show and what it cannot, in words; the numbers are a press away. */
export function TrustRow({ store }: { store: Store }) {
  const [open, setOpen] = useState(false);
  const trust = useComputed(() => trustOf(store)).value;
  if (store.source.value?.kind !== "objective") return null;
  const { actions, reason } = store.abilities.value;
  if (trust?.phase === "done") {
    return (
      <div class="nbl-trust">
        <p class="nbl-trust-verdict nbl-select-text" role="status" title={trust.report.verdict}>
          {trust.report.verdict}
        </p>
        <button
          type="button"
          class="nbl-button nbl-small nbl-button-line"
          aria-expanded={open}
          aria-haspopup="dialog"
          onClick={() => setOpen(!open)}
        >
          numbers
        </button>
        {open && (
          <Popover label="What this slice can show" onClose={() => setOpen(false)}>
            <Report report={trust.report} />
          </Popover>
        )}
      </div>
    );
  }
  const busy = trust?.phase === "busy";
  return (
    <div class="nbl-trust">
      <button
        type="button"
        class="nbl-button nbl-small nbl-button-line"
        disabled={!actions || trust === null || busy}
        title={
          actions ? "Random curvatures, batch noise and a look along the most negative direction" : reason
        }
        onClick={() => void askTrust(store)}
      >
        {busy && <span class="nbl-spinner nbl-spinner-small" />}
        What can this slice show?
      </button>
      {trust?.phase === "failed" && (
        <span class="nbl-inline-error" role="alert" title={trust.reason}>
          {trust.reason}
        </span>
      )}
    </div>
  );
}

type Row = readonly [name: string, value: string, words: string];

const withError = ({ value, stderr }: { value: number; stderr: number }) =>
  `${num(value, 3)} ± ${num(stderr, 1)}`;

export function trustRows(report: TrustNumbers): Row[] {
  const { largest, smallest } = report;
  const end = (name: string, e: typeof largest): Row => [
    name,
    `${num(e.value, 3)} ± ${num(Math.hypot(e.residual, e.noise ?? 0), 1)}`,
    [e.verdict, e.sight].filter(Boolean).join(", "),
  ];
  const pair = (values: readonly number[]) => values.map((v) => num(v, 3)).join(", ");
  return [
    ["tr H / N", withError(report.mean_curvature), "mean curvature"],
    ["‖H‖", withError(report.frobenius), "Frobenius norm"],
    end("λ₁", largest),
    end("λ₋₁", smallest),
    ...Object.entries(report.probability).map(
      ([kind, p]): Row => [`P(${kind})`, withError(p), "of a random slice"],
    ),
    ...(report.curvatures === null
      ? []
      : [
          [
            "this slice",
            pair(report.curvatures),
            `expected of a random one: ${pair(report.expected_curvatures)}`,
          ] as const,
        ]),
    ...(report.gradient_norm === null
      ? []
      : [["‖gradient‖", num(report.gradient_norm, 3), `the centre: ${report.point}`] as const]),
    ["products", String(report.products), ""],
  ];
}

function Report({ report }: { report: TrustNumbers }) {
  return (
    <div class="nbl-select-text">
      <p class="nbl-trust-words">{report.verdict}</p>
      <table class="nbl-trust-table">
        <tbody>
          {trustRows(report).map(([name, value, words]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="nbl-trust-value">{value}</td>
              <td>{words}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
