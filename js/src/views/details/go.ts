import type { OriginData } from "../../model/protocol";
import { originOf } from "../../model/spec";
import type { Store } from "../../model/store";
import { originName } from "./facts";

const UNMOVED = { axis: null, value: 0 } as const;

export const originsOf = (store: Store): readonly OriginData[] => store.source.value?.origins ?? [];

/** The origin that is wanted; null = the model. */
export function present(store: Store): OriginData | null {
  const number = originOf(store.spec.value);
  return originsOf(store).find((origin) => origin.number === number) ?? null;
}

/** Planes through an origin, in the window that is shown. */
export function goTo(store: Store, number: number): void {
  store.request({ origin: number, offset: UNMOVED });
}

/** The plane through the model that was left for the first of the origins on the way here. */
export function goHome(store: Store): void {
  let first = present(store);
  for (let left = originsOf(store).length; first !== null && left > 0; left--) {
    const before = originsOf(store).find((origin) => origin.number === originOf(first!.spec));
    if (before === undefined) break;
    first = before;
  }
  const { axes, offset, span, points } = first?.spec ?? store.spec.value!;
  store.request({ origin: 0, axes, offset, span, points });
}

/** Makes the selected point the origin, and goes there. */
export async function makeOrigin(store: Store): Promise<void> {
  const { kind, vertex, coordinates } = store.selection.value;
  const surface = store.surface.value;
  if (coordinates === null || surface === null) return;
  const params = { kind, vertex, coordinates, spec: surface.spec };
  const { result } = await store.rpc("origin", params);
  goTo(store, result as number);
  const made = present(store);
  store.announcement.value = made === null ? `Origin ${result}` : `${originName(made)}.`;
}

/** Appends the selected point to `explorer.sent`; its position there. */
export async function send(store: Store, label: string): Promise<number> {
  const { kind, vertex, coordinates } = store.selection.value;
  const spec = store.surface.value?.spec;
  const { result } = await store.rpc("send", { kind, vertex, coordinates, spec, label });
  return result as number;
}

/** Why the selected point cannot be made the origin: null if it can, empty if there is no such thing here. */
export function whyNoOrigin(store: Store): string | null {
  const { kind, coordinates } = store.selection.value;
  if (store.source.value?.kind !== "objective" || !store.abilities.value.actions) return "";
  if (kind === "none" || coordinates === null) return "Nothing is selected";
  const surface = store.surface.value;
  if (surface === null || store.grid.value?.data !== surface) return "The surface is not finished yet";
  const { offset } = surface.spec;
  const still = offset.axis === null || offset.value === 0;
  return still && coordinates[0] === 0 && coordinates[1] === 0 ? "Planes start here already" : null;
}
