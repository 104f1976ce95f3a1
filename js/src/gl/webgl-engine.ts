import type { Engine } from "./engine";
import { levelIndices } from "./lod";
import { COLORMAPS, LUT_SIZE, lut } from "./luts";
import { createProgram, type Program } from "./program";
import { createWebglSurface } from "./webgl-surface";

/** What the surfaces of one page share: the context, the program, the colour maps and the index buffers. */
export interface Context {
  readonly gl: WebGL2RenderingContext;
  readonly canvas: HTMLCanvasElement;
  readonly program: Program;
  readonly lut: WebGLTexture | null;
  readonly lost: boolean;
  /** Rises with every restored context: GPU objects of older generations are gone. */
  readonly generation: number;
  /** Index buffer of one nested level; kept by the context, shared by grids of equal shape. */
  indices(n0: number, n1: number, stride: number): { buffer: WebGLBuffer | null; count: number };
  /** Makes the canvas at least this large. */
  fit(width: number, height: number): void;
}

interface Level {
  buffer: WebGLBuffer | null;
  count: number;
}

/** Index buffers of this many levels are kept; the least recently used one goes first. */
const KEPT_LEVELS = 24;

/** One WebGL2 context for all surfaces of the page; null without WebGL2. */
export function createWebglEngine(onEmpty: () => void): Engine | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  const context = canvas.getContext("webgl2", {
    alpha: true,
    antialias: true,
    depth: true,
    premultipliedAlpha: true,
    powerPreference: "high-performance",
  });
  if (!context) return null;
  const gl: WebGL2RenderingContext = context;

  const listeners = new Set<() => void>();
  const levels = new Map<string, Level>();
  const surfaces = new Set<{ dispose(): void }>();
  let program: Program;
  try {
    program = createProgram(gl);
  } catch (error) {
    // A driver that rejects the shaders is as good as none: the flat picture takes over.
    console.warn("nblandscape draws without WebGL2:", error);
    return null;
  }
  let table = createLutTexture(gl);
  let lost = false;
  let disposed = false;
  let generation = 0;

  const shared: Context = {
    gl,
    canvas,
    get program() {
      return program;
    },
    get lut() {
      return table;
    },
    get lost() {
      return lost;
    },
    get generation() {
      return generation;
    },
    indices(n0, n1, stride) {
      const key = `${n0} ${n1} ${stride}`;
      let level = levels.get(key);
      if (level) {
        if (levels.size > KEPT_LEVELS / 2) {
          levels.delete(key);
          levels.set(key, level);
        }
        return level;
      }
      const data = levelIndices(n0, n1, stride);
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, data, gl.STATIC_DRAW);
      level = { buffer, count: data.length };
      levels.set(key, level);
      if (levels.size > KEPT_LEVELS) {
        const [oldest, gone] = levels.entries().next().value!;
        gl.deleteBuffer(gone.buffer);
        levels.delete(oldest);
      }
      return level;
    },
    fit(width, height) {
      if (canvas.width < width) canvas.width = width;
      if (canvas.height < height) canvas.height = height;
    },
  };

  function onLost(event: Event): void {
    event.preventDefault();
    lost = true;
  }
  function onRestored(): void {
    generation++;
    levels.clear();
    program = createProgram(gl);
    table = createLutTexture(gl);
    lost = false;
    for (const listener of [...listeners]) listener();
  }
  canvas.addEventListener("webglcontextlost", onLost);
  canvas.addEventListener("webglcontextrestored", onRestored);

  const engine: Engine = {
    createSurface: () => engine.attach(createWebglSurface),
    attach(create) {
      if (disposed) throw new Error("this drawing engine is disposed; call getEngine() again");
      const picture = create(shared, () => {
        if (surfaces.delete(picture) && surfaces.size === 0) engine.dispose();
      });
      surfaces.add(picture);
      return picture;
    },
    get surfaces() {
      return surfaces.size;
    },
    get lost() {
      return lost;
    },
    onRestore(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      canvas.removeEventListener("webglcontextlost", onLost);
      canvas.removeEventListener("webglcontextrestored", onRestored);
      listeners.clear();
      for (const surface of [...surfaces]) surface.dispose();
      // Browsers keep 16 contexts: give this one back now, not at the next garbage collection.
      gl.getExtension("WEBGL_lose_context")?.loseContext();
      onEmpty();
    },
  };
  return engine;
}

function createLutTexture(gl: WebGL2RenderingContext): WebGLTexture | null {
  const pixels = new Uint8Array(LUT_SIZE * COLORMAPS.length * 4).fill(255);
  COLORMAPS.forEach((name, row) => {
    const table = lut(name);
    for (let i = 0; i < LUT_SIZE; i++) {
      for (let c = 0; c < 3; c++) pixels[(row * LUT_SIZE + i) * 4 + c] = table[i * 3 + c]!;
    }
  });
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, LUT_SIZE, COLORMAPS.length, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  setSampling(gl, gl.LINEAR);
  return texture;
}

/** Filtering and clamping of the bound texture. */
export function setSampling(gl: WebGL2RenderingContext, filter: number): void {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}
