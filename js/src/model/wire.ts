import type { ColumnName, SurfaceData, TreeData } from "./protocol";

type ArrayType<T> = {
  new (buffer: ArrayBuffer, offset: number, length: number): T;
  BYTES_PER_ELEMENT: number;
};

/** A buffer as hosts deliver it. */
type Bytes = DataView | Uint8Array | ArrayBuffer;

/** A typed array over the bytes, copied only where they are not aligned. Every host we know is little-endian. */
function typed<T>(type: ArrayType<T>, bytes: Bytes): T {
  const [buffer, offset, length] =
    bytes instanceof ArrayBuffer
      ? [bytes, 0, bytes.byteLength]
      : [bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength];
  const size = type.BYTES_PER_ELEMENT;
  if (length % size !== 0)
    throw new RangeError(`a buffer of ${length} bytes is no array of ${size}-byte items`);
  if (offset % size === 0) return new type(buffer, offset, length / size);
  return new type(buffer.slice(offset, offset + length), 0, length / size);
}

export const float32 = (bytes: Bytes) => typed(Float32Array, bytes);
export const float64 = (bytes: Bytes) => typed(Float64Array, bytes);
export const uint32 = (bytes: Bytes) => typed(Uint32Array, bytes);
export const int32 = (bytes: Bytes) => typed(Int32Array, bytes);
const uint8 = (bytes: Bytes) => typed(Uint8Array, bytes);
const uint16 = (bytes: Bytes) => typed(Uint16Array, bytes);

export const ESSENTIAL_VERTEX = 0xffffffff;

/** A merge tree with typed columns; row i of every column is minimum i. */
export interface TreeColumns {
  birthVertex: Uint32Array;
  deathVertex: Uint32Array;
  birth: Float64Array;
  death: Float64Array;
  parent: Int32Array;
  beside: Int32Array;
  /** Of the basins; null = not known. */
  volumes: Float64Array | null;
  /** Row per vertex, -1 = hole. */
  basins: Int32Array;
  support: SupportColumns | null;
}

interface SupportColumns {
  supported: Uint8Array;
  stderr: Float64Array | null;
  residual: Float64Array | null;
  frequency: Float64Array | null;
  factor: number;
  basis: string;
}

const FACTOR = 3;

const optional = (bytes: DataView | undefined) => (bytes == null ? null : float64(bytes));

function supportColumns(tree: TreeData): SupportColumns | null {
  if (tree.supported == null) return null;
  return {
    supported: uint8(tree.supported),
    stderr: optional(tree.stderr),
    residual: optional(tree.residual),
    frequency: optional(tree.frequency),
    factor: tree.factor ?? FACTOR,
    basis: tree.basis ?? "",
  };
}

export function treeColumns(tree: TreeData): TreeColumns {
  const raw = tree.basins_type === "uint16" ? uint16(tree.basins) : uint32(tree.basins);
  const hole = tree.basins_type === "uint16" ? 0xffff : 0xffffffff;
  const basins = new Int32Array(raw.length);
  for (let i = 0; i < raw.length; i++) basins[i] = raw[i] === hole ? -1 : raw[i]!;
  return {
    birthVertex: uint32(tree.birth_vertex),
    deathVertex: uint32(tree.death_vertex),
    birth: float64(tree.birth),
    death: float64(tree.death),
    parent: int32(tree.parent),
    beside: int32(tree.beside ?? tree.parent),
    volumes: optional(tree.volumes),
    basins,
    support: supportColumns(tree),
  };
}

/** Puts the buffers of a `tree` message back into its columns. */
export function assembleTree(
  head: Omit<TreeData, ColumnName>,
  columns: readonly ColumnName[],
  buffers: readonly DataView[],
): TreeData {
  const tree: Record<string, unknown> = { ...head };
  columns.forEach((name, i) => {
    const buffer = buffers[i];
    if (buffer === undefined) throw new RangeError(`tree message: no buffer for column "${name}"`);
    tree[name] = buffer;
  });
  return tree as unknown as TreeData;
}

/** Whether a trait holds a complete surface; saved notebooks without widget data hold empty dicts. */
export function isSurface(value: unknown): value is SurfaceData {
  const data = value as SurfaceData | null | undefined;
  return data?.values != null && data.x0 != null && data.x1 != null && Array.isArray(data.shape);
}

export function isTree(value: unknown): value is TreeData {
  const data = value as TreeData | null | undefined;
  return data?.basins != null && data.birth != null && Array.isArray(data.shape);
}
