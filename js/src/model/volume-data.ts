import type { PlaceIn } from "./place";
import { finiteRange } from "./preview";
import type { Selection } from "./protocol";
import type { Store } from "./store";
import { float32, float64 } from "./wire";

/** A landscape of three dimensions, as `nblandscape/widgets/_volume.py` sends it in the trait `volume`. */
export interface VolumeData {
  /** `Spec.id` that this answers. */
  id: number;
  shape: [number, number, number];
  /** Float64 coordinates of the vertices along each axis. */
  x0: DataView;
  x1: DataView;
  x2: DataView;
  /** Float32 loss minus `base`; NaN = hole; vertex = (i0 * n1 + i1) * n2 + i2. */
  values: DataView;
  base: number;
  /** Vertex of the model itself. */
  origin: number | null;
  labels: [string, string, string];
  quantity: string;
  holes: number;
  concerns: string[];
  /** Share of the points that have been computed; less than 1: a level of a running computation. */
  known: number;
  seconds: number;
  /** Float32 by name, as the values; of objectives that have metrics. */
  metrics?: { [name: string]: DataView };
  /** Where the model lies; absent where that is not known. */
  model?: PlaceIn;
}

export type Place = [number, number, number];

/** The same with typed arrays. */
export interface LiveVolume {
  data: VolumeData;
  shape: Place;
  axes: [Float64Array, Float64Array, Float64Array];
  values: Float32Array;
  base: number;
  /** Lowest and highest finite height (loss - base), and the lowest whose loss is positive. */
  range: [number, number];
  positive: number;
}

const lives = new WeakMap<VolumeData, LiveVolume>();

export function liveVolume(data: VolumeData): LiveVolume {
  const known = lives.get(data);
  if (known !== undefined) return known;
  const { shape, base } = data;
  const values = float32(data.values);
  if (values.length !== shape[0] * shape[1] * shape[2]) {
    throw new RangeError(`volume: ${values.length} values for a grid of ${shape.join(" × ")}`);
  }
  let positive = Infinity;
  for (let v = 0; v < values.length; v++) {
    const value = values[v]!;
    if (value + base > 0 && value < positive) positive = value;
  }
  const axes: LiveVolume["axes"] = [float64(data.x0), float64(data.x1), float64(data.x2)];
  const live = { data, shape, axes, values, base, range: finiteRange(values), positive };
  lives.set(data, live);
  return live;
}

/** The volume of a store, or null where it holds none. */
export function volumeOf(store: Store): LiveVolume | null {
  const data = store.trait<VolumeData>("volume").value;
  return data?.values == null ? null : liveVolume(data);
}

/** Index along each axis of a vertex. */
export function indices({ shape }: Pick<LiveVolume, "shape">, vertex: number): Place {
  const [, n1, n2] = shape;
  return [Math.floor(vertex / (n1 * n2)), Math.floor(vertex / n2) % n1, vertex % n2];
}

/** Coordinate at a (fractional) index of an axis. */
export function coordinateAt(axis: ArrayLike<number>, index: number): number {
  const low = Math.min(axis.length - 2, Math.max(0, Math.floor(index)));
  return axis[low]! + (index - low) * (axis[low + 1]! - axis[low]!);
}

/** Its inverse, within the axis. */
export function indexAt(axis: ArrayLike<number>, coordinate: number): number {
  const last = axis.length - 1;
  if (!(coordinate > axis[0]!)) return 0;
  if (coordinate >= axis[last]!) return last;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (axis[middle]! <= coordinate) low = middle;
    else high = middle;
  }
  return low + (coordinate - axis[low]!) / (axis[high]! - axis[low]!);
}

/** First and last coordinate of an axis. */
export function endsOf({ axes }: LiveVolume, k: number): [number, number] {
  const axis = axes[k]!;
  return [axis[0]!, axis[axis.length - 1]!];
}

/** Where an index of an axis is drawn: the vertices stand at equal distances. */
export function drawnAt(volume: LiveVolume, k: number, index: number): number {
  const [low, high] = endsOf(volume, k);
  return low + (index / (volume.shape[k]! - 1)) * (high - low);
}

export function placeOf(volume: LiveVolume, index: Readonly<Place>): Place {
  return index.map((at, k) => coordinateAt(volume.axes[k]!, at)) as Place;
}

/** What the tree selects is a vertex; with a volume it has three coordinates as well. */
export function completed(selection: Selection, volume: LiveVolume | null): Selection {
  const { vertex, coordinates } = selection;
  if (volume === null || vertex === null || coordinates !== null) return selection;
  return { ...selection, coordinates: placeOf(volume, indices(volume, vertex)) };
}

const linked = new WeakMap<Store, Store>();

/** The same store for views that know nothing of volumes: what they select gets its coordinates. */
export function withVolume(store: Store): Store {
  let found = linked.get(store);
  if (found === undefined) {
    found = { ...store, select: (next) => store.select(completed(next, volumeOf(store))) };
    linked.set(store, found);
  }
  return found;
}
