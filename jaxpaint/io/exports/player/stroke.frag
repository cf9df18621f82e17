uniform sampler2D tables;
$functions
flat in vec4 passed[$slots];
flat in float number;
uniform vec4 frame;
uniform sampler2D teeth;
uniform bool picking;
layout(location = 0) out vec4 color;
layout(location = 1) out vec4 height;

void main() {
  float sharpness = frame.z;
  float x = frame.x + gl_FragCoord.x / sharpness, y = frame.y + gl_FragCoord.y / sharpness;
  float tooth = texelFetch(teeth, ivec2(gl_FragCoord.xy), 0).r;
  $passed
  $lines
  vec3 added = vec3($added);
  vec3 kept = vec3($kept);
  if (picking) {
    if (min(min(kept.r, kept.g), kept.b) > 0.85) discard;
    color = vec4(mod(floor((number + 1.0) / vec3(1.0, 256.0, 65536.0)), 256.0), 255.0) / 255.0;
    return;
  }
  $written
}
