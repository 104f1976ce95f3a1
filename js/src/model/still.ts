import { signal } from "@preact/signals";
import type { AnyModel } from "./any-model";
import { type Answers, createCore } from "./core-store";
import type { Store } from "./store";

const nothing = () => {};

/** Of a view that shows what it was given and asks no kernel for more. */
const STILL: Answers = {
  abilities: signal({ axes: false, resample: false, actions: false, reason: "" }),
  canCheck: signal(false),
  matching: (data) => data,
  began: nothing,
  adopted: nothing,
  asked: nothing,
  tookSpectrum: nothing,
  takeSurface: nothing,
  takeStatus: nothing,
  alive: nothing,
  start: nothing,
  cancel: nothing,
  rpc: () => Promise.reject(new Error("This view asks no kernel.")),
  checkOf: () => null,
  check: nothing,
  dispose: nothing,
};

/** The store of a view whose traits are all there is, such as a merge tree alone. */
export const createStillStore = (model: AnyModel): Store => createCore(model, () => STILL);
