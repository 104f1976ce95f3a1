import { basinMask } from "./basin-mask";
import { createCamera, setCamera } from "./camera";
import type { Grid, Look, Marker, Surface } from "./engine";
import { fraction } from "./height-map";
import { createLod, type Detail, FULL, type Lod, measured, movingDetail } from "./lod";
import { COLORMAPS } from "./luts";
import { paintBox } from "./paint-box";
import { createLabels } from "./paint-labels";
import { paintMarkers } from "./paint-markers";
import { HOLE } from "./shaders";
import { type Context, setSampling } from "./webgl-engine";
import { createLines } from "./webgl-lines";

const MAX_LEVELS = 16;

/** Without a GPU a full picture of a large grid blocks the page for seconds; from this time on, the next one is coarser. */
const TOO_SLOW_AT_REST = 1000;
const ENOUGH_VERTICES = 128;

/** One grid on the GPU. CPU copies stay, so that a restored context can be filled again. */
export function createWebglSurface(context: Context, onDispose: () => void): Surface {
  const camera = createCamera();
  const levels = new Float32Array(MAX_LEVELS * 2);
  const vector = new Float32Array(3);
  let grid: Grid | null = null;
  let heights = new Float32Array(0);
  let basins: Int32Array | null = null;
  let mask = new Uint8Array(2);
  let scratch = new Uint8Array(0);
  let markers: readonly Marker[] = [];
  const lines = createLines(context);
  const labels = createLabels();
  let lod: Lod = createLod(2, 2);

  let heightTexture: WebGLTexture | null = null;
  let maskTexture: WebGLTexture | null = null;
  let tint: Uint8Array | null = null;
  let tintTexture: WebGLTexture | null = null;
  let tintStale = true;
  let generation = -1;
  let heightsStale = true;
  let shapeStale = true;
  let maskStale = true;
  let maskSelected = -1;
  let maskHovered = -1;
  let detail: Detail = FULL;
  let rest: Detail = FULL;
  let waiting = false;
  let disposed = false;

  /** Holes as a number: NaN in a shader is not portable. */
  function copyHeights(): void {
    const { values } = grid!;
    for (let v = 0; v < heights.length; v++) {
      const value = values[v]!;
      heights[v] = Number.isNaN(value) ? HOLE : value;
    }
    heightsStale = true;
  }

  function upload(look: Look): void {
    const { gl } = context;
    const { n0, n1 } = grid!;
    if (generation !== context.generation) {
      generation = context.generation;
      heightTexture = gl.createTexture();
      maskTexture = gl.createTexture();
      tintTexture = gl.createTexture();
      heightsStale = shapeStale = maskStale = tintStale = true;
      waiting = false;
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, heightTexture);
    if (shapeStale) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, n1, n0, 0, gl.RED, gl.FLOAT, heights);
      setSampling(gl, gl.NEAREST);
    } else if (heightsStale) {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, n1, n0, gl.RED, gl.FLOAT, heights);
    }
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, maskTexture);
    const selected = basins ? look.selectedBasin : -1;
    const hovered = basins && look.hoverBasin !== look.selectedBasin ? look.hoverBasin : -1;
    if (shapeStale || maskStale || selected !== maskSelected || hovered !== maskHovered) {
      if (basins) basinMask(basins, n0, n1, selected, hovered, mask, scratch);
      if (shapeStale) {
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG8, n1, n0, 0, gl.RG, gl.UNSIGNED_BYTE, mask);
        setSampling(gl, gl.LINEAR);
      } else {
        gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, n1, n0, gl.RG, gl.UNSIGNED_BYTE, mask);
      }
      maskSelected = selected;
      maskHovered = hovered;
    }
    gl.activeTexture(gl.TEXTURE3);
    gl.bindTexture(gl.TEXTURE_2D, tintTexture);
    if (tintStale) {
      const [width, height] = tint ? [n1, n0] : [1, 1];
      const pixels = tint ?? new Uint8Array(3);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, width, height, 0, gl.RGB, gl.UNSIGNED_BYTE, pixels);
      setSampling(gl, gl.LINEAR);
    }
    heightsStale = shapeStale = maskStale = tintStale = false;
  }

  function setUniforms(look: Look): void {
    const { gl, program, lut } = context;
    const { at } = program;
    const { map, right, up, back } = camera;
    const { n0, n1 } = grid!;
    gl.useProgram(program.handle);
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, lut);
    gl.uniform1i(at.uHeight, 0);
    gl.uniform1i(at.uMask, 1);
    gl.uniform1i(at.uLut, 2);
    gl.uniform1i(at.uTint, 3);
    gl.uniform1f(at.uTinted, tint ? 1 : 0);
    gl.uniform2i(at.uShape, n0, n1);
    gl.uniform1i(at.uStride, detail.stride);
    gl.uniformMatrix4fv(at.uMatrix, false, camera.matrix);
    gl.uniform4f(at.uMap, map.gain, map.shift, map.base, map.scale === "symlog" ? -map.floor : map.floor);
    gl.uniform1f(at.uHalf, camera.half);
    gl.uniform1f(at.uMapRow, (Math.max(0, COLORMAPS.indexOf(look.colormap)) + 0.5) / COLORMAPS.length);
    gl.uniform3f(at.uEye, back[0]! * 8, back[1]! * 8, back[2]! * 8);
    // The key light hangs above the viewer's left shoulder, the fill light to the right.
    mixVector(vector, right, -0.55, up, 0.65, back, 0.5);
    gl.uniform3fv(at.uLight, vector);
    mixVector(vector, right, 0.85, up, 0.1, back, 0.5);
    gl.uniform3fv(at.uFill, vector);
    gl.uniform3f(at.uBackground, look.background[0], look.background[1], look.background[2]);
    gl.uniform3f(at.uInk, look.ink[0], look.ink[1], look.ink[2]);
    gl.uniform2f(at.uBasin, maskSelected >= 0 ? 1 : 0, maskHovered >= 0 ? 1 : 0);
    const count = look.contours ? Math.min(MAX_LEVELS, look.levels.length) : 0;
    for (let k = 0; k < count; k++) {
      levels[k * 2] = fraction(map, look.levels[k]!);
      levels[k * 2 + 1] = look.levelWeights[k] ?? 1;
    }
    gl.uniform2fv(at.uLevels, levels);
    gl.uniform1i(at.uLevelCount, count);
    gl.uniform1f(at.uFade, look.fade);
    gl.uniform1f(at.uGhost, look.ghost ? 1 : 0);
    gl.uniform1f(at.uPixel, look.pixelRatio * detail.scale);
    const { band } = look;
    gl.uniform2f(at.uBand, band ? fraction(map, band[0]) : 1, band ? fraction(map, band[1]) : 0);
    gl.uniform1f(at.uFlat, camera.flat ? 1 : 0);
    gl.uniform1f(at.uClip, look.clipped ? 1 : 0);
    gl.uniform1f(at.uNet, Math.max(1, (Math.max(n0, n1) - 1) / 24));
  }

  function render(look: Look, width: number, height: number): void {
    const { gl, canvas } = context;
    context.fit(width, height);
    gl.viewport(0, canvas.height - height, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    upload(look);
    setUniforms(look);
    const level = context.indices(grid!.n0, grid!.n1, detail.stride);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, level.buffer);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    if (look.floor && !look.ghost && !camera.flat) {
      // Beneath everything, and seen from both sides: it hides nothing.
      gl.disable(gl.CULL_FACE);
      gl.disable(gl.DEPTH_TEST);
      gl.uniform1f(context.program.at.uFloor, 1);
      gl.drawElements(gl.TRIANGLES, level.count, gl.UNSIGNED_INT, 0);
      gl.enable(gl.DEPTH_TEST);
    }
    gl.uniform1f(context.program.at.uFloor, 0);
    gl.enable(gl.CULL_FACE);
    gl.cullFace(gl.BACK);
    gl.drawElements(gl.TRIANGLES, level.count, gl.UNSIGNED_INT, 0);
    // Undersides last and translucent: the high rim in front does not hide the valley behind it.
    gl.cullFace(gl.FRONT);
    gl.drawElements(gl.TRIANGLES, level.count, gl.UNSIGNED_INT, 0);
    lines.draw(camera, look, width, height, look.pixelRatio * detail.scale);
  }

  /** Waits for the GPU without blocking; only a moving picture is measured. */
  function measure(started: number, script: number): void {
    if (waiting || disposed) return;
    const { gl } = context;
    const drawn = detail;
    const own = generation;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (!fence) return;
    waiting = true;
    const check = (now: number) => {
      if (own !== context.generation || context.lost || disposed) {
        waiting = false;
        return;
      }
      if (gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED || now - started > 500) {
        gl.deleteSync(fence);
        waiting = false;
        measured(lod, drawn, Math.max(script, now - started));
      } else requestAnimationFrame(check);
    };
    requestAnimationFrame(check);
  }

  return {
    get stride() {
      return detail.stride;
    },
    setGrid(next) {
      const { n0, n1 } = next;
      if (next.values.length !== n0 * n1) {
        throw new Error(`a grid of ${n0} x ${n1} needs ${n0 * n1} heights, not ${next.values.length}`);
      }
      if (!grid || grid.n0 !== n0 || grid.n1 !== n1) {
        heights = new Float32Array(n0 * n1);
        mask = new Uint8Array(n0 * n1 * 2);
        scratch = new Uint8Array(n0 * n1);
        lod = createLod(n0, n1);
        rest = FULL;
        basins = tint = null;
        shapeStale = maskStale = tintStale = true;
      }
      grid = next;
      copyHeights();
    },
    updateGrid(next) {
      if (!grid || grid.n0 !== next.n0 || grid.n1 !== next.n1) {
        throw new Error("updateGrid needs the shape of the present grid; call setGrid for another one");
      }
      grid = next;
      copyHeights();
    },
    setBasins(next) {
      if (next && next.length !== heights.length) {
        throw new Error(`basins need ${heights.length} rows, one per vertex, not ${next.length}`);
      }
      basins = next;
      maskStale = true;
    },
    setTint(next) {
      if (next && next.length !== 3 * heights.length) {
        throw new Error(`a tint needs ${3 * heights.length} bytes, three per vertex, not ${next.length}`);
      }
      tint = next;
      tintStale = true;
    },
    setMarkers(next) {
      markers = next;
    },
    setLines: lines.set,
    setLabels: labels.set,
    draw(look, target) {
      if (!grid || context.lost || disposed || look.width < 1 || look.height < 1) return 0;
      const started = performance.now();
      detail = look.moving ? movingDetail(lod) : rest;
      setCamera(camera, look, grid);
      const { width, height } = look;
      const drawnWidth = Math.max(1, Math.round(width * detail.scale));
      const drawnHeight = Math.max(1, Math.round(height * detail.scale));
      render(look, drawnWidth, drawnHeight);
      target.setTransform(1, 0, 0, 1, 0, 0);
      target.clearRect(0, 0, width, height);
      paintBox(target, camera, look);
      target.drawImage(context.canvas, 0, 0, drawnWidth, drawnHeight, 0, 0, width, height);
      labels.paint(target, camera, look, grid);
      paintMarkers(target, camera, look, grid, markers);
      const script = performance.now() - started;
      if (look.moving) measure(started, script);
      else if (script > TOO_SLOW_AT_REST) {
        const stride = rest.stride * 2;
        if ((Math.min(grid.n0, grid.n1) - 1) / stride >= ENOUGH_VERTICES) rest = { stride, scale: 1 };
      }
      return script;
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      if (generation === context.generation && !context.lost) {
        context.gl.deleteTexture(heightTexture);
        context.gl.deleteTexture(maskTexture);
        context.gl.deleteTexture(tintTexture);
      }
      lines.dispose();
      grid = null;
      markers = [];
      onDispose();
    },
  };
}

/** out = normalised a*x + b*y + c*z. */
export function mixVector(
  out: Float32Array,
  x: Float64Array,
  a: number,
  y: Float64Array,
  b: number,
  z: Float64Array,
  c: number,
): void {
  const length = Math.hypot(a, b, c);
  for (let k = 0; k < 3; k++) out[k] = (a * x[k]! + b * y[k]! + c * z[k]!) / length;
}
