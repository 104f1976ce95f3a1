/** GLSL of the surface. Heights are read from a texture by gl_VertexID: an update is one texture upload. */

export const HOLE = 3e38;

/** A value as a share of the height: `fraction` of height-map.ts, for uMap = gain, shift, base, floor. */
export const MAPPED = `
float mapped(float value) {
  float loss = value + uMap.z;
  float scaled = value;
  if (uMap.w > 0.0) scaled = log(max(loss, uMap.w));
  else if (uMap.w < 0.0) scaled = sign(loss) * log(1.0 - abs(loss) / uMap.w);
  return scaled * uMap.x + uMap.y;
}
`;

export const VERTEX = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D uHeight;
uniform ivec2 uShape;
uniform int uStride;
uniform mat4 uMatrix;
uniform vec4 uMap;   // gain, shift, base, floor (> 0: of a logarithm; < 0: minus the linear width)
uniform float uFloor; // 1: the map on the floor
uniform float uHalf;
out vec3 vNormal;
out vec3 vWorld;
out vec2 vGrid;
out float vT;
out float vHole;
out float vCavity;

float raw(ivec2 at) { return texelFetch(uHeight, at.yx, 0).r; }

${MAPPED}
float near(ivec2 at, float own) {
  float value = raw(clamp(at, ivec2(0), uShape - 1));
  return value > 1e38 ? own : mapped(value);
}

