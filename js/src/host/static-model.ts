import type { FramedModel } from "../model/any-model";
import type { Frame, Spec, Status } from "../model/protocol";
import { originOf, samplingKey } from "../model/spec";
import { nearestFrame } from "./nearest-frame";

/** State as written into an exported file: arrays are `{"$b": base64, "gz": whether gzipped}`. */
export type Packed = null | boolean | number | string | Packed[] | { [key: string]: Packed };

/** The same state with every array as a DataView. */
export async function unpack(value: Packed): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map(unpack));
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$b === "string") return unpackBytes(value.$b, value.gz === true);
  const entries = Object.entries(value).map(async ([key, item]) => [key, await unpack(item)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function unpackBytes(text: string, gzipped: boolean): Promise<DataView> {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  if (!gzipped) return new DataView(bytes.buffer);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new DataView(await new Response(stream).arrayBuffer());
}

/**
 * A model without a kernel. A spec that differs in what it samples is answered with the nearest
 * precomputed frame; without frames the store disables those controls.
 */
export function createStaticModel(state: Record<string, unknown>): FramedModel {
  const values = new Map(Object.entries(state));
  const listeners = new Map<string, Set<(...args: never[]) => void>>();
  const changed = new Set<string>();
  let answered = values.get("spec") as Spec | null;
  const first = values.get("spectrum");
  const home = originOf(answered);

  const put = (name: string, value: unknown) => {
    values.set(name, value);
    changed.add(name);
  };

  const emit = () => {
    const names = [...changed];
    changed.clear();
    for (const name of names) for (const listener of listeners.get(`change:${name}`) ?? []) listener();
  };

  const answer = (spec: Spec) => {
    const frames = (values.get("frames") as Frame[] | undefined) ?? [];
    const unchanged = answered !== null && samplingKey(answered) === samplingKey(spec);
    answered = spec;
    if (unchanged || frames.length === 0) return;
    const frame = nearestFrame(frames, spec);
    if (frame === null) return;
    const exact = samplingKey(frame.spec) === samplingKey(spec);
    const message = exact ? "" : `showing the nearest of ${frames.length} precomputed views`;
    const status: Status = {
      id: spec.id,
      lane: "surface",
      phase: "done",
      done: 0,
      total: 0,
      eta: null,
      message,
    };
    put("tree", frame.tree === null ? null : { ...frame.tree, id: spec.id });
    put("surface", { ...frame.surface, id: spec.id });
    const spectrum = originOf(frame.spec) === home ? first : frame.spectrum;
    if (spectrum !== undefined && spectrum !== values.get("spectrum")) put("spectrum", spectrum);
    put("status", status);
  };

  return {
    isStatic: true,
    get: (name) => values.get(name),
    set: put,
    save_changes(): void {
      if (changed.has("spec")) answer(values.get("spec") as Spec);
      emit();
    },
    on(event, callback): void {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set.add(callback));
    },
    off(event, callback): void {
      if (event == null) listeners.clear();
      else if (callback == null) listeners.delete(event);
      else listeners.get(event)?.delete(callback);
    },
    send(): void {
      // No one is there to hear it; the store refuses actions of a file with a reason.
    },
  };
}
