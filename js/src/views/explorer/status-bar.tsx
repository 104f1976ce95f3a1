import { useState } from "preact/hooks";
import { isRunning } from "../../model/lanes";
import type { Store } from "../../model/store";
import type { VolumeData } from "../../model/volume-data";
import { count, duration, num, reasonOf, whole } from "../parts/format";
import { Popover } from "../parts/popover";
import { stopped } from "../parts/standing";
import { Term, type TermId } from "../parts/term";
import { AwayPanels } from "./panels-menu";

interface Line {
  tone: "quiet" | "run" | "ok" | "warn" | "error";
  text: string;
}

/** The one sentence that says what goes on. */
export function statusLine(store: Store): Line {
  const status = store.status.value;
  const spectrum = store.spectrumStatus.value;
  const action = store.actionStatus.value;
  const grid = store.grid.value;
  if (store.kernel.value === "busy")
    return { tone: "warn", text: "waiting: the kernel is busy with another cell" };
  if (store.kernel.value === "none" && grid?.state === "predicted")
    return { tone: "warn", text: "no kernel answers, shown is the prediction: run the cell again" };
  if (status.phase === "error") return { tone: "error", text: status.message || "the computation failed" };
  if (spectrum.phase === "error") return { tone: "error", text: spectrum.message || "the eigenpairs failed" };
  if (isRunning(status)) {
    if (status.total === 0) return { tone: "run", text: status.message || "starting" };
    const share = Math.floor((100 * status.done) / status.total);
    const left = status.eta === null ? "" : `, ${duration(status.eta)} left`;
    return { tone: "run", text: `computing ${share} %${left}` };
  }
  if (isRunning(spectrum)) {
    const done = spectrum.done > 0 ? `: ${count(spectrum.done, "Hessian product", "Hessian products")}` : "";
    return { tone: "run", text: `${spectrum.message || "finding eigenpairs"}${done}` };
  }
  if (isRunning(action)) return { tone: "run", text: action.message || "working" };
  if (action.phase === "error") return { tone: "error", text: action.message };
  if (status.phase === "cancelled") return { tone: "warn", text: stopped(store) };
  if (store.kernel.value === "none" && status.message !== "") return { tone: "warn", text: status.message };
  if (status.message !== "") return { tone: "quiet", text: status.message };
  const volume = store.trait<VolumeData>("volume").value;
  if (grid === null && volume === null) return { tone: "quiet", text: "nothing computed yet" };
  const seconds = (volume ?? store.surface.value)?.seconds ?? 0;
  if (grid?.state === "predicted") return { tone: "quiet", text: "predicted from the eigenpairs" };
  return {
    tone: "ok",
    text:
      seconds > 0
        ? `computed in ${seconds < 10 ? num(seconds, 2) : duration(seconds)}${seconds < 10 ? " s" : ""}`
        : "ready",
  };
}

export function StatusBar({ store }: { store: Store }) {
  const status = store.status.value;
  const { tone, text } = statusLine(store);
  const running = isRunning(status);
  const busy = running || isRunning(store.spectrumStatus.value) || isRunning(store.actionStatus.value);
  const cancels = busy || store.kernel.value === "busy";
  const again =
    !cancels && status.phase === "cancelled" && store.kernel.value === "live" && store.spec.value !== null;
  const notice = store.source.value?.notice ?? "";
  const concerns = (store.trait<VolumeData>("volume").value ?? store.grid.value?.data)?.concerns ?? [];
  const share = running && status.total > 0 ? status.done / status.total : 0;
  return (
    <footer class="nbl nbl-status">
      {running && (
        <div
          class="nbl-progress"
          role="progressbar"
          aria-label="Surface"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(100 * share)}
        >
          <div style={{ transform: `scaleX(${share})` }} />
        </div>
      )}
      <div class={`nbl-phase nbl-tone-${tone}`}>
        <span class="nbl-dot" />
        {/* Ahead of the text: behind one whose length changes it would move while it is aimed at. */}
        {(cancels || again) && (
          <button
            type="button"
            class="nbl-button nbl-small nbl-button-line"
            // A notebook may scroll while the button is down; the click must not get lost.
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            title={again ? "Compute this view from its first point" : undefined}
            // The second click of a double one was meant for Cancel.
            onClick={(event) => (cancels ? store.cancel() : event.detail < 2 && store.again())}
          >
            {cancels ? "Cancel" : "Start again"}
          </button>
        )}
        {tone === "error" ? <LongText text={text} /> : <span class="nbl-phase-text">{text}</span>}
      </div>
      <AwayPanels store={store} />
      {notice !== "" && <span class="nbl-notice">{notice}</span>}
      {concerns.length > 0 && <Notes concerns={concerns} />}
      <Numbers store={store} />
    </footer>
  );
}

/** What a reader of the surface must know, a press away. */
function Notes({ concerns }: { concerns: readonly string[] }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="nbl-button nbl-small nbl-notes"
        aria-expanded={open}
        aria-haspopup="dialog"
        title="What to know before this surface is believed"
        onClick={() => setOpen(!open)}
      >
        <span aria-hidden="true">⚠</span> {count(concerns.length, "note", "notes")}
      </button>
      {open && (
        <Popover label="Notes on this surface" onClose={() => setOpen(false)}>
          <ul class="nbl-notes-list nbl-select-text">
            {concerns.map((concern) => (
              <li key={concern}>{concern}</li>
            ))}
          </ul>
        </Popover>
      )}
    </>
  );
}

/** First line at once, the rest on demand; always selectable. */
function LongText({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  const head = reasonOf(text);
  const long = text.trim() !== head || head.length > 90;
  return (
    <span class="nbl-long" role="alert">
      <span class="nbl-long-head nbl-select-text">{head}</span>
      {long && (
        <button
          type="button"
          class="nbl-button nbl-small"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? "less" : "more"}
        </button>
      )}
      {open && <pre class="nbl-long-body nbl-select-text">{text}</pre>}
    </span>
  );
}

function Numbers({ store }: { store: Store }) {
  const grid = store.grid.value;
  const tree = store.tree.value;
  const volume = store.trait<VolumeData>("volume").value;
  if (grid === null && volume === null) return null;
  const items: [value: string, name: string, term: TermId][] = [];
  if (tree !== null) {
    const saddles = tree.branches.filter((b) => b.deathVertex >= 0).length;
    items.push([whole(tree.branches.length), tree.branches.length === 1 ? "minimum" : "minima", "minimum"]);
    items.push([whole(saddles), saddles === 1 ? "saddle" : "saddles", "saddle"]);
    if (tree.branches.length > 1) items.push([num(tree.smad, 3), "SMAD", "smad"]);
  }
  const [n0, n1, n2] = volume?.shape ?? [grid!.n0, grid!.n1, 1];
  const total = n0 * n1 * n2;
  const known = Math.round((volume === null ? grid!.known : 1) * total);
  items.push([known < total ? `${whole(known)} / ${whole(total)}` : whole(total), "points", "points"]);
  const holes = (volume ?? grid?.data)?.holes ?? 0;
  if (holes > 0) items.push([whole(holes), holes === 1 ? "hole" : "holes", "hole"]);
  return (
    <dl class="nbl-numbers nbl-select-text">
      {items.map(([value, name, term]) => (
        <div key={term}>
          <dd>{value}</dd>{" "}
          <dt>
            <Term of={term}>{name}</Term>
          </dt>
        </div>
      ))}
    </dl>
  );
}