void main() {
  ivec2 at = ivec2(gl_VertexID / uShape.y, gl_VertexID % uShape.y);
  float value = raw(at);
  vHole = value > 1e38 ? 1.0 : 0.0;
  float t = vHole > 0.0 ? 0.0 : mapped(value);
  ivec2 s = ivec2(uStride, 0);
  float e = near(at + s, t);
  float w = near(at - s, t);
  float n = near(at + s.yx, t);
  float b = near(at - s.yx, t);
  vec2 last = vec2(uShape - 1);
  // Neighbours are clamped at the rim, so the difference is one-sided there.
  vec2 reach = vec2(min(at + uStride, uShape - 1) - max(at - uStride, ivec2(0))) * 2.0 / last;
  vec2 slope = vec2(e - w, n - b) / max(reach, vec2(1e-9)) * 2.0 * uHalf;
  vNormal = vec3(-slope, 1.0);
  vec2 cell = 2.0 * float(uStride) / last;
  float bend = 2.0 * uHalf * ((e + w - 2.0 * t) / cell.x + (n + b - 2.0 * t) / cell.y);
  // Bounded here, not in the fragment: a sharp crease would else show the triangles' teeth.
  vCavity = bend / (1.0 + abs(bend));
  vT = t;
  vGrid = vec2(at);
  vWorld = vec3(vGrid / last * 2.0 - 1.0, uFloor > 0.5 ? -uHalf : (2.0 * t - 1.0) * uHalf);
  gl_Position = uMatrix * vec4(vWorld, 1.0);
}`;

export const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D uLut;
uniform sampler2D uTint;    // colour of the basin
uniform float uTinted;
uniform sampler2D uMask;    // r: selected basin, g: hovered basin
uniform ivec2 uShape;
uniform float uMapRow;
uniform vec3 uEye;
uniform vec3 uLight;
uniform vec3 uFill;
uniform vec3 uBackground;
uniform vec3 uInk;
uniform vec2 uBasin;        // whether one is selected, hovered
uniform vec2 uLevels[16];   // fraction of the height, strength
uniform int uLevelCount;
uniform float uFade;
uniform float uGhost;
uniform float uPixel;       // device pixels per CSS pixel
uniform float uNet;         // vertices between the lines of the ghost's net
uniform vec2 uBand;         // fractions of the height that keep their colours; x > y = all
uniform float uClip;        // 1: what is above the box is cut off
uniform float uFloor;       // 1: the map on the floor
uniform float uFlat;        // 1: a map: colours are read off, light only hints at the relief
in vec3 vNormal;
in vec3 vWorld;
in vec2 vGrid;
in float vT;
in float vHole;
in float vCavity;
out vec4 color;

vec3 linear(vec3 c) { return c * c * (0.315 + 0.685 * c); }
vec3 display(vec3 c) { c = max(c, 0.0); return max(1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, 12.92 * min(c, vec3(0.0031308))); }

/** Coverage of a line of the given width (CSS pixels) where f crosses 0. */
float stroke(float f, float gradient, float width) {
  float distance = abs(f) / max(gradient, 1e-9);
  return 1.0 - smoothstep(-0.5, 0.5, distance - 0.5 * width * uPixel);
}

void main() {
  // Derivatives first: they are undefined after a divergent discard.
  float dT = length(vec2(dFdx(vT), dFdy(vT)));
  vec2 dGrid = vec2(length(vec2(dFdx(vGrid.x), dFdy(vGrid.x))), length(vec2(dFdx(vGrid.y), dFdy(vGrid.y))));
  vec4 mask = texture(uMask, (vGrid.yx + 0.5) / vec2(uShape.yx));
  vec2 dMask = vec2(length(vec2(dFdx(mask.r), dFdy(mask.r))), length(vec2(dFdx(mask.g), dFdy(mask.g))));
  if (vHole > 0.0) discard;
  if (uClip > 0.5 && uFloor < 0.5 && vT > 1.0) discard;
  bool under = !gl_FrontFacing && uFloor < 0.5;

  vec3 albedo = linear(texture(uLut, vec2(vT * (255.0 / 256.0) + 0.5 / 256.0, uMapRow)).rgb);
  if (uTinted > 0.5) albedo = linear(texture(uTint, (vGrid.yx + 0.5) / vec2(uShape.yx)).rgb) * mix(0.62, 1.12, vT);
  vec3 N = normalize(vNormal) * (under ? -1.0 : 1.0);
  vec3 V = normalize(uEye - vWorld);
  float key = max(dot(N, uLight), 0.0);
  float fill = max(dot(N, uFill), 0.0);
  float sky = 0.5 + 0.5 * N.z;
  float cavity = min(1.0 - 0.3 * vCavity, 1.12);
  // A dark page needs a brighter lamp for the low end of the maps to stand out.
  float lamp = dot(uBackground, vec3(0.333)) < 0.4 ? 1.25 : 1.0;
  float light = (0.34 + 0.22 * sky + 0.62 * key + 0.14 * fill) * cavity * lamp;
  light = mix(light, 0.9 + 0.2 * (light - 0.9), uFlat);
  vec3 c = albedo * light;
  float shine = pow(max(dot(N, normalize(uLight + V)), 0.0), 48.0);
  c += (1.0 - uFlat) * shine * (0.018 + 0.16 * albedo);
  float rim = pow(1.0 - max(dot(N, V), 0.0), 4.0);
  c += (1.0 - uFlat) * 0.05 * rim * (albedo + 0.15);
  c = display(c);

  float grey = dot(c, vec3(0.299, 0.587, 0.114));
  float emphasis = 1.0;
  if (uBasin.x > 0.5) {
    float inside = smoothstep(-0.5, 0.5, (mask.r - 0.5) / max(dMask.r, 1e-4));
    emphasis = inside;
    // Towards white it fades, towards black it would vanish.
    bool night = dot(uBackground, vec3(0.333)) < 0.4;
    vec3 dim = mix(mix(c, vec3(grey), night ? 0.8 : 0.72), uBackground, night ? 0.14 : 0.42);
    c = mix(dim, mix(c, sqrt(c), 0.16), inside);
  } else if (uBasin.y > 0.5) {
    float inside = smoothstep(-0.5, 0.5, (mask.g - 0.5) / max(dMask.g, 1e-4));
    emphasis = inside;
    c = mix(mix(mix(c, vec3(grey), 0.5), uBackground, 0.2), mix(c, sqrt(c), 0.16), inside);
  }

  float contour = 0.0;
  for (int k = 0; k < 16; k++) {
    if (k >= uLevelCount) break;
    float strength = uLevels[k].y;
    contour = max(contour, stroke(vT - uLevels[k].x, dT, mix(0.75, 1.25, strength)) * mix(0.30, 0.62, strength));
  }
  // Lines that run together on a flat stretch fade instead of flooding it.
  contour *= smoothstep(0.0, 1e-4, dT) * mix(0.55, 1.0, emphasis);
  // By the map's own lightness, so that a line keeps its kind all along.
  vec3 paler = mix(c, vec3(1.0), 0.40);
  vec3 darker = c * 0.28;
  c = mix(c, mix(paler, darker, smoothstep(0.05, 0.12, dot(albedo, vec3(0.2126, 0.7152, 0.0722)))), contour);

  if (uBand.x <= uBand.y) {
    float edge = max(dT, 1e-6);
    float outside = max(uBand.x - vT, vT - uBand.y) / edge;
    float off = smoothstep(-0.5, 0.5, outside);
    float pale = dot(c, vec3(0.299, 0.587, 0.114));
    c = mix(c, mix(vec3(pale), uBackground, 0.45), off * 0.85);
    c = mix(c, uInk, 0.75 * (1.0 - smoothstep(0.5 * uPixel, 1.5 * uPixel, abs(outside))) * step(1e-6, dT));
  }
  if (uClip > 0.5) c = mix(c, uInk, 0.8 * stroke(vT - 1.0, dT, 3.0));

  vec2 toRim = min(vGrid, vec2(uShape - 1) - vGrid) / max(dGrid, vec2(1e-9));
  float border = 1.0 - smoothstep(0.0, 1.0, min(toRim.x, toRim.y) - 0.6 * uPixel);
  c = mix(c, mix(c * 0.45, vec3(1.0), grey < 0.2 ? 0.35 : 0.0), 0.55 * border);

  if (uBasin.x > 0.5) {
    float distance = abs(mask.r - 0.5) / max(dMask.r, 1e-4) / uPixel;
    float on = step(1e-4, dMask.r);
    c = mix(c, vec3(1.0), on * 0.42 * exp(-distance * 0.32));
    c = mix(c, vec3(1.0), on * (1.0 - smoothstep(0.6, 1.5, distance)));
  }
  if (uBasin.y > 0.5) {
    float distance = abs(mask.g - 0.5) / max(dMask.g, 1e-4) / uPixel;
    c = mix(c, vec3(1.0), step(1e-4, dMask.g) * 0.9 * (1.0 - smoothstep(0.5, 1.3, distance)));
  }

  float alpha = 1.0;
  if (under) {
    c = mix(c * 0.78, vec3(dot(c, vec3(0.333))), 0.25);
    alpha = 0.42;
  }
  if (uGhost > 0.5) {
    vec2 net = abs(fract(vGrid / uNet + 0.5) - 0.5) * uNet / max(dGrid, vec2(1e-9));
    float wire = 1.0 - smoothstep(0.0, 1.0, min(net.x, net.y) - 0.35 * uPixel);
    wire = max(wire, border);
    c = mix(mix(c, uBackground, 0.35), c * 0.85 + uInk * 0.1, wire);
    alpha = mix(0.34, 0.95, wire) * (under ? 0.5 : 1.0);
  }
  if (uFloor > 0.5) {
    vec3 flatColor = display(albedo);
    c = mix(flatColor, uBackground, vT > 1.0 ? 0.85 : 0.5);
    c = mix(c, uInk, 0.75 * contour);
    alpha = 1.0;
  }
  c = mix(c, mix(vec3(dot(c, vec3(0.299, 0.587, 0.114))), uBackground, 0.5), uFade * 0.7);
  color = vec4(c * alpha, alpha);
}`;

