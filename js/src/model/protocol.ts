/**
 * What travels between the kernel and the page. `nblandscape/widgets/_channel.py` and `_wire.py`
 * are the other half; `tests/data/protocol/*.json` holds samples that both halves decode in tests.
 *
 * Traits hold everything needed to redraw without a kernel. Messages carry progress and actions.
 * Arrays are little-endian `DataView`s in C order ("ij": vertex = i0 * shape[1] + i1).
 */

/** The wanted state. One synced trait, written by either side; a newer `id` replaces an older one. */
export interface Spec {
  id: number;
  /** Python-style indices into `SpectrumData.values`: 0, 1, … from the largest, -1, -2, … from the smallest. */
  axes: [number, number];
  /** The plane is moved by `value` along the eigenvector `axis`; null = the plane through the model. */
  offset: { axis: number | null; value: number };
  /** Half-width of the window along each axis, in parameter displacement (or in units of x, y). */
  span: [number, number];
  /** Vertices along each axis. */
  points: [number, number];
  scale: Scale;
  /** Persistence threshold in loss units: shallower minima are merged into their parents. */
  threshold: number;
  /** Where the plane starts: missing or 0 = the model, n = the n-th point that was made the origin. */
  origin?: number;
}

/** How eigenpairs were computed: the calls of `hessian_spectrum`, and what the first of them began with. */
export interface Recipe {
  /** "parent": the eigenpairs of the plane that the origin was chosen in; "earlier": those of earlier weights. */
  start: "none" | "parent" | "given" | "earlier";
  steps: { largest: number; smallest: number; tol: number; seed: number }[];
}

/** A point that was made the origin of further planes. */
export interface OriginData {
  number: number;
  kind: Selection["kind"];
  /** Its coordinates in the plane that it was selected in, and the window that was shown then. */
  at: [number, number];
  spec: Spec;
  loss: number;
  /** Norm of its displacement from the model in the space of the parameters. */
  distance: number;
  /** How the eigenpairs of that plane were computed. */
  recipe: Recipe;
  /** Whether the kernel can still compute there. */
  kept: boolean;
}

/** Where the model lies as seen from a plane: its projection, its distance, inner products of the directions. */
export interface ModelPlace {
  at: [number, number];
  apart: number;
  gram: [[number, number], [number, number]];
}

/** Of the loss; "symlog" is linear about 0 and logarithmic beyond, on both sides. */
export type Scale = "linear" | "log" | "symlog";

/** What is explored; which controls make sense. */
export interface SourceData {
  kind: "objective" | "function" | "landscape";
  title: string;
  /** One line below the title, e.g. "5 514 parameters · CrossEntropyLoss · 1 437 samples". */
  subtitle: string;
  /** Name of the variable used by 'copy as Python'. */
  variable: string;
  /** Whether the kernel can compute other planes / windows of this source. */
  can_choose_axes: boolean;
  can_resample: boolean;
  /** Middle of the window. */
  center: [number, number];
  /** Smallest and largest half-width that the range slider offers. */
  span_limits: [number, number];
  points_choices: number[];
  /** What a point has cost so far, for predictions; 0 where nothing is computed. Older files lack it. */
  point_seconds?: number;
  /** The whole window of a function of three numbers. */
  bounds?: [number, number][];
  /** A sentence such as "The model has changed since"; empty if there is nothing to say. */
  notice: string;
  /** Points that were made an origin. Older files lack them. */
  origins?: OriginData[];
}

export interface SpectrumData {
  /** Descending. */
  values: number[];
  residuals: number[];
  converged: boolean[];
  resolved: boolean[];
  /** gᵀv for each eigenvector: with the eigenvalues, all that the quadratic preview needs. */
  slopes: number[];
  loss: number;
  /** Estimate of the spectral norm of the Hessian, gradient norm, parameters. */
  norm: number;
  gradient_norm: number;
  parameters: number;
  products: number;
  /** How many of `values` were asked for from the upper and from the lower end. */
  largest: number;
  smallest: number;
  complete: boolean;
  /** One sample of the spectral density; null after a warm start, which tells nothing of it. Older files lack it. */
  density?: SpectrumDensity | null;
  /** Where they were computed; -1 while a new origin is being made. */
  origin?: number;
}

