import { effect, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../model/store";
import { count, estimate } from "../views/parts/format";
import { stopped } from "../views/parts/standing";

const INTERVAL_MS = 2000;

/** What a reader who cannot see the view should know now. */
export function describe(store: Store): string {
  const status = store.status.value;
  if (store.kernel.value === "busy") return "Waiting: the kernel is busy with another cell.";
  if (status.phase === "error") return `Error: ${status.message}`;
  if (status.phase === "cancelled") return `${capital(stopped(store))}.`;
  if (store.kernel.value === "none" && status.message !== "") return `${capital(status.message)}.`;
  if (status.phase === "running" && status.total > 0) {
    const left = status.eta === null ? "" : `, about ${estimate(status.eta)} left`;
    return `Computing: ${Math.floor((100 * status.done) / status.total)} percent${left}.`;
  }
  if (status.phase === "running" || status.phase === "queued") return "Computing.";
  const tree = store.tree.value;
  if (tree !== null && store.grid.value?.state === "final") {
    const saddles = tree.branches.filter((b) => b.deathVertex >= 0).length;
    const notes = store.grid.value.data?.concerns?.length ?? 0;
    const warned = notes > 0 ? ` ${count(notes, "note", "notes")} in the status bar.` : "";
    return `Surface ready: ${count(tree.branches.length, "minimum", "minima")}, ${count(saddles, "saddle", "saddles")}.${warned} ${status.message}`;
  }
  return "";
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Polite announcements, at most one every two seconds, the last one always. */
export function LiveRegion({ store }: { store: Store }) {
  const region = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    store.announcement.value = describe(store);
  });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = Number.NEGATIVE_INFINITY;
    const say = () => {
      timer = undefined;
      last = Date.now();
      if (region.current !== null) region.current.textContent = store.announcement.peek();
    };
    const stop = effect(() => {
      store.announcement.value;
      timer ??= setTimeout(say, Math.max(0, last + INTERVAL_MS - Date.now()));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [store]);
  return <div ref={region} class="nbl-hidden" role="status" aria-live="polite" />;
}
