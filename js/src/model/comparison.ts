import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type { AnyModel } from "./any-model";
import { commonRange } from "./common-scale";
import { cameraOf, shareView } from "./common-view";
import { createStore } from "./create-store";
import { idleStatus, isRunning } from "./lanes";
import { type LinkedPlace, linkPlaces } from "./linked-place";
import { memberModel } from "./member-model";
import type { Spec, Status } from "./protocol";
import type { SpecChange, Store } from "./store";

export interface Member {
  name: string;
  store: Store;
}

/** Several stores that are asked, undone and turned together. As a store it is that of the first member. */
export interface ComparisonStore extends Store {
  readonly members: readonly Member[];
  /** The one whose settings stand for those of all, as the store that the controls move. */
  readonly lead: ReadonlySignal<Store>;
  /** Whether all are seen from one place. */
  readonly locked: ReadonlySignal<boolean>;
  /** Whether heights and colours mean the same loss in all. */
  readonly common: ReadonlySignal<boolean>;
  /** The place that is pointed at or selected on one of them. */
  readonly place: ReadonlySignal<LinkedPlace | null>;
}

/** Of a change what a member can follow: a finished landscape only looks different. */
function possible(store: Store, change: SpecChange): SpecChange {
  const { can_choose_axes: plane, can_resample: window } = store.source.peek() ?? {};
  const { axes, offset, origin, span, points, ...looks } = change;
  const given = <T extends object>(part: T) =>
    Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Partial<T>;
  return {
    ...looks,
    ...(plane ? given({ axes, offset, origin }) : {}),
    ...(window ? given({ span, points }) : {}),
  } as SpecChange;
}

/** What has to be asked for to come from one wanted state to another. */
function difference(before: Spec, after: Spec): SpecChange {
  const names = ["axes", "offset", "span", "points", "scale", "threshold", "origin"] as const;
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return Object.fromEntries(changed.map((name) => [name, after[name]]));
}

/** One status for all: what runs, and how much of it is done. */
export function overall(stores: readonly Store[]): Status {
  const statuses = stores.flatMap((store) => [store.status.value, store.spectrumStatus.value]);
  const running = statuses.filter(isRunning);
  const sum = (of: "done" | "total") =>
    statuses.reduce((total, status) => total + (status.lane === "surface" ? status[of] : 0), 0);
  const phase =
    running.length > 0
      ? "running"
      : (["error", "cancelled", "done"] as const).find((p) => statuses.some((s) => s.phase === p));
  return { ...idleStatus("surface"), phase: phase ?? "idle", done: sum("done"), total: sum("total") };
}

export function createComparison(model: AnyModel): ComparisonStore {
  const names = (model.get("names") as string[] | undefined) ?? [];
  if (names.length === 0) throw new Error("The comparison has no members.");
  const cameras = () => (locked.peek() ? [] : stores.map((store) => cameraOf(store.view.peek())));
  const stores: Store[] = names.map((_, k) => createStore(memberModel(model, k, cameras)));
  // Part of the view, which is saved and but for the camera the same in all.
  const locked = computed(() => stores[0]!.view.value.locked !== false);
  const common = computed(() => stores[0]!.view.value.common_scale !== false);
  // The same object while nothing changes: a tile of one must not draw all others anew.
  let spanned: [number, number] | null = null;
  const range: ReadonlySignal<[number, number] | null> = computed(() => {
    const next = common.value ? commonRange(stores.map((store) => store.grid.value)) : null;
    if (next?.[0] !== spanned?.[0] || next?.[1] !== spanned?.[1]) spanned = next;
    return spanned;
  });
  // What is said of any of them is said in the one live region.
  const { announcement } = stores[0]!;
  const members = names.map((name, k) => ({ name, store: { ...stores[k]!, range, announcement } }));
  const stopView = shareView(model, stores, locked);
  const { place, stop: stopPlaces } = linkPlaces(stores);
  const status = signal(idleStatus("surface"));
  const stopStatus = effect(() => {
    status.value = overall(stores);
  });
  const each = (act: (store: Store) => void) => {
    for (const store of stores) act(store);
  };
  const ablest = computed(() => {
    const ability = ({ spec, source }: Store) =>
      (spec.value === null ? 0 : 4) +
      (source.value?.can_choose_axes ? 2 : 0) +
      (source.value?.can_resample ? 1 : 0);
    return stores.reduce((best, store) => (ability(store) > ability(best) ? store : best));
  });
  const travel = (step: "undo" | "redo") => {
    const lead = ablest.peek();
    const before = lead.spec.peek();
    lead[step]();
    const after = lead.spec.peek();
    if (before === null || after === null) return;
    const change = difference(before, after);
    each((store) => store !== lead && store.request(possible(store, change)));
  };
  const together = {
    announcement,
    status,
    request: ((change, options) =>
      each((store) => store.request(possible(store, change), options))) as Store["request"],
    settle: () => each((store) => store.settle()),
    undo: () => travel("undo"),
    redo: () => travel("redo"),
    cancel: () => each((store) => store.cancel()),
    again: () => each((store) => store.again()),
    canUndo: computed(() => ablest.value.canUndo.value),
    canRedo: computed(() => ablest.value.canRedo.value),
    resetView: () => each((store) => store.resetView()),
  };
  return {
    ...stores[0]!,
    ...together,
    members,
    lead: computed(() => ({ ...ablest.value, ...together })),
    locked,
    common,
    place,
    dispose() {
      stopView();
      stopPlaces();
      stopStatus();
      each((store) => store.dispose());
    },
  };
}
