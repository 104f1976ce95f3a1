import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { AnyModel } from "./any-model";
import { createStore } from "./create-store";
import { memberModel } from "./member-model";
import type { LiveGrid, Store } from "./store";

export interface Member {
  name: string;
  store: Store;
}

/** Several stores that are asked, undone and turned together. As a store it is that of the first member. */
export interface ComparisonStore extends Store {
  readonly members: readonly Member[];
  /** Whether all are seen from one place. */
  readonly locked: Signal<boolean>;
  /** Whether heights and colours mean the same loss in all. */
  readonly common: Signal<boolean>;
}

/** Lowest and highest loss of several grids; null while there is none. */
export function commonRange(grids: readonly (LiveGrid | null)[]): [number, number] | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const grid of grids) {
    if (grid === null || !Number.isFinite(grid.range[0])) continue;
    low = Math.min(low, grid.range[0] + grid.base);
    high = Math.max(high, grid.range[1] + grid.base);
  }
  return low <= high ? [low, high] : null;
}

export function createComparison(model: AnyModel): ComparisonStore {
  const names = (model.get("names") as string[] | undefined) ?? [];
  if (names.length === 0) throw new Error("The comparison has no members.");
  const locked = signal(true);
  const common = signal(true);
  const stores = names.map((_, k) => createStore(memberModel(model, k)));
  const range: ReadonlySignal<[number, number] | null> = computed(() =>
    common.value ? commonRange(stores.map((store) => store.grid.value)) : null,
  );
  const members = names.map((name, k) => ({ name, store: { ...stores[k]!, range } }));
  // One object for all: who has it already is not told again.
  const stops = stores.map((store) =>
    effect(() => {
      const view = store.view.value;
      if (!locked.value) return;
      for (const other of stores) if (other !== store && other.view.peek() !== view) other.view.value = view;
    }),
  );
  const each = (act: (store: Store) => void) => {
    for (const store of stores) act(store);
  };
  const first = stores[0]!;
  return {
    ...first,
    members,
    locked,
    common,
    request: (change, options) => each((store) => store.request(change, options)),
    settle: () => each((store) => store.settle()),
    undo: () => each((store) => store.undo()),
    redo: () => each((store) => store.redo()),
    cancel: () => each((store) => store.cancel()),
    again: () => each((store) => store.again()),
    canUndo: computed(() => stores.some((store) => store.canUndo.value)),
    canRedo: computed(() => stores.some((store) => store.canRedo.value)),
    resetView: () => each((store) => store.resetView()),
    dispose() {
      for (const stop of stops) stop();
      each((store) => store.dispose());
    },
  };
}
