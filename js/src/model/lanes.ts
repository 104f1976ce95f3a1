import { signal } from "@preact/signals";
import type { Status } from "./protocol";

const LANES = ["surface", "spectrum", "action"] as const;
type Lane = (typeof LANES)[number];

export const idleStatus = (lane: Lane): Status => ({
  id: 0,
  lane,
  phase: "idle",
  done: 0,
  total: 0,
  eta: null,
  message: "",
});

/** One status per lane, so that a slider's progress never hides that of an action. */
export function createLanes() {
  const surface = signal(idleStatus("surface"));
  const spectrum = signal(idleStatus("spectrum"));
  const action = signal(idleStatus("action"));
  const of = { surface, spectrum, action };
  return {
    ...of,
    of: (lane: string) => of[(LANES as readonly string[]).includes(lane) ? (lane as Lane) : "surface"],
  };
}

export const isRunning = (status: Status): boolean => status.phase === "running" || status.phase === "queued";
