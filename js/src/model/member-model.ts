import { type AnyModel, type FramedModel, isStatic } from "./any-model";
import type { Camera, ViewState } from "./protocol";

/** Traits that every member has a place in, by the name that an explorer has for them. */
const PLACES: Readonly<Record<string, string>> = {
  spec: "specs",
  source: "sources",
  spectrum: "spectra",
  surface: "surfaces",
  tree: "trees",
  status: "statuses",
  selection: "selections",
};
/** Traits that all members share. How they are looked at is the comparison's to share. */
const SHARED = new Set(["height"]);

type Listener = (...args: never[]) => void;

/**
 * A member of a comparison, seen as the model of an explorer. `cameras`: what is kept beside the common view when that
 * is saved, the places that all are seen from; none while that is one.
 */
export function memberModel(whole: AnyModel, number: number, cameras: () => readonly Camera[]): AnyModel {
  const wrapped = new Map<string, Map<Listener, Listener>>();
  const own = (whole.get("cameras") as Camera[] | undefined)?.[number];
  let view = own === undefined ? whole.get("view") : { ...(whole.get("view") as ViewState), ...own };
  const places = (name: string) => (whole.get(PLACES[name]!) as unknown[] | undefined) ?? [];
  const member: AnyModel = {
    get(name) {
      if (name in PLACES) return places(name)[number] ?? null;
      if (name === "view") return view;
      return SHARED.has(name) ? whole.get(name) : undefined;
    },
    set(name, value) {
      if (name in PLACES) {
        const next = [...places(name)];
        next[number] = value;
        whole.set(PLACES[name]!, next);
      } else if (name === "view") {
        view = value;
        whole.set(name, value);
        whole.set("cameras", cameras());
      } else if (SHARED.has(name)) whole.set(name, value);
    },
    save_changes: () => whole.save_changes(),
    on(event, callback) {
      const inner = eventOf(event);
      if (inner === null) return;
      const listener: Listener =
        event === "msg:custom"
          ? (((message: { kind?: string; number?: number; content?: unknown }, buffers: DataView[]) => {
              if (message.kind === "member" && message.number === number)
                (callback as (m: unknown, b: DataView[]) => void)(message.content, buffers);
            }) as unknown as Listener)
          : callback;
      const known = wrapped.get(event) ?? new Map<Listener, Listener>();
      wrapped.set(event, known.set(callback, listener));
      whole.on(inner, listener);
    },
    off(event, callback) {
      if (event == null || callback == null) return;
      const listener = wrapped.get(event)?.get(callback as Listener);
      const inner = eventOf(event);
      if (listener === undefined || inner === null) return;
      wrapped.get(event)!.delete(callback as Listener);
      whole.off(inner, listener);
    },
    send: (content) => whole.send({ kind: "member", number, content }),
    get widget_manager() {
      return whole.widget_manager;
    },
  };
  if (isStatic(whole)) (member as { isStatic?: true } & Partial<FramedModel>).isStatic = true;
  return member;
}

function eventOf(event: string): string | null {
  if (event === "msg:custom") return event;
  const name = event.replace(/^change:/, "");
  if (name in PLACES) return `change:${PLACES[name]}`;
  return SHARED.has(name) ? event : null;
}
