// Shaders that run for every pixel of a picture. Textures have their first row at the top of the painting.

const SCREEN = `#version 300 es
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0); }`;

const HEAD = `#version 300 es
precision highp float;
precision highp sampler2D;
`;

// The bare canvas: its colour, and the relief of the ground; or a grey picture alone.
const BARE = `${HEAD}
uniform sampler2D ground;
uniform vec3 canvas;
uniform vec4 frame;
uniform vec2 range;
uniform bool alone;
layout(location = 0) out vec4 color;
layout(location = 1) out vec4 height;
// Cubic convolution (Keys 1981), so that slopes are continuous, too.
vec4 weights(float t) {
  return vec4(((-0.5 * t + 1.0) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1.0,
    ((-1.5 * t + 2.0) * t + 0.5) * t, (0.5 * t - 0.5) * t * t);
}
void main() {
  ivec2 size = textureSize(ground, 0);
  vec2 at = (frame.xy + gl_FragCoord.xy / frame.z) * float(max(size.x, size.y)) - 0.5;
  ivec2 corner = ivec2(floor(at)) - 1;
  vec4 across = weights(fract(at.x)), down = weights(fract(at.y));
  float sum = 0.0;
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++)
      sum += across[i] * down[j] * texelFetch(ground, clamp(corner + ivec2(i, j), ivec2(0), size - 1), 0).r;
  height = vec4(range.x + range.y * sum, 0.0, 0.0, 1.0);
  color = alone ? height : vec4(canvas, 1.0);
}`;

// Colours and heights as they are elsewhere.
const COPY = `${HEAD}
uniform sampler2D colors, heights;
layout(location = 0) out vec4 color;
layout(location = 1) out vec4 height;
void main() {
  color = texelFetch(colors, ivec2(gl_FragCoord.xy), 0);
  height = texelFetch(heights, ivec2(gl_FragCoord.xy), 0);
}`;

// A blur along one axis, by weights of the middle and of the texels at either side.
const MOST_WEIGHTS = 40;
const BLUR = `${HEAD}
uniform sampler2D source;
uniform ivec2 axis;
uniform float weights[${MOST_WEIGHTS}];
uniform int reach;
out vec4 blurred;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy), last = textureSize(source, 0) - 1;
  float sum = weights[0] * texelFetch(source, at, 0).r;
  for (int i = 1; i <= reach; i++) {
    float before = texelFetch(source, max(at - i * axis, ivec2(0)), 0).r;
    sum += weights[i] * (before + texelFetch(source, min(at + i * axis, last), 0).r);
  }
  blurred = vec4(sum);
}`;

// The mean of squares of texels.
const SHRINK = `${HEAD}
uniform sampler2D source;
uniform int times;
out vec4 mean;
void main() {
  ivec2 corner = ivec2(gl_FragCoord.xy) * times, last = textureSize(source, 0) - 1;
  float sum = 0.0;
  for (int i = 0; i < times; i++)
    for (int j = 0; j < times; j++) sum += texelFetch(source, min(corner + ivec2(i, j), last), 0).r;
  mean = vec4(sum / float(times * times));
}`;

// Colours under light.
const lightShader = (light) => `${HEAD}
${light.functions}
uniform sampler2D colors, rounded, around;
uniform vec4 frame;
uniform vec4 lamp;
uniform float relief, gloss;
uniform bool flipped;
out vec4 shown;
void main() {
  ivec2 size = textureSize(colors, 0), last = size - 1, at = ivec2(gl_FragCoord.xy);
  if (flipped) at.y = last.y - at.y;
  vec4 color = texelFetch(colors, at, 0);
  float here = texelFetch(rounded, at, 0).r, slope = relief * ${light.unit} * frame.z / 2.0;
  float right = slope * (texelFetch(rounded, min(at + ivec2(1, 0), last), 0).r
    - texelFetch(rounded, max(at - ivec2(1, 0), ivec2(0)), 0).r);
  float down = slope * (texelFetch(rounded, min(at + ivec2(0, 1), last), 0).r
    - texelFetch(rounded, max(at - ivec2(0, 1), ivec2(0)), 0).r);
  float depth = relief * (texture(around, (vec2(at) + 0.5) / vec2(size)).r - here);
  vec3 way = lamp.xyz;
  if (lamp.w > 0.0) way.xy -= frame.xy + (vec2(at) + 0.5) / frame.z;
  way = normalize(way);
  float bright = (color.r + color.g + color.b) / 3.0, to_x = way.x, to_y = way.y, to_z = way.z;
  ${light.lines}
  vec3 lit = color.rgb * ${light.shade} + gloss * ${light.gloss} * ${light.shine};
  shown = vec4(relief > 0.0 ? lit : color.rgb, 1.0);
}`;