/** Gauss quadrature of the density of all eigenvalues: weights sum to 1. */
export interface SpectrumDensity {
  nodes: number[];
  weights: number[];
}

export interface SurfaceData {
  /** `Spec.id` that this answers. */
  id: number;
  /** The spec it was computed for. */
  spec: Spec;
  shape: [number, number];
  /** Float64 coordinates of the vertices along each axis. */
  x0: DataView;
  x1: DataView;
  /** Float32 loss minus `base`; NaN = hole. */
  values: DataView;
  /** Added to `values` gives the loss. */
  base: number;
  /** Vertex of the model itself, if it lies in this plane. */
  origin: number | null;
  labels: [string, string];
  /** What the height is, e.g. "cross-entropy loss". */
  quantity: string;
  holes: number;
  /** Float32 standard error of each value over the batches. Comparisons have it, where there are batches. */
  stderr?: DataView;
  /** Sentences that a reader of this surface must know. Older files lack them. */
  concerns?: string[];
  /** Yaw from which no wall hides a valley. */
  facing?: number;
  /** Seconds spent. */
  seconds: number;
  /** Float32 values of the objective's metrics, by name. */
  metrics?: Record<string, DataView>;
  /** Absent where no model is known. */
  model?: ModelPlace;
  /** How the eigenvectors of the axes were computed. */
  recipe?: Recipe;
}

/** Row i of every column belongs to minimum i; `basins` holds those row numbers. Essential pairs come first, then falling persistence. */
export interface TreeData {
  id: number;
  shape: [number, number];
  /** Uint32 vertices; 0xffffffff as death = essential. */
  birth_vertex: DataView;
  death_vertex: DataView;
  /** Float64 losses; Infinity as death = essential. */
  birth: DataView;
  death: DataView;
  /** Int32 row of the branch it merges into; -1 = essential. */
  parent: DataView;
  /** Int32 row of the basin across the pass at its death, where a simplified basin spills to; -1 = essential. Older files lack it: as `parent`. */
  beside?: DataView;
  /** Float64 volume per row of its basin: of the cells around its vertices. Older files lack it. */
  volumes?: DataView;
  /** Row number per vertex; all bits set = hole. */
  basins: DataView;
  basins_type: "uint16" | "uint32";
  /** Uint8 per row: 1 = supported by the data. Trees without per-batch losses, and older files, lack the support. */
  supported?: DataView;
  /** Float64 per row: standard error of L(death) - L(birth) over batches, and the interpolation residual around both. */
  stderr?: DataView;
  residual?: DataView;
  /** Float64 per row: share of the resampled trees that have the pair. */
  frequency?: DataView;
  /** A pair is supported if its persistence exceeds `factor` standard errors plus the residual. */
  factor?: number;
  /** What the support rests on, in words. */
  basis?: string;
  /** A proposed persistence threshold and why. */
  proposed?: number | null;
  reason?: string;
}

export type Phase = "idle" | "queued" | "running" | "done" | "cancelled" | "error";

export interface Status {
  id: number;
  lane: "surface" | "spectrum" | "action";
  phase: Phase;
  done: number;
  total: number;
  /** Seconds left, or null while unknown. */
  eta: number | null;
  message: string;
}

/** As many as the landscape has axes. */
export type Coordinates = [number, number, number?];

export interface Selection {
  kind: "none" | "minimum" | "saddle" | "point" | "model";
  /** Vertex of the grid, or null for a point between vertices. */
  vertex: number | null;
  coordinates: Coordinates | null;
  loss: number | null;
}

