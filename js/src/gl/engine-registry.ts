import type { Engine } from "./engine";
import { createWebglEngine } from "./webgl-engine";

/** Bundles with the same engine source share one engine; `dev` without a build. */
const HASH = typeof ENGINE_HASH === "string" ? ENGINE_HASH : "dev";
const KEY = Symbol.for(`nblandscape.engine.${HASH}`);

type Published = { [KEY]?: Engine };

/**
 * The page's drawing engine, created by the first bundle that asks and shared by all later ones; null
 * without WebGL2. It goes away with its last surface.
 */
export function getEngine(): Engine | null {
  const page = globalThis as Published;
  const published = page[KEY];
  if (published) return published;
  const engine = createWebglEngine(() => {
    if (page[KEY] === engine) delete page[KEY];
  });
  if (engine) page[KEY] = engine;
  return engine;
}
