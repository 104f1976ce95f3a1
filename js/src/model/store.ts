import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Check } from "./checks";
import type {
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

/** The surface as drawn now: committed, streaming, or predicted from the eigenpairs. */
export interface LiveGrid {
  /** The spec that it answers. */
  spec: Spec;
  n0: number;
  n1: number;
  x0: Float64Array;
  x1: Float64Array;
  /** Loss - base; NaN = hole. While streaming, vertices not yet evaluated are interpolated. Reused between revisions. */
  values: Float32Array;
  base: number;
  origin: number | null;
  labels: [string, string];
  quantity: string;
  /** "predicted": the quadratic preview; "partial": some vertices are interpolated; "final". */
  state: "predicted" | "partial" | "final";
  /** Lowest and highest finite value. */
  range: [number, number];
  /** Changes with every change of `values`. */
  revision: number;
  /** Share of vertices that are real values, 0…1. */
  known: number;
  /** The kernel's answer that this is; absent in predictions and parts. */
  data?: SurfaceData;
}

/** What the per-batch losses say about a pair. */
export interface Evidence {
  supported: boolean;
  /** Standard error of the persistence over batches. */
  stderr: number;
  /** Interpolation residual of the cells around minimum and saddle. */
  residual: number;
  /** Persistence that a supported pair must exceed; NaN = not known. */
  margin: number;
  /** Share of the resampled trees that have the pair; NaN = not known. */
  frequency: number;
}

/** A branch of the merge tree as displayed (already simplified). */
export interface Branch {
  /** Row in TreeData. */
  row: number;
  birthVertex: number;
  birth: number;
  /** -1 and Infinity for the essential branch. */
  deathVertex: number;
  death: number;
  persistence: number;
  /** Row of the surviving branch it merges into, -1 for the essential one. */
  parent: number;
  /** Share of the domain that lies in this branch's basin; see `simplify`. */
  share: number;
  /** Absent where no error is known. */
  evidence?: Evidence;
}

export interface LiveTree {
  tree: TreeData;
  /** Branches whose persistence is >= spec.threshold, essential first, falling persistence. */
  branches: Branch[];
  /** Number of branches before simplification. */
  total: number;
  /** Largest finite persistence before simplification (0 if there is none). */
  maxPersistence: number;
  /** Row of the surviving branch for every vertex; -1 = hole. */
  basins: Int32Array;
  /** Saddle-Minimum Average Distance of the displayed tree: mean over leaves of first merge - birth; 0 with one leaf. */
  smad: number;
  /** The displayed branches that the data supports: their number, SMAD of the tree of them alone, and what that rests on. Absent if not known. */
  supported?: { count: number; smad: number; basis: string };
  /** A threshold worth trying, and why. */
  proposal?: { value: number; reason: string };
}

export type SpecChange = Partial<Omit<Spec, "id">>;

/** What is being pointed at, in any panel. */
export interface Hover {
  kind: "none" | "vertex" | "minimum" | "saddle";
  vertex: number | null;
  coordinates: Selection["coordinates"];
  loss: number | null;
  /** Where it comes from, so that the origin of a hover does not react to itself. */
  from: "surface" | "tree";
}

export interface Abilities {
  /** Another plane can be shown: chosen axes, offset. */
  axes: boolean;
  /** Another window or resolution can be shown. */
  resample: boolean;
  /** Actions of the kernel (more eigenpairs, export) can be called. */
  actions: boolean;
  /** Why something is disabled; empty if nothing is. */
  reason: string;
}

/** One per model, shared by all views of it. All state of the page is here; views only render and call methods. */
export interface Store {
  readonly spec: Signal<Spec | null>;
  readonly source: Signal<SourceData | null>;
  readonly spectrum: Signal<SpectrumData | null>;
  readonly surface: Signal<SurfaceData | null>;
  /** The surface's lane. */
  readonly status: Signal<Status>;
  /** The other lanes: eigenpairs under way, actions under way. */
  readonly spectrumStatus: Signal<Status>;
  readonly actionStatus: Signal<Status>;
  readonly selection: Signal<Selection>;
  readonly view: Signal<ViewState>;
  readonly hover: Signal<Hover>;
  readonly grid: Signal<LiveGrid | null>;
  /** Losses that heights and colours span, where several surfaces are compared; null or missing = those of the grid. */
  readonly range?: ReadonlySignal<[number, number] | null>;
  readonly tree: ReadonlySignal<LiveTree | null>;
  /** "live" | "busy" (no answer for a second) | "none" (exported file or no kernel). */
  readonly kernel: Signal<"live" | "busy" | "none">;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canRedo: ReadonlySignal<boolean>;
  /** CSS length of the explorer. */
  readonly height: Signal<string>;
  /** Which controls can do anything, and if not, why. */
  readonly abilities: ReadonlySignal<Abilities>;
  /** Whether the critical points of what is drawn can be checked with the real loss. */
  readonly canCheck: ReadonlySignal<boolean>;
  /** Text for the polite live region. */
  readonly announcement: Signal<string>;
  /** A synced trait that only one part of the explorer reads, as it is now; null = absent or empty. */
  trait<T extends object>(name: string): ReadonlySignal<T | null>;

  /** Changes the wanted state; `transient` (a drag) makes one undo step of a whole drag. Paints a preview at once. */
  request(change: SpecChange, options?: { transient?: boolean }): void;
  /** Ends a drag: the next request starts a new undo step. */
  settle(): void;
  undo(): void;
  redo(): void;
  resetView(): void;
  cancel(): void;
  /** Asks once more for what was cancelled. */
  again(): void;
  select(selection: Selection): void;
  setView(change: Partial<ViewState>): void;
  /** An action of the kernel; rejects with the kernel's error text. */
  rpc(method: Method, params: object): Promise<{ result: unknown; buffers: DataView[] }>;
  /** How the check of the critical point at a vertex of the present surface stands; null = not asked for. */
  checkOf(vertex: number): Check | null;
  /** Asks the kernel to make a critical point of the present surface exact, and what it is of the loss. */
  check(vertex: number): void;
  dispose(): void;
}
