uniform sampler2D tables;
$functions
$given
uniform vec4 low[$vectors], span[$vectors];
uniform vec4 frame;
uniform vec2 size;
uniform float first;
flat out vec4 passed[$slots];
flat out float number;

void main() {
  float sharpness = frame.z;
  $taken
  $lines
  $passed
  number = first + float(gl_InstanceID);
  // The box around the stroke, and a pixel and a half more for smooth edges.
  vec2 half_length = vec2(box2, box3), corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
  float long_side = length(half_length), more = 1.5 / sharpness;
  vec2 along = long_side > 0.0 ? half_length / long_side : vec2(1.0, 0.0), across = vec2(-along.y, along.x);
  vec2 at = vec2(box0, box1) + corner.x * (long_side + more) * along + corner.y * (box4 + more) * across;
  gl_Position = vec4((at - frame.xy) * frame.z / size * 2.0 - 1.0, 0.0, 1.0);
}
