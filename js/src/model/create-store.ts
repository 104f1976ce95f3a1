import { batch, computed, signal } from "@preact/signals";
import { type AnyModel, isStatic, kernelState } from "./any-model";
import { type Assembly, addTile, assembledGrid, startAssembly } from "./assembly";
import { createChecks } from "./checks";
import { committedGrid, createResultCache } from "./committed";
import { back, emptyHistory, endDrag, forward, type History, record } from "./history";
import { createLanes, idleStatus, isRunning } from "./lanes";
import { covers, finiteRange, linspace, quadratic, resample } from "./preview";
import type {
  Frame,
  Incoming,
  Method,
  Selection,
  SourceData,
  Spec,
  SpectrumData,
  Status,
  SurfaceData,
  TreeData,
  ViewState,
} from "./protocol";
import { asPython } from "./python";
import { createRpc } from "./rpc";
import { NO_SELECTION, relocate } from "./selection";
import { simplify } from "./simplify";
import { applyChange, planeKey, sameContent, samplingKey } from "./spec";
import type { Abilities, Hover, LiveGrid, SpecChange, Store } from "./store";
import { cellAreas } from "./volumes";
import { assembleTree, float32, isSurface, isTree, treeColumns, uint32 } from "./wire";

/** Without a sign of life for so long after a request, the kernel counts as busy. */
const PATIENCE_MS = 1000;
/** A kernel that says it is idle and still does not answer for so long has lost this model. */
const LOST_MS = 5000;
const VIEW_SAVE_MS = 250;

export const DEFAULT_VIEW: ViewState = {
  yaw: 0.65,
  pitch: 0.65,
  zoom: 1,
  pan: [0, 0],
  exaggeration: 1,
  colormap: "viridis",
  contours: true,
};

const sameNumbers = (a: Float64Array, b: Float64Array): boolean =>
  a === b || (a.length === b.length && a.every((value, i) => value === b[i]));

