import { FRAGMENT, VERTEX } from "./shaders";

const NAMES = [
  "uHeight",
  "uLut",
  "uMask",
  "uTint",
  "uTinted",
  "uShape",
  "uStride",
  "uMatrix",
  "uMap",
  "uHalf",
  "uMapRow",
  "uEye",
  "uLight",
  "uFill",
  "uBackground",
  "uInk",
  "uBasin",
  "uLevels",
  "uLevelCount",
  "uFade",
  "uGhost",
  "uPixel",
  "uNet",
] as const;

export interface Program {
  handle: WebGLProgram;
  at: Record<(typeof NAMES)[number], WebGLUniformLocation | null>;
}

function compile(gl: WebGL2RenderingContext, type: number, source: string): WebGLShader {
  const shader = gl.createShader(type);
  if (!shader) throw new Error("WebGL could not create a shader: the context is lost");
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(`WebGL rejected a shader: ${gl.getShaderInfoLog(shader)}`);
  }
  return shader;
}

export function createProgram(gl: WebGL2RenderingContext): Program {
  const handle = gl.createProgram();
  if (!handle) throw new Error("WebGL could not create a program: the context is lost");
  const shaders = [compile(gl, gl.VERTEX_SHADER, VERTEX), compile(gl, gl.FRAGMENT_SHADER, FRAGMENT)];
  for (const shader of shaders) gl.attachShader(handle, shader);
  gl.linkProgram(handle);
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`WebGL could not link the surface's program: ${gl.getProgramInfoLog(handle)}`);
  }
  for (const shader of shaders) gl.deleteShader(shader);
  const at = {} as Program["at"];
  for (const name of NAMES) at[name] = gl.getUniformLocation(handle, name);
  return { handle, at };
}
