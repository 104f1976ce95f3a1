/** GLSL of isosurfaces and slices. */

import { MAPPED } from "./shaders";

const SHADING = `
uniform vec3 uEye;
uniform vec3 uLight;
uniform vec3 uFill;
uniform vec3 uBackground;
uniform float uFade;
vec3 linear(vec3 c) { return c * c * (0.315 + 0.685 * c); }
vec3 display(vec3 c) { c = max(c, 0.0); return max(1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, 12.92 * min(c, vec3(0.0031308))); }
vec3 faded(vec3 c) { return mix(c, mix(vec3(dot(c, vec3(0.299, 0.587, 0.114))), uBackground, 0.5), uFade * 0.7); }
bool night() { return dot(uBackground, vec3(0.333)) < 0.4; }`;

export const ISO_VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec3 aPlace;
layout(location = 1) in vec4 aNormal;
layout(location = 2) in vec4 aTint;
uniform vec3 uLast;
uniform mat4 uMatrix;
uniform float uHalf;
out vec3 vNormal;
out vec3 vWorld;
out vec4 vTint;
void main() {
  vec3 size = vec3(1.0, 1.0, uHalf);
  vNormal = aNormal.xyz / size;
  vWorld = (aPlace / uLast * 2.0 - 1.0) * size;
  vTint = aTint;
  gl_Position = uMatrix * vec4(vWorld, 1.0);
}`;

export const ISO_FRAGMENT = `#version 300 es
precision highp float;
in vec3 vNormal;
in vec3 vWorld;
in vec4 vTint;
uniform vec3 uColor;
uniform float uTinted;
uniform float uAlpha;
out vec4 color;
${SHADING}
void main() {
  vec3 albedo = linear(uTinted > 0.5 ? vTint.rgb : uColor);
  bool under = !gl_FrontFacing;
  vec3 N = normalize(vNormal) * (under ? -1.0 : 1.0);
  vec3 V = normalize(uEye - vWorld);
  float key = max(dot(N, uLight), 0.0);
  float fill = max(dot(N, uFill), 0.0);
  float sky = 0.5 + 0.5 * N.z;
  float lamp = night() ? 1.3 : 1.06;
  float edge = 1.0 - abs(dot(N, V));
  vec3 c = albedo * (0.30 + 0.26 * sky + 0.66 * key + 0.16 * fill) * lamp;
  float shine = pow(max(dot(N, normalize(uLight + V)), 0.0), 60.0);
  c += shine * (0.05 + 0.22 * albedo);
  // A rim as of glass: it draws the outline of what is translucent.
  float rim = edge * edge * edge;
  c = mix(c, (night() ? albedo * 1.5 + 0.06 : albedo * 0.5), 0.55 * rim);
  c = display(c);
  if (under) c = mix(c * 0.82, vec3(dot(c, vec3(0.333))), 0.2);
  float dim = 1.0 - vTint.a;
  float grey = dot(c, vec3(0.299, 0.587, 0.114));
  c = mix(c, mix(vec3(grey), uBackground, night() ? 0.3 : 0.45), 0.85 * dim);
  float alpha = mix(uAlpha, 1.0, rim * 0.75) * (1.0 - 0.55 * dim);
  color = vec4(faded(c) * alpha, alpha);
}`;

export const SLICE_VERTEX = `#version 300 es
precision highp float;
precision highp int;
uniform mat4 uMatrix;
uniform vec3 uCorner;
uniform vec3 uAlong;
uniform vec3 uAcross;
uniform ivec2 uShape;
out vec2 vGrid;
void main() {
  vec2 at = vec2(gl_VertexID >> 1, gl_VertexID & 1);
  vGrid = at * vec2(uShape - 1);
  gl_Position = uMatrix * vec4(uCorner + at.x * uAlong + at.y * uAcross, 1.0);
}`;

export const SLICE_FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D uField;   // one row for each step along
uniform sampler2D uLut;
uniform ivec2 uShape;
uniform vec4 uMap;          // gain, shift, base, floor (> 0: of a logarithm; < 0: minus the linear width)
uniform float uMapRow;
uniform float uLevel;       // share of the range; < -9 = none
uniform float uCut;         // 1 = only what lies inside the level
uniform float uAlpha;
uniform float uShade;
uniform vec2 uLevels[16];
uniform int uLevelCount;
uniform float uPixel;
in vec2 vGrid;
out vec4 color;
${SHADING}
${MAPPED}float stroke(float f, float gradient, float width) {
  return 1.0 - smoothstep(-0.5, 0.5, abs(f) / max(gradient, 1e-9) - 0.5 * width * uPixel);
}
void main() {
  ivec2 low = clamp(ivec2(floor(vGrid)), ivec2(0), uShape - 2);
  vec2 w = vGrid - vec2(low);
  float a = texelFetch(uField, low.yx, 0).r;
  float b = texelFetch(uField, low.yx + ivec2(0, 1), 0).r;
  float c = texelFetch(uField, low.yx + ivec2(1, 0), 0).r;
  float d = texelFetch(uField, low.yx + ivec2(1, 1), 0).r;
  bool hole = (a > 1e38 && (1.0 - w.x) * (1.0 - w.y) > 0.0) || (b > 1e38 && w.x * (1.0 - w.y) > 0.0)
    || (c > 1e38 && (1.0 - w.x) * w.y > 0.0) || (d > 1e38 && w.x * w.y > 0.0);
  float t = hole ? 0.0 : mapped(mix(mix(a, b, w.x), mix(c, d, w.x), w.y));
  float dT = length(vec2(dFdx(t), dFdy(t)));
  vec2 dGrid = vec2(length(vec2(dFdx(vGrid.x), dFdy(vGrid.x))), length(vec2(dFdx(vGrid.y), dFdy(vGrid.y))));
  // Beside a hole there is no slope: lines as wide as its edge would be drawn there.
  if (fwidth(hole ? 1.0 : 0.0) > 0.0) dT = 0.0;
  if (hole) discard;
  float inside = uLevel < -9.0 ? 1.0 : clamp(0.5 + (uLevel - t + 1e-6) / max(dT, 1e-7), 0.0, 1.0);
  if (uCut > 0.5 && inside <= 0.0) discard;
  vec3 albedo = texture(uLut, vec2(t * (255.0 / 256.0) + 0.5 / 256.0, uMapRow)).rgb;
  vec3 shown = display(linear(albedo) * uShade);
  float contour = 0.0;
  for (int k = 0; k < 16; k++) {
    if (k >= uLevelCount) break;
    float strength = uLevels[k].y;
    contour = max(contour, stroke(t - uLevels[k].x, dT, mix(0.75, 1.2, strength)) * mix(0.28, 0.55, strength));
  }
  contour *= smoothstep(0.0, 1e-4, dT);
  float light = dot(linear(albedo), vec3(0.2126, 0.7152, 0.0722));
  shown = mix(shown, mix(mix(shown, vec3(1.0), 0.4), shown * 0.3, smoothstep(0.05, 0.12, light)), contour);
  if (uLevel > -9.0 && uCut < 0.5) {
    float line = stroke(t - uLevel, dT, 2.0) * smoothstep(0.0, 1e-4, dT);
    float halo = stroke(t - uLevel, dT, 4.0) * smoothstep(0.0, 1e-4, dT);
    shown = mix(shown, shown * 0.45, 0.55 * halo);
    shown = mix(shown, vec3(1.0), line);
  }
  vec2 toRim = min(vGrid, vec2(uShape - 1) - vGrid) / max(dGrid, vec2(1e-9));
  float border = 1.0 - smoothstep(0.0, 1.0, min(toRim.x, toRim.y) - 0.6 * uPixel);
  if (uCut < 0.5) shown = mix(shown, shown * 0.45, 0.6 * border);
  float alpha = uAlpha * (uCut > 0.5 ? inside : 1.0);
  color = vec4(faded(shown) * alpha, alpha);
}`;