export function createStore(model: AnyModel): Store {
  const trait = <T>(name: string): T | null => (model.get(name) as T | null | undefined) ?? null;
  const dictTrait = <T>(name: string): T | null => {
    const value = trait<T & object>(name);
    return value !== null && Object.keys(value).length > 0 ? value : null;
  };

  const spec = signal<Spec | null>(null);
  const source = signal<SourceData | null>(null);
  const spectrum = signal<SpectrumData | null>(null);
  const surface = signal<SurfaceData | null>(null);
  const treeData = signal<TreeData | null>(null);
  const selection = signal<Selection>(NO_SELECTION);
  const view = signal<ViewState>(DEFAULT_VIEW);
  const hover = signal<Hover>({ kind: "none", vertex: null, coordinates: null, loss: null, from: "surface" });
  const grid = signal<LiveGrid | null>(null);
  const frames = signal<number>(0);
  const height = signal("560px");
  const kernel = signal<"live" | "busy" | "none">(
    isStatic(model) || kernelState(model) === "none" ? "none" : "live",
  );
  const history = signal<History>(emptyHistory);
  const announcement = signal("");
  const lanes = createLanes();
  const rpc = createRpc((content) => model.send(content));
  const cache = createResultCache();
  const checks = createChecks(surface, (vertex) => call("polish", { vertex }));

  /** Answers to ids from here on are answers to the present sampling. */
  let epoch = 0;
  let assembly: Assembly | null = null;
  let revision = 0;
  /** Values of predictions: one array per shape, never one that came from the kernel. */
  let scratch: Float32Array | null = null;
  let patience: ReturnType<typeof setTimeout> | undefined;
  let viewTimer: ReturnType<typeof setTimeout> | undefined;
  let viewIsOurs = false;
  let measured: { x0: Float64Array; x1: Float64Array; areas: Float64Array } | null = null;
  const seen = new Map<string, unknown>();

  const threshold = computed(() => spec.value?.threshold ?? 0);
  const matchingTree = computed(() => {
    const [data, drawn] = [treeData.value, grid.value];
    // A tree alone, of any dimension, belongs to no grid.
    if (data !== null && drawn === null && surface.value === null && source.value === null) return data;
    if (data === null || drawn === null || drawn.state === "predicted") return null;
    const fits = data.shape[0] === drawn.n0 && data.shape[1] === drawn.n1;
    return fits && data.id >= shownFrom && data.id <= drawn.spec.id ? data : null;
  });
  const columns = computed(() => (matchingTree.value === null ? null : treeColumns(matchingTree.value)));
  /** Areas of the vertices; the same array for every picture of the same window. */
  const areas = computed<Float64Array | null>(() => {
    const drawn = grid.value;
    if (drawn === null) return null;
    if (measured !== null && sameNumbers(measured.x0, drawn.x0) && sameNumbers(measured.x1, drawn.x1))
      return measured.areas;
    measured = { x0: drawn.x0, x1: drawn.x1, areas: cellAreas(drawn) };
    return measured.areas;
  });
  const tree = computed(() =>
    matchingTree.value === null || columns.value === null
      ? null
      : simplify(matchingTree.value, threshold.value, columns.value, areas.value),
  );
  /** Lowest id whose tree belongs to the grid drawn. */
  let shownFrom = 0;

  const abilities = computed<Abilities>(() => {
    const alone = kernel.value === "none";
    const stills = frames.value > 1;
    const can = !alone || stills;
    const reason = can
      ? ""
      : isStatic(model)
        ? "This file holds one precomputed view. Open the notebook with a kernel to compute others."
        : "No kernel is connected. Run the cell again to compute other views.";
    return {
      axes: can && (source.value?.can_choose_axes ?? false),
      resample: can && (source.value?.can_resample ?? false),
      actions: !alone,
      reason,
    };
  });

  const canCheck = computed(() => {
    const { data } = grid.value ?? {};
    const kept = data !== undefined && data === surface.value;
    return kept && kernel.value !== "none" && source.value?.kind === "objective";
  });

  // ---- what is drawn -------------------------------------------------------------------------------------------

  function show(next: LiveGrid, from: number): void {
    shownFrom = from;
    grid.value = next;
  }

  /** Paints the wanted window from what is known already: an earlier result, the same plane's values, the quadratic form. */
  function predict(wanted: Spec): void {
    const stored = cache.get(wanted);
    if (stored !== undefined) {
      if (stored.tree !== null) treeData.value = { ...stored.tree, id: wanted.id };
      show(committedGrid(stored.surface, wanted, ++revision), wanted.id);
      return;
    }
    if (isStatic(model)) return;
    const center = source.value?.center ?? [0, 0];
    const [n0, n1] = wanted.points;
    const x0 = linspace(center[0] - wanted.span[0], center[0] + wanted.span[0], n0);
    const x1 = linspace(center[1] - wanted.span[1], center[1] + wanted.span[1], n1);
    const known = grid.value;
    if (scratch?.length !== n0 * n1) scratch = new Float32Array(n0 * n1);
    let base = known?.base ?? 0;
    let values: Float32Array | null = null;
    if (known !== null && known.state !== "predicted" && covers(known, wanted, center)) {
      values = resample(known, x0, x1, scratch);
    } else if (spectrum.value !== null && source.value?.kind !== "function") {
      values = quadratic(spectrum.value, wanted, x0, x1, scratch);
      base = spectrum.value.loss;
    }
    if (values === null) return;
    const moved = wanted.offset.axis !== null && wanted.offset.value !== 0;
    const withModel = source.value?.kind === "objective" && !moved;
    show(
      {
        spec: wanted,
        n0,
        n1,
        x0,
        x1,
        values,
        base,
        origin: withModel ? ((n0 - 1) >> 1) * n1 + ((n1 - 1) >> 1) : null,
        labels: known?.labels ?? ["", ""],
        quantity: known?.quantity ?? surface.value?.quantity ?? "loss",
        state: "predicted",
        range: finiteRange(values),
        revision: ++revision,
        known: 0,
      },
      wanted.id,
    );
  }

  /** Makes `next` the wanted state of the page. */
  function adopt(next: Spec): void {
    const before = spec.value;
    spec.value = next;
    const drawn = grid.value;
    if (before !== null && samplingKey(before) === samplingKey(next)) {
      if (drawn !== null && drawn.spec.id >= epoch) grid.value = { ...drawn, spec: next };
      return;
    }
    epoch = next.id;
    assembly = null;
    if (before !== null && planeKey(before) !== planeKey(next) && selection.value.kind !== "none") {
      select(NO_SELECTION);
    }
    predict(next);
  }

  // ---- from the kernel -----------------------------------------------------------------------------------------

  function alive(): void {
    clearTimeout(patience);
    patience = undefined;
    if (kernel.value === "busy" || (kernel.value === "none" && !isStatic(model))) kernel.value = "live";
  }

  function takeStatus(status: Status): void {
    const lane = lanes.of(status.lane);
    if (lane === lanes.surface && status.id < epoch && status.phase !== "error") return;
    lane.value = status;
  }

  function takeSurface(data: SurfaceData): void {
    const drawn = grid.value;
    const current = spec.value;
    surface.value = data;
    cache.put(data, treeData.value);
    const stale = data.id < epoch && drawn !== null && drawn.spec.id > data.id;
    if (stale) return;
    assembly = null;
    const label = current !== null && data.id >= epoch ? current : data.spec;
    show(committedGrid(data, label, ++revision), data.id);
    if (data.id >= epoch && tree.peek() !== null)
      select(relocate(selection.value, tree.peek(), grid.value), true);
  }

  /**
   * Reads every trait; only those that are another object than last time count. Order matters: spec first.
   * True if there is a new answer of the kernel among them.
   */
  function readTraits(): boolean {
    let answered = false;
    const fresh = (name: string): boolean => {
      const value = model.get(name);
      if (seen.has(name) && seen.get(name) === value) return false;
      seen.set(name, value);
      return true;
    };
    batch(() => {
      if (fresh("source")) source.value = dictTrait("source");
      if (fresh("height")) height.value = trait<string>("height") ?? height.value;
      if (fresh("frames")) frames.value = trait<Frame[]>("frames")?.length ?? 0;
      if (fresh("spectrum")) takeSpectrum(dictTrait("spectrum"));
      if (fresh("spec")) takeSpec(dictTrait("spec"));
      if (fresh("tree")) {
        const data = trait("tree");
        if (isTree(data)) treeData.value = data;
      }
      if (fresh("surface")) {
        const data = trait("surface");
        if (isSurface(data)) takeSurface(data);
        answered = true;
      }
      if (fresh("status")) {
        const status = dictTrait<Status>("status");
        if (status !== null) takeStatus(status);
        answered = true;
      }
      if (fresh("selection")) {
        const value = dictTrait<Selection>("selection");
        if (value !== null) selection.value = value;
      }
      if (fresh("view") && !viewIsOurs) view.value = { ...DEFAULT_VIEW, ...dictTrait<ViewState>("view") };
    });
    return answered;
  }

  function takeSpectrum(next: SpectrumData | null): void {
    spectrum.value = next;
    const wanted = spec.value;
    if (wanted !== null && (grid.value === null || grid.value.state === "predicted")) predict(wanted);
  }

  function takeSpec(next: Spec | null): void {
    const current = spec.value;
    if (next === null) return;
    if (current === null) {
      // First sight: a committed surface of the same sampling answers it, whatever its number.
      const data = trait("surface");
      epoch =
        isSurface(data) && samplingKey(data.spec) === samplingKey(next)
          ? Math.min(data.id, next.id)
          : next.id;
      spec.value = next;
      if (!isSurface(data)) predict(next);
      return;
    }
    if (next.id < current.id || (next.id === current.id && sameContent(next, current))) return;
    if (next.id > current.id) history.value = record(history.value, current, false);
    adopt(next);
  }

  function receive(message: Incoming, buffers: DataView[] = []): void {
    alive();
    batch(() => {
      switch (message.kind) {
        case "begin":
          begin(message);
          break;
        case "tile":
          tile(message, buffers);
          break;
        case "tree":
          if (message.id >= epoch) treeData.value = assembleTree(message.tree, message.columns, buffers);
          break;
        case "progress":
          takeStatus(message.status);
          break;
        case "spectrum":
          takeSpectrum(message.spectrum);
          break;
        case "reply":
          rpc.reply(message, buffers);
          break;
      }
    });
  }

  function begin(message: Extract<Incoming, { kind: "begin" }>): void {
    if (spec.value === null || message.id > spec.value.id) takeSpec(message.spec);
    const drawn = grid.value;
    // Nothing of the wanted window can be predicted: an older answer that is newer than the picture is still news.
    const catchUp = drawn === null || (drawn.spec.id < epoch && message.id > drawn.spec.id);
    if (message.id < epoch && !catchUp) return;
    // An earlier result of the same sampling is drawn; it stays until the new one is committed.
    if (drawn?.state === "final" && message.id >= epoch && drawn.spec.id >= epoch) return;
    const fits =
      drawn?.state === "predicted" && drawn.n0 === message.shape[0] && drawn.n1 === message.shape[1];
    const shift = fits ? drawn.base - message.base : 0;
    assembly = startAssembly(message, fits ? drawn.values.map((v) => v + shift) : null);
  }

  function tile(message: Extract<Incoming, { kind: "tile" }>, buffers: DataView[]): void {
    const current = spec.value;
    if (assembly === null || assembly.id !== message.id || current === null) return;
    const [vertices, values] = buffers;
    if (vertices === undefined || values === undefined)
      throw new RangeError("tile message: two buffers expected");
    addTile(assembly, message, uint32(vertices), float32(values));
    const job = lanes.surface.value;
    if (message.id >= epoch && message.id >= job.id) {
      const phase = job.id === message.id && !isRunning(job) ? job.phase : "running";
      const { id, done, total, eta } = message;
      lanes.surface.value = { id, lane: "surface", phase, done, total, eta, message: job.message };
    }
    // Before the first level is complete there is only something to draw if there was a prediction.
    if (assembly.complete === null && grid.value?.state !== "predicted") return;
    const label = message.id >= epoch ? current : assembly.begin.spec;
    show({ ...assembledGrid(assembly, ++revision), spec: label }, Math.min(epoch, message.id));
  }

  // ---- from the user -------------------------------------------------------------------------------------------

  function write(next: Spec): void {
    const sampled = spec.value !== null && samplingKey(spec.value) !== samplingKey(next);
    batch(() => {
      adopt(next);
      if (sampled && kernel.value !== "none") {
        lanes.surface.value = { ...idleStatus("surface"), id: next.id, phase: "queued" };
        patience ??= setTimeout(outOfPatience, PATIENCE_MS);
      }
    });
    seen.set("spec", next);
    model.set("spec", next);
    model.save_changes();
  }

  function outOfPatience(): void {
    const state = kernelState(model);
    kernel.value = state === "none" ? "none" : "busy";
    patience = state === "idle" ? setTimeout(giveUp, LOST_MS - PATIENCE_MS) : undefined;
  }

  function giveUp(): void {
    patience = undefined;
    if (kernelState(model) !== "idle") return;
    kernel.value = "none";
    lanes.surface.value = idleStatus("surface");
  }

  function request(change: SpecChange, { transient = false }: { transient?: boolean } = {}): void {
    const current = spec.value;
    if (current === null) return;
    const next = applyChange(current, change);
    if (sameContent(current, next)) return;
    history.value = record(history.value, current, transient);
    write(next);
  }

  function settle(): void {
    if (spec.value !== null) history.value = endDrag(history.value, spec.value);
  }

  function travel(step: typeof back): void {
    const current = spec.value;
    if (current === null) return;
    const found = step(endDrag(history.value, current), current);
    if (found === null) return;
    history.value = found[0];
    write({ ...found[1], id: current.id + 1 });
  }

  function select(next: Selection, silent = false): void {
    if (JSON.stringify(next) === JSON.stringify(selection.value)) return;
    selection.value = next;
    if (silent && isStatic(model)) return;
    seen.set("selection", next);
    model.set("selection", next);
    model.save_changes();
  }

  function saveView(): void {
    viewTimer = undefined;
    viewIsOurs = false;
    seen.set("view", view.value);
    model.set("view", view.value);
    model.save_changes();
  }

  function setView(change: Partial<ViewState>): void {
    view.value = { ...view.value, ...change };
    viewIsOurs = true;
    viewTimer ??= setTimeout(saveView, VIEW_SAVE_MS);
  }

  function cancel(): void {
    const current = spec.value;
    if (kernel.value === "none") return;
    const upto = current?.id ?? 0;
    model.send({ kind: "cancel", upto });
    if (kernel.value === "busy" || lanes.surface.value.phase === "queued") {
      lanes.surface.value = { ...lanes.surface.value, phase: "cancelled", message: "" };
      alive();
    }
  }

  function call(method: Method, params: object) {
    return kernel.value === "none"
      ? Promise.reject(new Error(abilities.value.reason || "No kernel is connected."))
      : rpc.call(method, params);
  }

  /** A message that cannot be read must be seen, not only logged. */
  const onMessage = (message: Incoming, buffers?: DataView[]) => {
    try {
      receive(message, buffers);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      lanes.surface.value = {
        ...lanes.surface.value,
        phase: "error",
        message: `Unreadable message: ${text}`,
      };
      console.error("[nblandscape]", error);
    }
  };
  // What is read at first says nothing about the kernel: a saved notebook holds it too.
  const onChange = () => {
    if (readTraits()) alive();
  };
  const events = [
    "spec",
    "source",
    "spectrum",
    "surface",
    "tree",
    "status",
    "selection",
    "view",
    "height",
    "frames",
  ];
  for (const name of events) model.on(`change:${name}`, onChange);
  model.on("msg:custom", onMessage);
  readTraits();
  if (
    !isStatic(model) &&
    [lanes.surface, lanes.spectrum, lanes.action].some((lane) => isRunning(lane.value))
  ) {
    model.send({ kind: "resync" });
  }

  return {
    spec,
    source,
    spectrum,
    surface,
    status: lanes.surface,
    spectrumStatus: lanes.spectrum,
    actionStatus: lanes.action,
    selection,
    view,
    hover,
    grid,
    tree,
    kernel,
    height,
    abilities,
    canCheck,
    announcement,
    canUndo: computed(() => history.value.past.length > 0),
    canRedo: computed(() => history.value.future.length > 0),
    request,
    settle,
    undo: () => travel(back),
    redo: () => travel(forward),
    resetView: () => {
      const { yaw, pitch, zoom, pan } = DEFAULT_VIEW;
      setView({ yaw: surface.value?.facing ?? yaw, pitch, zoom, pan });
    },
    cancel,
    select,
    setView,
    rpc: call,
    checkOf: checks.of,
    check: (vertex) => void checks.start(vertex),
    asPython: () => asPython(source.value, spec.value),
    dispose(): void {
      clearTimeout(patience);
      clearTimeout(viewTimer);
      rpc.dispose();
      for (const name of events) model.off(`change:${name}`, onChange);
      model.off("msg:custom", onMessage as (...args: never[]) => void);
    },
  };
}
