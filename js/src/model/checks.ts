import { type Signal, signal } from "@preact/signals";
import { messageOf } from "./failure";
import type { CheckedPoint, SurfaceData } from "./protocol";
import type { Reply } from "./rpc";

/** How the check of a critical point stands. */
export type Check =
  | { phase: "busy" }
  | { phase: "done"; point: CheckedPoint }
  | { phase: "failed"; reason: string };

const KEPT = 32;

/** Checks of critical points; each belongs to a vertex of one answer of the kernel. */
export function createChecks(
  surface: Signal<SurfaceData | null>,
  ask: (vertex: number) => Promise<Pick<Reply, "result">>,
) {
  const known = signal<ReadonlyMap<string, Check>>(new Map());
  const put = (key: string, check: Check) => {
    const next = new Map(known.peek());
    next.delete(key);
    next.set(key, check);
    for (const oldest of next.keys()) {
      if (next.size <= KEPT) break;
      next.delete(oldest);
    }
    known.value = next;
  };
  return {
    of: (vertex: number): Check | null => known.value.get(`${surface.value?.id} ${vertex}`) ?? null,
    async start(vertex: number): Promise<void> {
      const id = surface.peek()?.id;
      const key = `${id} ${vertex}`;
      if (id === undefined || known.peek().get(key)?.phase === "busy") return;
      put(key, { phase: "busy" });
      let outcome: Check;
      try {
        outcome = { phase: "done", point: (await ask(vertex)).result as CheckedPoint };
      } catch (error) {
        outcome = { phase: "failed", reason: messageOf(error) };
      }
      // Under the number of that surface: once another one is shown, the vertex is not the same point.
      put(key, outcome);
    },
  };
}
