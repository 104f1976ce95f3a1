import { computed, signal } from "@preact/signals";
import { render } from "preact";
import type { Selection, Spec, Status } from "../src/model/protocol";
import type { Hover, LiveGrid, Store } from "../src/model/store";
import { adoptStyles, watchTheme } from "../src/theme";
import { SurfacePanel, surfaceStyles } from "../src/views/surface";
import { makeGrid, makeTree } from "./scenes";

/** A store without a kernel: the real signals, and actions that only touch the page. */
function createPageStore(grid: LiveGrid, threshold: number, scale: Spec["scale"], pitch: number): Store {
  const home = { yaw: -0.65, pitch, zoom: 1, pan: [0, 0] as [number, number], exaggeration: 1 };
  const spec = signal<Spec | null>({ ...grid.spec, threshold, scale });
  const live = signal<LiveGrid | null>(grid);
  const view = signal<Store["view"]["value"]>({ ...home, colormap: "viridis", contours: true });
  const selection = signal<Selection>({ kind: "none", vertex: null, coordinates: null, loss: null });
  const hover = signal<Hover>({ kind: "none", vertex: null, coordinates: null, loss: null, from: "surface" });
  const tree = computed(() => (live.value ? makeTree(live.value, threshold) : null));
  const none = () => undefined;
  const setView: Store["setView"] = (change) => {
    view.value = { ...view.value, ...change };
  };
  return {
    spec,
    source: signal(null),
    spectrum: signal(null),
    surface: signal(null),
    status: signal({} as Status),
    selection,
    view,
    hover,
    grid: live,
    tree,
    kernel: signal("none" as const),
    canUndo: signal(false),
    canRedo: signal(false),
    announcement: signal(""),
    request: none,
    settle: none,
    undo: none,
    redo: none,
    cancel: none,
    resetView: () => setView(home),
    select: (next) => {
      selection.value = next;
    },
    setView,
    rpc: () => Promise.reject(new Error("no kernel")),
    dispose: none,
  } as unknown as Store;
}

/** Puts one panel into the page; returns its store and host for scripts. */
function mount(query: URLSearchParams) {
  const scene = query.get("scene") ?? "himmelblau";
  const dark = query.get("dark") === "1";
  document.body.dataset.jpThemeLight = String(!dark);
  const host = document.createElement("div");
  const [width, height] = [query.get("width") ?? "800", query.get("height") ?? "560"];
  Object.assign(host.style, {
    width: `${width}px`,
    height: `${height}px`,
    float: "left",
    overflow: "hidden",
  });
  document.body.append(host);
  document.body.style.background = dark ? "#14161a" : "#ffffff";
  const root = host.attachShadow({ mode: "open" });
  adoptStyles(root, [surfaceStyles]);
  watchTheme(host);
  const grid = makeGrid(scene, (query.get("state") ?? "final") as LiveGrid["state"]);
  const scale = (query.get("scale") ?? "linear") as Spec["scale"];
  const store = createPageStore(
    grid,
    Number(query.get("threshold") ?? 0.3),
    scale,
    Number(query.get("pitch") ?? 0.7),
  );
  store.setView({ colormap: (query.get("map") ?? "viridis") as "viridis" });
  if (query.get("select")) {
    const branch = store.tree.value!.branches[Number(query.get("select"))]!;
    const [i, j] = [Math.floor(branch.birthVertex / grid.n1), branch.birthVertex % grid.n1];
    store.select({
      kind: "minimum",
      vertex: branch.birthVertex,
      coordinates: [grid.x0[i]!, grid.x1[j]!],
      loss: branch.birth,
    });
  }
  const box = document.createElement("div");
  box.className = "nbl";
  box.style.height = "100%";
  root.append(box);
  render(<SurfacePanel store={store} />, box);
  return { store, host, root };
}

(globalThis as unknown as { mount: typeof mount }).mount = mount;
if (location.protocol === "file:" || location.port) mount(new URLSearchParams(location.search));