/** How it is looked at: saved with the notebook, of no interest to the kernel. */
export interface ViewState {
  yaw: number;
  pitch: number;
  /** 1 = the whole surface fits. */
  zoom: number;
  pan: [number, number];
  exaggeration: number;
  colormap: "viridis" | "cividis" | "inferno";
  contours: boolean;
  /** Which picture of the topology is shown. Older files lack it: the tree. */
  topology?: TopologyView;
  /** Whether the surface is tinted by basin. Older files lack it: no. */
  basin_map?: boolean;
  /** Whether the card of the selected point shows everything that is known. */
  details?: boolean;
  /** Whether the spectral density is drawn behind the eigenvalues. Older files lack it: yes. */
  density?: boolean;
  /** Of a landscape of three dimensions: loss of the isosurface, coordinates of the slices (null = not shown). */
  volume?: VolumeState;
  /** Loss above which the surface is cut off; null or missing = nowhere. */
  clip?: number | null;
  /** Losses between which the surface keeps its colours; null or missing = all. */
  brush?: [number, number] | null;
  /** Whether the floor of the box carries a map of the surface. Older files lack it: no. */
  floor?: boolean;
  /** Whether major contour lines carry their losses. Older files lack it: yes. */
  contour_labels?: boolean;
  /** Whether it is seen from above, as a map. Older files lack it: no. */
  map?: boolean;
  /** Ends of the line along which the loss is read off; null or missing = none. */
  probe?: [[number, number], [number, number]] | null;
  /** Whether checkpoints and training runs are drawn. Older files lack it: yes. */
  paths?: boolean;
  /** Which panels are shown, and how large. Older files lack it: all of them, as wide as designed. */
  panels?: PanelsState;
  /** Larger text and markers, thicker lines: to be read from the last row. */
  projector?: boolean;
  /** Whether every panel says in words what it shows. */
  captions?: boolean;
  /** Of a comparison: whether all turn together, and whether heights and colours mean the same in all. Missing: yes. */
  locked?: boolean;
  common_scale?: boolean;
}

/** Where one of a comparison is seen from. In its trait `cameras`, empty while all turn together; older files lack it. */
export type Camera = Pick<ViewState, "yaw" | "pitch" | "zoom" | "pan">;

export interface VolumeState {
  /** Missing or null: where the two deepest basins are still apart. */
  level?: number | null;
  /** Loss of a second isosurface; the higher of both is drawn as glass around the other. */
  second?: number | null;
  slices?: [number | null, number | null, number | null];
}

export type PanelName = "surface" | "topology" | "spectrum" | "controls";

export interface PanelsState {
  hidden?: PanelName[];
  /** The panel that has the whole view to itself. */
  alone?: PanelName | null;
  /** Share of the width that topology and spectrum take beside the surface; missing = as designed. */
  side?: number;
  /** Share of topology in what it divides with the spectrum; missing = as designed. */
  split?: number;
}

export type TopologyView = "tree" | "diagram" | "barcode" | "profile";

/** Checkpoints and training runs, projected on the plane of `spec`. */
export interface PathsData {
  spec: Spec;
  items: {
    label: string;
    kind: "trajectory" | "checkpoint";
    steps: number[];
    /** Float64 coordinates in the plane, two for each checkpoint. */
    points: DataView;
    /** Float64: the loss of each checkpoint itself, which is that of the surface only if it lies in the plane. */
    losses: DataView;
    /** Float64: distance from the plane. */
    distance: DataView;
  }[];
}

/** A precomputed state of an exported file. */
export interface Frame {
  spec: Spec;
  surface: SurfaceData;
  tree: TreeData | null;
  /** Of another origin than the file's first view. */
  spectrum?: SpectrumData;
}

/** The synced traits of the Explorer; single views have a subset. */
export interface Traits {
  spec: Spec | null;
  source: SourceData | null;
  spectrum: SpectrumData | null;
  surface: SurfaceData | null;
  tree: TreeData | null;
  status: Status;
  selection: Selection;
  view: ViewState;
  /** CSS length, e.g. "560px". */
  height: string;
  frames: Frame[];
}

