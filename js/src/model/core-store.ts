import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type AnyModel, isStatic, kernelState } from "./any-model";
import { back, emptyHistory, endDrag, forward, type History, record } from "./history";
import { createLanes } from "./lanes";
import type {
  Frame,
  Selection,
  SourceData,
  Spec,
  SpectrumData,
  Status,
  SurfaceData,
  TreeData,
  ViewState,
} from "./protocol";
import { NO_SELECTION, nothing } from "./selection";
import { simplify } from "./simplify";
import { applyChange, sameContent, samplingKey } from "./spec";
import type { Hover, LiveGrid, LiveTree, SpecChange, Store } from "./store";
import { isSurface, isTree, treeColumns } from "./wire";

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

/** What the store and the part that answers it share. */
export interface Core {
  readonly model: AnyModel;
  readonly spec: Signal<Spec | null>;
  readonly source: Signal<SourceData | null>;
  readonly spectrum: Signal<SpectrumData | null>;
  readonly surface: Signal<SurfaceData | null>;
  readonly treeData: Signal<TreeData | null>;
  readonly tree: ReadonlySignal<LiveTree | null>;
  readonly selection: Signal<Selection>;
  readonly grid: Signal<LiveGrid | null>;
  readonly frames: Signal<number>;
  readonly kernel: Store["kernel"];
  readonly lanes: ReturnType<typeof createLanes>;
  /** The trait as it is now. */
  trait<T>(name: string): T | null;
  takeSpec(next: Spec): void;
  takeSpectrum(next: SpectrumData | null): void;
  /** `silent`: of no interest to a file without a kernel. */
  select(next: Selection, silent?: boolean): void;
}

/**
 * What a store does besides keeping what it was given: drawing windows that nobody has computed yet, and talking
 * to a kernel. An entry plugs it in, so that views without a kernel's answers do not carry it.
 */
export interface Answers
  extends Pick<Store, "abilities" | "canCheck" | "cancel" | "rpc" | "checkOf" | "check"> {
  /** The tree that belongs to what is drawn. */
  matching(data: TreeData): TreeData | null;
  /** The first spec that is seen. */
  began(spec: Spec): void;
  /** `next` has become the wanted state in place of `before`. */
  adopted(next: Spec, before: Spec | null): void;
  /** The reader has asked for `next`. */
  asked(next: Spec, before: Spec | null): void;
  tookSpectrum(): void;
  takeSurface(data: SurfaceData): void;
  takeStatus(status: Status): void;
  /** The traits bring news of the kernel. */
  alive(): void;
  /** Every trait has been read once. */
  start(): void;
  dispose(): void;
}

const TRAITS = [
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
] as const;

