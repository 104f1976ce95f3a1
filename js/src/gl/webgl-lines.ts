import type { Camera } from "./camera";
import type { Line, Look } from "./engine";
import { fraction } from "./height-map";
import { linkProgram } from "./program";
import { LINE_FRAGMENT, LINE_VERTEX } from "./shaders";
import type { Context } from "./webgl-engine";

const UNIFORMS = ["uMatrix", "uSize", "uWidth", "uLift", "uColor", "uAlpha", "uDash"] as const;
const FLOATS = 8; // from, to, length so far at both
/** How much nearer than the surface, in clip space: else the line would sink into its triangles. */
const LIFT = 0.0012;
const DASH = 0.045;
const HIDDEN_ALPHA = 0.28;
/** Beyond the window there is no box to draw in. */
const INSIDE = 1.0001;

type LineProgram = ReturnType<typeof linkProgram<(typeof UNIFORMS)[number]>>;

/** Lines on one surface, drawn into the same depth buffer. */
export function createLines(context: Context) {
  let lines: readonly Line[] = [];
  let data = new Float32Array(0);
  /** First segment and number of segments of every line. */
  let ranges: [number, number][] = [];
  let program: LineProgram | null = null;
  let buffer: WebGLBuffer | null = null;
  let array: WebGLVertexArrayObject | null = null;
  let generation = -1;
  let stale = true;
  const placed = new Float64Array(10);
  const now = new Float64Array(10);

  function fill(camera: Camera, clipped: boolean): void {
    const count = lines.reduce((sum, line) => sum + Math.max(0, line.points.length / 3 - 1), 0);
    if (data.length < count * FLOATS) data = new Float32Array(count * FLOATS);
    ranges = [];
    let next = 0;
    for (const { points } of lines) {
      const first = next;
      let length = 0;
      let [px, py, pz] = [Number.NaN, 0, 0];
      for (let k = 0; k + 2 < points.length; k += 3) {
        const x = points[k]! * camera.scaleX + camera.shiftX;
        const y = points[k + 1]! * camera.scaleY + camera.shiftY;
        const t = fraction(camera.map, points[k + 2]!);
        const shown =
          Math.abs(x) <= INSIDE && Math.abs(y) <= INSIDE && !(clipped && t > 1) && !Number.isNaN(t);
        const z = (2 * t - 1) * camera.half;
        if (shown && !Number.isNaN(px)) {
          const step = Math.hypot(x - px, y - py, z - pz);
          data.set([px, py, pz, x, y, z, length, length + step], next * FLOATS);
          length += step;
          next++;
        }
        [px, py, pz] = [shown ? x : Number.NaN, y, z];
      }
      ranges.push([first, next - first]);
    }
  }

  function prepare(camera: Camera, look: Look): void {
    const { gl } = context;
    if (generation !== context.generation) {
      generation = context.generation;
      program = linkProgram(gl, LINE_VERTEX, LINE_FRAGMENT, UNIFORMS);
      buffer = gl.createBuffer();
      array = gl.createVertexArray();
      stale = true;
    }
    const { map } = camera;
    now[0] = camera.scaleX;
    now[1] = camera.shiftX;
    now[2] = camera.scaleY;
    now[3] = camera.shiftY;
    now[4] = camera.half;
    now[5] = map.gain;
    now[6] = map.shift;
    now[7] = map.base;
    now[8] = map.floor;
    now[9] = look.clipped ? 1 : 0;
    for (let k = 0; k < 10; k++) if (now[k] !== placed[k]) stale = true;
    if (!stale) return;
    placed.set(now);
    stale = false;
    fill(camera, look.clipped === true);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
  }

  function point(first: number): void {
    const { gl } = context;
    for (const [slot, size, offset] of [
      [0, 3, 0],
      [1, 3, 12],
      [2, 2, 24],
    ] as const) {
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, size, gl.FLOAT, false, FLOATS * 4, first * FLOATS * 4 + offset);
      gl.vertexAttribDivisor(slot, 1);
    }
  }

  return {
    set(next: readonly Line[]): void {
      lines = next;
      stale = true;
    },
    draw(camera: Camera, look: Look, width: number, height: number, pixel: number): void {
      if (lines.length === 0) return;
      prepare(camera, look);
      const { gl } = context;
      const { at, handle } = program!;
      gl.useProgram(handle);
      gl.bindVertexArray(array);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.disable(gl.CULL_FACE);
      gl.depthMask(false);
      gl.uniformMatrix4fv(at.uMatrix, false, camera.matrix);
      gl.uniform2f(at.uSize, width / 2, height / 2);
      gl.uniform1f(at.uLift, LIFT);
      // What the surface hides first: what it does not hide covers it.
      for (const hidden of [true, false]) {
        gl.depthFunc(hidden ? gl.GREATER : gl.LEQUAL);
        gl.uniform1f(at.uAlpha, (hidden ? HIDDEN_ALPHA : 1) * (look.fade > 0 ? 0.6 : 1));
        lines.forEach((line, k) => {
          const [first, count] = ranges[k]!;
          if (count === 0) return;
          point(first);
          gl.uniform1f(at.uWidth, (line.width * pixel) / 2);
          gl.uniform1f(at.uDash, line.dashed ? DASH : 0);
          gl.uniform3f(at.uColor, line.color[0], line.color[1], line.color[2]);
          gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
        });
      }
      gl.depthMask(true);
      gl.depthFunc(gl.LEQUAL);
      gl.bindVertexArray(null);
    },
    dispose(): void {
      if (generation !== context.generation || context.lost) return;
      context.gl.deleteBuffer(buffer);
      context.gl.deleteVertexArray(array);
      if (program !== null) context.gl.deleteProgram(program.handle);
    },
  };
}
