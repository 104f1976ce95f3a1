import { type ComponentType, render } from "preact";
import { createKeyGuard } from "../a11y/keymap";
import type { AnyModel } from "../model/any-model";
import { isStatic } from "../model/any-model";
import type { Store } from "../model/store";
import { adoptStyles, watchTheme } from "../theme";
import { ErrorBoundary, ErrorNote } from "./error-boundary";
import { hideFallbackPicture } from "./fallback-picture";

interface HookProps {
  model: AnyModel;
  /** Since anywidget 0.11; earlier versions only call the returned function. */
  signal?: AbortSignal;
}

interface RenderProps extends HookProps {
  el: HTMLElement;
}

interface WidgetHooks {
  initialize(props: HookProps): () => void;
  render(props: RenderProps): () => void;
}

/** The default export of a bundle: a factory, since hosts differ in how often they evaluate a module. */
export function defineWidget(
  name: string,
  Panel: ComponentType<{ store: Store }>,
  styles: readonly string[],
  createStore: (model: AnyModel) => Store,
): () => WidgetHooks {
  return () => {
    // Hosts wrap the model anew for each hook, so one factory call that has seen one model means that model.
    const stores = new Map<AnyModel, Store>();
    const find = (model: AnyModel) =>
      stores.get(model) ?? (stores.size === 1 ? [...stores.values()][0] : undefined);

    const initialize = ({ model, signal }: HookProps) => {
      const store = createStore(model);
      stores.set(model, store);
      return once(() => {
        stores.delete(model);
        store.dispose();
      }, signal);
    };

    return {
      initialize,
      render({ model, el, signal }) {
        let own: (() => void) | undefined;
        let store: Store | undefined;
        let failure: unknown;
        try {
          store = find(model);
          if (store === undefined) {
            own = initialize({ model });
            store = stores.get(model);
          }
        } catch (error) {
          failure = error;
        }
        const unmount = mount(name, el, Panel, styles, store, failure);
        const restore = isStatic(model) ? undefined : hideFallbackPicture(el);
        return once(() => {
          unmount();
          restore?.();
          own?.();
        }, signal);
      },
    };
  };
}

/** Runs at most once, whether the host calls it or aborts the signal. */
function once(cleanup: () => void, signal: AbortSignal | undefined): () => void {
  let done = false;
  const run = () => {
    if (done) return;
    done = true;
    signal?.removeEventListener("abort", run);
    cleanup();
  };
  signal?.addEventListener("abort", run, { once: true });
  return run;
}

function mount(
  name: string,
  el: HTMLElement,
  Panel: ComponentType<{ store: Store }>,
  styles: readonly string[],
  store: Store | undefined,
  failure: unknown,
): () => void {
  const host = document.createElement("div");
  host.className = "nblandscape-widget";
  host.dataset.nblWidget = name;
  // On the host: events are retargeted to it, so JupyterLab never sees what lies inside.
  host.setAttribute("data-lm-suppress-shortcuts", "true");
  host.setAttribute("data-jp-suppress-context-menu", "true");
  el.append(host);
  const root = host.attachShadow({ mode: "open" });
  adoptStyles(root, styles);
  const unwatch = watchTheme(host);
  const unguard = store === undefined ? () => {} : createKeyGuard(host, store);
  const stage = document.createElement("div");
  stage.className = "nbl-stage";
  root.append(stage);
  render(
    store === undefined ? (
      <ErrorNote error={failure} />
    ) : (
      <ErrorBoundary>
        <Panel store={store} />
      </ErrorBoundary>
    ),
    stage,
  );
  return () => {
    render(null, stage);
    unguard();
    unwatch();
    host.remove();
  };
}