/** All state of the page for one model. */
export function createCore(model: AnyModel, createAnswers: (core: Core) => Answers): Store {
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
  const hover = signal<Hover>(nothing("surface"));
  const grid = signal<LiveGrid | null>(null);
  const frames = signal<number>(0);
  const height = signal("560px");
  const kernel = signal<"live" | "busy" | "none">(
    isStatic(model) || kernelState(model) === "none" ? "none" : "live",
  );
  const history = signal<History>(emptyHistory);
  const announcement = signal("");
  const lanes = createLanes();

  let viewTimer: ReturnType<typeof setTimeout> | undefined;
  let viewIsOurs = false;
  const seen = new Map<string, unknown>();
  const others = new Map<string, Signal<unknown>>();

  const threshold = computed(() => spec.value?.threshold ?? 0);
  const matchingTree = computed(() => (treeData.value === null ? null : answers.matching(treeData.value)));
  const columns = computed(() => (matchingTree.value === null ? null : treeColumns(matchingTree.value)));
  const tree = computed(() =>
    matchingTree.value === null || columns.value === null
      ? null
      : simplify(matchingTree.value, threshold.value, columns.value),
  );

  const core: Core = {
    model,
    spec,
    source,
    spectrum,
    surface,
    treeData,
    tree,
    selection,
    grid,
    frames,
    kernel,
    lanes,
    trait,
    takeSpec,
    takeSpectrum,
    select,
  };
  const answers = createAnswers(core);
  const { abilities, canCheck, cancel, rpc, checkOf, check } = answers;

  // ---- from the kernel -----------------------------------------------------------------------------------------

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
      if (fresh("spec")) {
        const next = dictTrait<Spec>("spec");
        if (next !== null) takeSpec(next);
      }
      if (fresh("tree")) {
        const data = trait("tree");
        if (isTree(data)) treeData.value = data;
      }
      if (fresh("surface")) {
        const data = trait("surface");
        if (isSurface(data)) answers.takeSurface(data);
        answered = true;
      }
      if (fresh("status")) {
        const status = dictTrait<Status>("status");
        if (status !== null) answers.takeStatus(status);
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
    answers.tookSpectrum();
  }

  function takeSpec(next: Spec): void {
    const current = spec.value;
    if (current === null) {
      spec.value = next;
      answers.began(next);
      return;
    }
    if (next.id < current.id || (next.id === current.id && sameContent(next, current))) return;
    if (next.id > current.id) history.value = record(history.value, current, false);
    adopt(next);
  }

  /** Makes `next` the wanted state of the page. */
  function adopt(next: Spec): void {
    const before = spec.value;
    spec.value = next;
    // What is pointed at has another loss there, or is not there at all.
    const moved = before !== null && samplingKey(before) !== samplingKey(next);
    if (moved && hover.peek().kind !== "none") hover.value = nothing("surface");
    answers.adopted(next, before);
  }

  // ---- from the user -------------------------------------------------------------------------------------------

  /** Without a kernel it is kept here only: the host would report that it cannot send. */
  function save(name: string, value: unknown): void {
    seen.set(name, value);
    model.set(name, value);
    if (kernelState(model) !== "none") model.save_changes();
  }

  function write(next: Spec): void {
    const before = spec.value;
    batch(() => {
      adopt(next);
      answers.asked(next, before);
    });
    save("spec", next);
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
    save("selection", next);
  }

  function saveView(): void {
    viewTimer = undefined;
    viewIsOurs = false;
    save("view", view.value);
  }

  function setView(change: Partial<ViewState>): void {
    view.value = { ...view.value, ...change };
    viewIsOurs = true;
    viewTimer ??= setTimeout(saveView, VIEW_SAVE_MS);
  }

  /** What a part of the explorer keeps in a trait of its own. */
  function traitSignal<T extends object>(name: string): ReadonlySignal<T | null> {
    let found = others.get(name);
    if (found === undefined) {
      found = signal<unknown>(dictTrait(name));
      others.set(name, found);
      model.on(`change:${name}`, readOthers);
    }
    return found as Signal<T | null>;
  }

  function readOthers(): void {
    batch(() => {
      for (const [name, value] of others) value.value = dictTrait(name);
    });
  }

  // What is read at first says nothing about the kernel: a saved notebook holds it too.
  const onChange = () => {
    if (readTraits()) answers.alive();
  };
  for (const name of TRAITS) model.on(`change:${name}`, onChange);
  readTraits();
  answers.start();

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
    trait: traitSignal,
    request,
    settle,
    undo: () => travel(back),
    redo: () => travel(forward),
    resetView: () => {
      const { yaw, pitch, zoom, pan } = DEFAULT_VIEW;
      setView({ yaw: surface.value?.facing ?? yaw, pitch, zoom, pan });
    },
    cancel,
    again(): void {
      if (spec.value !== null) write({ ...spec.value, id: spec.value.id + 1 });
    },
    select,
    setView,
    rpc,
    checkOf,
    check,
    dispose(): void {
      clearTimeout(viewTimer);
      answers.dispose();
      for (const name of TRAITS) model.off(`change:${name}`, onChange);
      for (const name of others.keys()) model.off(`change:${name}`, readOthers);
    },
  };
}
