import { HOLE } from "./shaders";
import { sliceOf, type VolumeGrid } from "./volume";
import { type Context, setSampling } from "./webgl-engine";

/** A plane of the field as a texture, written anew where the plane has moved. */
interface Plane {
  readonly texture: WebGLTexture | null;
  readonly rows: number;
  readonly columns: number;
  /** Lowest value of the plane. */
  readonly low: number;
}

interface Kept extends Plane {
  at: number;
  generation: number;
  data: Float32Array;
  low: number;
  texture: WebGLTexture | null;
}

/** Planes by name: three slices that move, six faces that do not. */
export function createPlanes(context: Context, grid: VolumeGrid) {
  const kept = new Map<string, Kept>();

  function plane(name: string, axis: number, at: number): Plane {
    const { gl } = context;
    let found = kept.get(name);
    if (found === undefined) {
      const [rows, columns] = [grid.shape[axis === 0 ? 1 : 0]!, grid.shape[axis === 2 ? 1 : 2]!];
      const data = new Float32Array(rows * columns);
      const none = { at: Number.NaN, generation: -1, low: 0, texture: null };
      found = { ...none, rows, columns, data };
      kept.set(name, found);
    }
    const fresh = found.generation !== context.generation;
    if (fresh) {
      found.generation = context.generation;
      found.texture = gl.createTexture();
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, found.texture);
    const { data, rows, columns } = found;
    const moved = found.at !== at;
    if (moved) {
      sliceOf(grid, axis, at, data);
      found.at = at;
      found.low = Infinity;
      for (let v = 0; v < data.length; v++) {
        const value = data[v]!;
        if (Number.isNaN(value)) data[v] = HOLE;
        else if (value < found.low) found.low = value;
      }
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    if (fresh) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, columns, rows, 0, gl.RED, gl.FLOAT, data);
      setSampling(gl, gl.NEAREST);
    } else if (moved) {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, columns, rows, gl.RED, gl.FLOAT, data);
    }
    return found;
  }

  return {
    plane,
    dispose(): void {
      if (!context.lost) {
        for (const { texture, generation } of kept.values())
          if (generation === context.generation) context.gl.deleteTexture(texture);
      }
      kept.clear();
    },
  };
}
