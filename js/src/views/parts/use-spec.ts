import { useComputed } from "@preact/signals";
import type { Spec } from "../../model/protocol";
import type { Store } from "../../model/store";

/** A part of the wanted state; a slider that moves draws anew only what shows the part that it changes. */
export function useSpec<T>(store: Store, part: (spec: Spec) => T): T | null {
  return useComputed(() => (store.spec.value === null ? null : part(store.spec.value))).value;
}

export const useScale = (store: Store): Spec["scale"] => useSpec(store, (spec) => spec.scale) ?? "linear";
