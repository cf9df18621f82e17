uniform sampler2D tables;
$functions
$given
uniform vec4 low[$vectors], span[$vectors];
uniform vec4 frame;
uniform vec2 size;
uniform float first;
// How far a stroke reaches beyond its path and to its sides, in its radii.
uniform vec2 around;
flat out vec4 passed[$slots];
flat out float number;

// Where a quadratic curve from 0 to `end` is least and greatest.
vec2 reach(float control, float end) {
  float turn = control > max(end, 0.0) || control < min(end, 0.0) ? control * control / (2.0 * control - end) : 0.0;
  return vec2(min(min(end, turn), 0.0), max(max(end, turn), 0.0));
}

void main() {
  float sharpness = frame.z;
  $taken
  $lines
  $passed
  number = first + float(gl_InstanceID);
  // The box around the stroke, along its chord, and a pixel and a half more for smooth edges.
  vec2 start = vec2(path0, path1), control = vec2(path2, path3) - start, chord = vec2(path4, path5) - start;
  float far = length(chord), radius = max(widths0, widths1) / 2.0;
  vec2 along = far > 1e-6 ? chord / far : vec2(1.0, 0.0), across = vec2(-along.y, along.x);
  vec2 alongs = reach(dot(control, along), far), acrosses = reach(dot(control, across), 0.0);
  vec2 margin = radius * around + 1.5 / sharpness;
  alongs += vec2(-margin.x, margin.x);
  acrosses += vec2(-margin.y, margin.y);
  vec2 at = start + alongs[gl_VertexID & 1] * along + acrosses[gl_VertexID >> 1] * across;
  gl_Position = vec4((at - frame.xy) * frame.z / size * 2.0 - 1.0, 0.0, 1.0);
}
