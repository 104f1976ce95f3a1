import { type ReadonlySignal, signal } from "@preact/signals";
import { messageOf } from "./failure";
import type { TrustNumbers } from "./protocol";
import { planeKey } from "./spec";
import type { Store } from "./store";

/** What is known of how far the slice that is shown can be trusted. */
type Trust =
  | { phase: "unknown" }
  | { phase: "busy" }
  | { phase: "done"; report: TrustNumbers }
  | { phase: "failed"; reason: string };

interface Reports {
  readonly known: ReadonlySignal<ReadonlyMap<string, Trust>>;
  put(key: string, trust: Trust): void;
}

const KEPT = 16;
const UNKNOWN: Trust = { phase: "unknown" };
const reports = new WeakMap<Store, Reports>();

function reportsOf(store: Store): Reports {
  const found = reports.get(store);
  if (found !== undefined) return found;
  const known = signal<ReadonlyMap<string, Trust>>(new Map());
  const made: Reports = {
    known,
    put(key, trust) {
      const next = new Map(known.peek());
      next.delete(key);
      next.set(key, trust);
      for (const oldest of next.keys()) {
        if (next.size <= KEPT) break;
        next.delete(oldest);
      }
      known.value = next;
    },
  };
  reports.set(store, made);
  return made;
}

/** The plane that the kernel's answer lies in, of these weights; null while another one is drawn or wanted. */
function shownPlane(store: Store): string | null {
  const data = store.surface.value;
  const drawn = store.grid.value;
  const wanted = store.spec.value;
  if (data === null || wanted === null || drawn?.data !== data) return null;
  if (planeKey(wanted) !== planeKey(data.spec)) return null;
  return `${data.base} ${planeKey(data.spec)}`;
}

/** What is known about the slice that is drawn; null where there is no finished slice. */
export function trustOf(store: Store): Trust | null {
  const key = shownPlane(store);
  return key === null ? null : (reportsOf(store).known.value.get(key) ?? UNKNOWN);
}

/** Asks the kernel for the report on the slice that is drawn. */
export async function askTrust(store: Store): Promise<void> {
  const key = shownPlane(store);
  const { known, put } = reportsOf(store);
  const before = key === null ? undefined : known.peek().get(key)?.phase;
  if (key === null || before === "busy" || before === "done") return;
  put(key, { phase: "busy" });
  try {
    const { result } = await store.rpc("trust", {});
    put(key, { phase: "done", report: result as TrustNumbers });
  } catch (error) {
    put(key, { phase: "failed", reason: messageOf(error) });
  }
}
