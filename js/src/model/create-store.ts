import { createAnswers } from "./answers";
import type { AnyModel } from "./any-model";
import { createCore } from "./core-store";
import type { Store } from "./store";

/** One store per model, with everything that the explorer needs. */
export const createStore = (model: AnyModel): Store => createCore(model, createAnswers);
