import { createCamera, setCamera } from "./camera";
import type { Marker } from "./engine";
import { createHeightMap, fraction, setHeightMap } from "./height-map";
import { createIsosurface, type Isosurface } from "./isosurface";
import { type Detail, FULL, type Lod, measured, movingDetail } from "./lod";
import { COLORMAPS, LUT_SIZE, lut } from "./luts";
import { paintBox } from "./paint-box";
import { paintMarkers } from "./paint-markers";
import { linkProgram } from "./program";
import { createPlanes } from "./slice-planes";
import type { Volume, VolumeGrid, VolumeLook } from "./volume";
import { ISO_FRAGMENT, ISO_VERTEX, SLICE_FRAGMENT, SLICE_VERTEX } from "./volume-shaders";
import type { Context } from "./webgl-engine";
import { mixVector } from "./webgl-surface";

const LIGHTS = ["uEye", "uLight", "uFill", "uBackground", "uFade"] as const;
const ISO = ["uLast", "uMatrix", "uHalf", "uColor", "uTinted", "uAlpha", ...LIGHTS] as const;
const SLICE = [
  "uMatrix",
  "uCorner",
  "uAlong",
  "uAcross",
  "uShape",
  "uField",
  "uLut",
  "uMap",
  "uMapRow",
  "uLevel",
  "uCut",
  "uAlpha",
  "uShade",
  "uLevels",
  "uLevelCount",
  "uPixel",
  ...LIGHTS,
] as const;

const link = (gl: WebGL2RenderingContext) => ({
  iso: linkProgram(gl, ISO_VERTEX, ISO_FRAGMENT, ISO),
  slice: linkProgram(gl, SLICE_VERTEX, SLICE_FRAGMENT, SLICE),
});
type Programs = ReturnType<typeof link>;

/** One pair of programs per context and generation, whatever the number of volumes. */
const linked = new WeakMap<Context, { generation: number; programs: Programs }>();

function programsOf(context: Context): Programs {
  const known = linked.get(context);
  if (known?.generation === context.generation) return known.programs;
  const programs = link(context.gl);
  linked.set(context, { generation: context.generation, programs });
  return programs;
}

const COARSEST = 8;
/** An isosurface of at most so many milliseconds is made whole while the level is dragged. */
const DRAG_MS = 14;
/** At rest, one picture's share of making a larger one. */
const PORTION_MS = 12;
/** Before anything was measured: milliseconds per vertex of the grid. */
const GUESS_MS = 6e-5;

/** A mesh on its way to the GPU, and what is there. */
interface Mesh {
  source: Isosurface;
  level: number;
  stride: number;
  whole: boolean;
  spent: number;
  generation: number;
  array: WebGLVertexArrayObject | null;
  buffers: (WebGLBuffer | null)[];
  count: number;
  tinted: Uint8Array | null;
  revision: number;
}