/** Kernel → page. */
export type Incoming =
  /** Announces a computation: what will come has this grid. Comes before its first tile. */
  | {
      kind: "begin";
      id: number;
      spec: Spec;
      shape: [number, number];
      base: number;
      origin: number | null;
      labels: [string, string];
      quantity: string;
      x0: [number, number]; // first and last coordinate; vertices are equidistant while streaming
      x1: [number, number];
    }
  /** buffers[0]: Uint32 vertices, buffers[1]: Float32 values. `strides`: vertex steps of this level's grid, counted from the centre; `complete`: this level is. */
  | {
      kind: "tile";
      id: number;
      level: number;
      strides: [number, number];
      complete: boolean;
      done: number;
      total: number;
      eta: number | null;
    }
  /** A tree of an intermediate level, on the level's subgrid; vertices refer to the full grid. buffers as TreeData's columns, `basins` nearest-vertex filled. */
  | { kind: "tree"; id: number; tree: Omit<TreeData, ColumnName>; columns: ColumnName[] }
  | { kind: "progress"; status: Status }
  | { kind: "spectrum"; spectrum: SpectrumData }
  | { kind: "reply"; id: string; ok: boolean; result?: unknown; error?: string };

export type ColumnName =
  | "birth_vertex"
  | "death_vertex"
  | "birth"
  | "death"
  | "parent"
  | "beside"
  | "volumes"
  | "basins";

/** Page → kernel. State travels in `spec`; these are actions, each arrives exactly once. */
export type Outgoing =
  /** Drops every computation with spec id <= upto, also one that has not arrived yet. */
  | { kind: "cancel"; upto: number }
  /** Asks for what a reloaded page has missed of a running computation. */
  | { kind: "resync" }
  | { kind: "rpc"; id: string; method: "eigenpairs"; params: { largest: number; smallest: number } }
  | { kind: "rpc"; id: string; method: "html"; params: { frames?: "sliders" } }
  /** Makes a point the origin of further planes; the result is its number, for `Spec.origin`. */
  | { kind: "rpc"; id: string; method: "origin"; params: SentPoint }
  /** Appends a point to `explorer.sent`; the result is its position there. */
  | { kind: "rpc"; id: string; method: "send"; params: SentPoint & { label: string } }
  /** Makes the critical point at a vertex of the shown surface exact; the result is a `CheckedPoint`. */
  | { kind: "rpc"; id: string; method: "polish"; params: { vertex: number } }
  /** Says what the shown slice can show of the loss; the result is `TrustNumbers`. */
  | { kind: "rpc"; id: string; method: "trust"; params: Record<string, never> };

/** A point of the plane of a spec. */
export interface SentPoint {
  kind: Selection["kind"];
  vertex: number | null;
  coordinates: [number, number];
  spec: Spec;
}

export type Method = Extract<Outgoing, { kind: "rpc" }>["method"];

/** What the page reads of `nblandscape.CriticalPoint.to_dict()`; a number that is not finite is null. */
export interface CheckedPoint {
  /** The result in one sentence. */
  verdict: string;
  /** What it is in the slice: "minimum", "saddle", "maximum", "degenerate" or "not converged". */
  kind: string;
  /** What it is in the space of all parameters. */
  point: string | null;
  coordinates: number[];
  /** Distance from the vertex, in cells. */
  moved: number | null;
  loss: number | null;
  loss_before: number | null;
}

interface Estimated {
  value: number;
  stderr: number;
}

interface EndNumbers {
  value: number;
  residual: number;
  noise: number | null;
  verdict: string;
  sight: string | null;
}

/** What the page reads of `nblandscape.TrustReport.to_dict()`. */
export interface TrustNumbers {
  /** The report in words. */
  verdict: string;
  mean_curvature: Estimated;
  frobenius: Estimated;
  /** Of a random slice: "saddle", "minimum", "maximum". */
  probability: Record<string, Estimated>;
  largest: EndNumbers;
  smallest: EndNumbers;
  /** Principal curvatures of this slice, and those expected of a random one; ascending. */
  curvatures: number[] | null;
  expected_curvatures: number[];
  gradient_norm: number | null;
  /** What the centre is in the space of all parameters. */
  point: string;
  products: number;
}