/** A segment as a quad of constant width on the screen, moved a little towards the eye. */
export const LINE_VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec3 aFrom;
layout(location = 1) in vec3 aTo;
layout(location = 2) in vec2 aAlong; // length from the start of the line to both ends, world
uniform mat4 uMatrix;
uniform vec2 uSize;    // device pixels
uniform float uWidth;
uniform float uLift;
out float vAlong;
out float vAcross;
void main() {
  vec4 a = uMatrix * vec4(aFrom, 1.0);
  vec4 b = uMatrix * vec4(aTo, 1.0);
  vec2 along = (b.xy / b.w - a.xy / a.w) * uSize;
  float size = length(along);
  vec2 across = size > 1e-6 ? vec2(-along.y, along.x) / size : vec2(0.0, 1.0);
  vec2 forward = size > 1e-6 ? along / size : vec2(1.0, 0.0);
  bool second = gl_VertexID > 1;
  float side = (gl_VertexID & 1) == 1 ? 1.0 : -1.0;
  vec4 at = second ? b : a;
  // Half a width beyond both ends: the joints of a bent line close.
  vec2 shift = (across * side + forward * (second ? 0.5 : -0.5)) * (uWidth + 1.0);
  at.xy += shift / uSize * at.w;
  at.z -= uLift * at.w;
  vAlong = second ? aAlong.y : aAlong.x;
  vAcross = side * (uWidth + 1.0);
  gl_Position = at;
}`;

export const LINE_FRAGMENT = `#version 300 es
precision highp float;
uniform vec3 uColor;
uniform float uAlpha;
uniform float uWidth;
uniform float uDash;   // world; 0 = none
in float vAlong;
in float vAcross;
out vec4 color;
void main() {
  if (uDash > 0.0 && fract(vAlong / uDash) > 0.55) discard;
  float alpha = uAlpha * (1.0 - smoothstep(uWidth - 0.5, uWidth + 0.5, abs(vAcross)));
  if (alpha <= 0.0) discard;
  color = vec4(uColor * alpha, alpha);
}`;
