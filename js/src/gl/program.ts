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
  "uBand",
  "uClip",
  "uFloor",
  "uFlat",
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

export const createProgram = (gl: WebGL2RenderingContext): Program =>
  linkProgram(gl, VERTEX, FRAGMENT, NAMES);

/** A program and where its uniforms are. */
export function linkProgram<Name extends string>(
  gl: WebGL2RenderingContext,
  vertex: string,
  fragment: string,
  names: readonly Name[],
): { handle: WebGLProgram; at: Record<Name, WebGLUniformLocation | null> } {
  const handle = gl.createProgram();
  if (!handle) throw new Error("WebGL could not create a program: the context is lost");
  const shaders = [compile(gl, gl.VERTEX_SHADER, vertex), compile(gl, gl.FRAGMENT_SHADER, fragment)];
  for (const shader of shaders) gl.attachShader(handle, shader);
  gl.linkProgram(handle);
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`WebGL could not link a program: ${gl.getProgramInfoLog(handle)}`);
  }
  for (const shader of shaders) gl.deleteShader(shader);
  const at = {} as Record<Name, WebGLUniformLocation | null>;
  for (const name of names) at[name] = gl.getUniformLocation(handle, name);
  return { handle, at };
}