/** One field on the GPU: slices as textures, the isosurface as a mesh made here. */
export function createWebglVolume(context: Context, onDispose: () => void): Volume {
  const camera = createCamera();
  const heights = createHeightMap();
  const levels = new Float32Array(32);
  const vector = new Float32Array(3);
  const color = new Float32Array(3);
  const costs = new Map<number, number>();
  let grid: VolumeGrid | null = null;
  let planes: ReturnType<typeof createPlanes> | null = null;
  let quick: Mesh | null = null;
  let full: Mesh | null = null;
  let shown: Mesh | null = null;
  let glass: Mesh | null = null;
  let tint: Uint8Array | null = null;
  let tintHasColor = false;
  let tintBytes = new Uint8Array(0);
  let markers: readonly Marker[] = [];
  let lod: Lod = volumeLod(2);
  let detail: Detail = FULL;
  let waiting = false;
  let disposed = false;
  let pending = false;

  const mesh = (): Mesh => ({
    source: createIsosurface(grid!),
    level: Number.NaN,
    stride: 0,
    whole: true,
    spent: 0,
    generation: -1,
    array: null,
    buffers: [],
    count: 0,
    tinted: null,
    revision: 0,
  });

  const expected = (stride: number) =>
    costs.get(stride) ?? (costs.get(1) ?? GUESS_MS * grid!.values.length) / stride ** 2.4;

  /** Brings a mesh to a level, at most until the clock says so. */
  function make(of: Mesh, level: number, stride: number, until: number): void {
    const started = performance.now();
    if (of.level !== level || of.stride !== stride) {
      of.level = level;
      of.stride = stride;
      of.whole = false;
      of.spent = 0;
      of.source.begin(level, stride);
    }
    if (of.whole) return;
    of.whole = of.source.advance(until);
    of.spent += performance.now() - started;
    if (!of.whole) return;
    of.revision++;
    of.generation = -1;
    costs.set(stride, 0.5 * ((costs.get(stride) ?? of.spent) + of.spent));
  }

  /** The finest stride, not finer than `from`, whose isosurface is expected to be made in so much time. */
  function affordable(from: number, budget: number): number {
    let stride = from;
    for (; stride < COARSEST && expected(stride) > budget; stride *= 2) {
      // What was slow once, with cold code or on a busy machine, earns another chance.
      const cost = costs.get(stride);
      if (cost !== undefined) costs.set(stride, 0.9 * cost);
    }
    return stride;
  }

  /** The mesh to draw: whole at rest, coarser while the level moves faster than it can be made. */
  function meshFor(look: VolumeLook): Mesh | null {
    pending = false;
    const { level, moving } = look;
    if (!Number.isFinite(level)) return null;
    full ??= mesh();
    quick ??= mesh();
    const least = moving ? detail.stride : 1;
    if (full.whole && full.level === level && least === 1) return full;
    // A level that stays needs its mesh but once.
    const settled = quick.level === level || full.level === level;
    const stride = affordable(least, settled ? 2 * DRAG_MS : DRAG_MS);
    if (stride === 1) {
      make(full, level, 1, Infinity);
      return full;
    }
    if (quick.level !== level || (moving && quick.stride > stride) || quick.stride < least)
      make(quick, level, stride, Infinity);
    if (moving) return quick;
    make(full, level, 1, performance.now() + PORTION_MS);
    pending = !full.whole;
    return full.whole ? full : quick;
  }

  /** The mesh around the other one, or null: coarser while its level moves, and the last one until it is made. */
  function glassFor({ outer, moving }: VolumeLook): Mesh | null {
    if (!Number.isFinite(outer)) return null;
    glass ??= mesh();
    const stays = moving && glass.level === outer;
    make(glass, outer, stays ? glass.stride : moving ? 2 : 1, performance.now() + PORTION_MS);
    pending ||= !glass.whole;
    return glass;
  }

  function upload(of: Mesh): void {
    const { gl } = context;
    const { source } = of;
    if (of.generation !== context.generation) {
      if (of.array === null || of.buffers.length === 0 || !gl.isVertexArray(of.array)) {
        of.array = gl.createVertexArray();
        of.buffers = [gl.createBuffer(), gl.createBuffer(), gl.createBuffer()];
        gl.bindVertexArray(of.array);
        gl.bindBuffer(gl.ARRAY_BUFFER, of.buffers[0]!);
        gl.enableVertexAttribArray(0);
        gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 16, 0);
        gl.enableVertexAttribArray(1);
        gl.vertexAttribPointer(1, 4, gl.INT_2_10_10_10_REV, true, 16, 12);
        gl.bindBuffer(gl.ARRAY_BUFFER, of.buffers[2]!);
        gl.vertexAttribPointer(2, 4, gl.UNSIGNED_BYTE, true, 4, 0);
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, of.buffers[1]!);
      }
      gl.bindVertexArray(of.array);
      gl.bindBuffer(gl.ARRAY_BUFFER, of.buffers[0]!);
      gl.bufferData(gl.ARRAY_BUFFER, source.vertices, gl.DYNAMIC_DRAW, 0, 4 * source.vertexCount);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, source.indices, gl.DYNAMIC_DRAW, 0, source.indexCount);
      of.count = source.indexCount;
      of.generation = context.generation;
      of.tinted = null;
    }
    gl.bindVertexArray(of.array);
    if (tint === null || of === glass) {
      gl.disableVertexAttribArray(2);
      gl.vertexAttrib4f(2, 1, 1, 1, 1);
    } else if (of.tinted !== tint) {
      const { inner, vertexCount } = source;
      if (tintBytes.length < 4 * vertexCount) tintBytes = new Uint8Array(8 * vertexCount);
      const from = new Uint32Array(tint.buffer, tint.byteOffset, tint.length / 4);
      const to = new Uint32Array(tintBytes.buffer, 0, vertexCount);
      for (let v = 0; v < vertexCount; v++) to[v] = from[inner[v]!]!;
      gl.bindBuffer(gl.ARRAY_BUFFER, of.buffers[2]!);
      gl.bufferData(gl.ARRAY_BUFFER, tintBytes, gl.DYNAMIC_DRAW, 0, 4 * vertexCount);
      gl.enableVertexAttribArray(2);
      of.tinted = tint;
    }
  }

  function setLights(at: Programs["iso"]["at"] | Programs["slice"]["at"], look: VolumeLook): void {
    const { gl } = context;
    const { right, up, back } = camera;
    gl.uniform3f(at.uEye, back[0]! * 8, back[1]! * 8, back[2]! * 8);
    mixVector(vector, right, -0.55, up, 0.65, back, 0.5);
    gl.uniform3fv(at.uLight, vector);
    mixVector(vector, right, 0.85, up, 0.1, back, 0.5);
    gl.uniform3fv(at.uFill, vector);
    gl.uniform3f(at.uBackground, look.background[0], look.background[1], look.background[2]);
    gl.uniform1f(at.uFade, look.fade);
  }

  function drawPlanes(look: VolumeLook, programs: Programs): void {
    const { gl } = context;
    const { handle, at } = programs.slice;
    const { shape } = grid!;
    gl.useProgram(handle);
    setLights(at, look);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, context.lut);
    gl.uniform1i(at.uField, 0);
    gl.uniform1i(at.uLut, 1);
    gl.uniformMatrix4fv(at.uMatrix, false, camera.matrix);
    gl.uniform4f(
      at.uMap,
      heights.gain,
      heights.shift,
      heights.base,
      heights.scale === "symlog" ? -heights.floor : heights.floor,
    );
    gl.uniform1f(at.uMapRow, (Math.max(0, COLORMAPS.indexOf(look.colormap)) + 0.5) / COLORMAPS.length);
    gl.uniform1f(at.uLevel, Number.isFinite(look.level) ? fraction(heights, look.level) : -10);
    const count = look.contours ? Math.min(16, look.levels.length) : 0;
    for (let k = 0; k < count; k++) {
      levels[k * 2] = fraction(heights, look.levels[k]!);
      levels[k * 2 + 1] = look.levelWeights[k] ?? 1;
    }
    gl.uniform2fv(at.uLevels, levels);
    gl.uniform1i(at.uLevelCount, count);
    gl.uniform1f(at.uPixel, look.pixelRatio * detail.scale);
    gl.bindVertexArray(null);
    for (let axis = 0; axis < 3; axis++) {
      const where = look.slices[axis];
      if (where !== null && where !== undefined) drawPlane(programs, axis, where, SLICES[axis]!, false);
      if (!Number.isFinite(look.level)) continue;
      // What the box cuts open is closed by the values on its faces.
      drawPlane(programs, axis, 0, FACES[axis * 2]!, true, look.level);
      drawPlane(programs, axis, shape[axis]! - 1, FACES[axis * 2 + 1]!, true, look.level);
    }
  }

  function drawPlane(
    programs: Programs,
    axis: number,
    where: number,
    name: string,
    cut: boolean,
    level = 0,
  ): void {
    const { gl } = context;
    const { at } = programs.slice;
    const plane = planes!.plane(name, axis, where);
    if (cut && !(plane.low <= level)) return;
    const z = camera.half;
    const place = (2 * where) / (grid!.shape[axis]! - 1) - 1;
    gl.uniform3f(at.uCorner, axis === 0 ? place : -1, axis === 1 ? place : -1, axis === 2 ? place * z : -z);
    gl.uniform3f(at.uAlong, axis === 0 ? 0 : 2, axis === 0 ? 2 : 0, 0);
    gl.uniform3f(at.uAcross, 0, axis === 2 ? 2 : 0, axis === 2 ? 0 : 2 * z);
    gl.uniform2i(at.uShape, plane.rows, plane.columns);
    gl.uniform1f(at.uCut, cut ? 1 : 0);
    gl.uniform1f(at.uAlpha, 1);
    const facing = Math.abs(camera.back[axis]!);
    gl.uniform1f(at.uShade, 0.86 + 0.18 * facing);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** Makes all ready for the triangles of a mesh; false where it has none. */
  function prepare(look: VolumeLook, programs: Programs, of: Mesh, level: number): boolean {
    const { gl } = context;
    // What is being made anew stays as it was last uploaded.
    if (of.whole) upload(of);
    else if (of.generation === context.generation) gl.bindVertexArray(of.array);
    else return false;
    if (of.count === 0) return false;
    const { handle, at } = programs.iso;
    const { shape } = grid!;
    gl.useProgram(handle);
    setLights(at, look);
    gl.uniform3f(at.uLast, shape[0] - 1, shape[1] - 1, shape[2] - 1);
    gl.uniformMatrix4fv(at.uMatrix, false, camera.matrix);
    gl.uniform1f(at.uHalf, camera.half);
    colorAt(look, level, color);
    gl.uniform3fv(at.uColor, color);
    gl.uniform1f(at.uTinted, tint !== null && tintHasColor && of !== glass ? 1 : 0);
    return true;
  }

  /** One side of the glass: what lies behind the other surface first, its front last. */
  function drawGlass(look: VolumeLook, programs: Programs, of: Mesh, side: GLenum): void {
    const { gl } = context;
    if (!prepare(look, programs, of, look.outer)) return;
    gl.enable(gl.CULL_FACE);
    gl.cullFace(side === gl.BACK ? gl.FRONT : gl.BACK);
    gl.depthMask(false);
    gl.uniform1f(programs.iso.at.uAlpha, side === gl.BACK ? 0.1 : 0.2);
    gl.drawElements(gl.TRIANGLES, of.count, gl.UNSIGNED_INT, 0);
    gl.depthMask(true);
    gl.disable(gl.CULL_FACE);
  }

  function drawIsosurface(look: VolumeLook, programs: Programs, of: Mesh): void {
    const { gl } = context;
    if (!prepare(look, programs, of, look.level)) return;
    const { at } = programs.iso;
    const draw = () => gl.drawElements(gl.TRIANGLES, of.count, gl.UNSIGNED_INT, 0);
    gl.enable(gl.CULL_FACE);
    if (detail !== FULL) {
      // A machine that must save pixels saves two of three passes as well.
      gl.cullFace(gl.BACK);
      gl.uniform1f(at.uAlpha, 0.86);
      draw();
      gl.disable(gl.CULL_FACE);
      return;
    }
    gl.depthMask(false);
    gl.cullFace(gl.FRONT);
    gl.uniform1f(at.uAlpha, 0.34);
    draw();
    // Depths first: of what is translucent, only the nearest layer is laid over what is behind.
    gl.cullFace(gl.BACK);
    gl.depthMask(true);
    gl.colorMask(false, false, false, false);
    draw();
    gl.colorMask(true, true, true, true);
    gl.uniform1f(at.uAlpha, 0.74);
    draw();
    gl.disable(gl.CULL_FACE);
  }

  function colorAt(look: VolumeLook, level: number, out: Float32Array): void {
    const t = Math.min(1, Math.max(0, fraction(heights, level)));
    const table = lut(look.colormap);
    const at = 3 * Math.round(t * (LUT_SIZE - 1));
    for (let k = 0; k < 3; k++) out[k] = table[at + k]! / 255;
  }

  /** Waits for the GPU without blocking; only a moving picture is measured. */
  function measure(started: number, script: number): void {
    if (waiting || disposed) return;
    const { gl, generation } = context;
    const drawn = detail;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (!fence) return;
    waiting = true;
    const check = (now: number) => {
      if (generation !== context.generation || context.lost || disposed) waiting = false;
      else if (gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED || now - started > 500) {
        gl.deleteSync(fence);
        waiting = false;
        measured(lod, drawn, Math.max(script, now - started));
      } else requestAnimationFrame(check);
    };
    requestAnimationFrame(check);
  }

  function release(of: Mesh | null): void {
    if (of === null || context.lost || of.array === null) return;
    context.gl.deleteVertexArray(of.array);
    for (const buffer of of.buffers) context.gl.deleteBuffer(buffer);
  }

  return {
    get stride() {
      return shown?.stride ?? 1;
    },
    get triangles() {
      return (shown?.count ?? 0) / 3;
    },
    get pending() {
      return pending;
    },
    setGrid(next) {
      const [n0, n1, n2] = next.shape;
      if (next.values.length !== n0 * n1 * n2) {
        throw new Error(
          `a volume of ${n0} x ${n1} x ${n2} needs ${n0 * n1 * n2} heights, not ${next.values.length}`,
        );
      }
      release(quick);
      release(full);
      release(glass);
      quick = full = shown = glass = null;
      planes?.dispose();
      planes = createPlanes(context, next);
      costs.clear();
      tint = null;
      grid = next;
      lod = volumeLod(Math.min(n0, n1, n2));
    },
    setTint(next, colored = true) {
      tint = next;
      tintHasColor = colored;
    },
    setMarkers(next) {
      markers = next;
    },
    draw(look, target) {
      if (!grid || context.lost || disposed || look.width < 1 || look.height < 1) return 0;
      const started = performance.now();
      const { gl, canvas } = context;
      detail = look.moving ? movingDetail(lod) : FULL;
      setCamera(camera, look, look.extent);
      setHeightMap(heights, look.heights);
      const { width, height } = look;
      const drawnWidth = Math.max(1, Math.round(width * detail.scale));
      const drawnHeight = Math.max(1, Math.round(height * detail.scale));
      const programs = programsOf(context);
      shown = meshFor(look);
      context.fit(drawnWidth, drawnHeight);
      gl.viewport(0, canvas.height - drawnHeight, drawnWidth, drawnHeight);
      gl.clearColor(0, 0, 0, 0);
      gl.depthMask(true);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.enable(gl.DEPTH_TEST);
      gl.depthFunc(gl.LEQUAL);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.disable(gl.CULL_FACE);
      drawPlanes(look, programs);
      const around = glassFor(look);
      if (around !== null) drawGlass(look, programs, around, gl.BACK);
      if (shown !== null) drawIsosurface(look, programs, shown);
      if (around !== null) drawGlass(look, programs, around, gl.FRONT);
      gl.bindVertexArray(null);
      target.setTransform(1, 0, 0, 1, 0, 0);
      target.clearRect(0, 0, width, height);
      paintBox(target, camera, look);
      target.drawImage(canvas, 0, 0, drawnWidth, drawnHeight, 0, 0, width, height);
      paintMarkers(target, camera, look, null, markers);
      const script = performance.now() - started;
      if (look.moving) measure(started, script);
      return script;
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      release(quick);
      release(full);
      release(glass);
      planes?.dispose();
      grid = null;
      markers = [];
      onDispose();
    },
  };
}

/** What to save on first: pixels, then triangles, whose number falls with the square of the stride. */
function volumeLod(n: number): Lod {
  const details: Detail[] = [FULL, { stride: 1, scale: 0.71 }];
  for (let stride = 2; stride <= COARSEST && (n - 1) / stride >= 8; stride *= 2)
    details.push({ stride, scale: 0.5 }, { stride, scale: 0.36 });
  return { details, cost: new Float64Array(details.length).fill(Number.NaN) };
}

const SLICES = ["slice 0", "slice 1", "slice 2"];
const FACES = ["low 0", "high 0", "low 1", "high 1", "low 2", "high 2"];
