// The strokes: numbers from the file, and shapes in canvas units (the picture's long side is 1, y points down).

// Corners of the ends of a path, in radii along and across it.
const ARC = Array.from({ length: 15 }, (_, k) => Math.PI * ((k + 1) / 16 - 0.5));
const CAPS = { butt: [], square: [[1, -1], [1, 1]], round: ARC.map((turn) => [Math.cos(turn), Math.sin(turn)]) };
// How far strokes reach beyond their path and to its sides, in radii.
const AROUND = { butt: [0, 1], square: [Math.SQRT2, Math.SQRT2], round: [1, 1] };
const PIECES = 16;

class Strokes {
  constructor({ count, fields, low, span, cap, data }) {
    this.count = count;
    this.columns = low.length;
    this.numbers = new Uint16Array(bytesOf(data).buffer);
    this.cap = CAPS[cap];
    this.around = AROUND[cap];
    Object.assign(this, { fields, low, span });
  }

  get(stroke, name) {
    return this.fields[name].map((i) => this.low[i] + (this.span[i] * this.numbers[stroke * this.columns + i]) / 65535);
  }

  // Both colours, as #rrggbb.
  colors(stroke) {
    const values = this.get(stroke, "colors");
    return [hexadecimal(values.slice(0, 3)), hexadecimal(values.slice(-3))];
  }

  opacity(stroke) {
    const [opacity = 1] = this.get(stroke, "alpha");
    return opacity;
  }

  // About the area of a stroke.
  area(stroke) {
    const [x0, y0, , , x2, y2] = this.get(stroke, "path");
    const width = Math.max(...this.get(stroke, "widths"));
    return width * (width + Math.hypot(x2 - x0, y2 - y0));
  }

  // The polygon of a stroke without texture.
  outline(stroke) {
    const path = this.get(stroke, "path");
    const [first, last] = this.get(stroke, "widths");
    const points = Array.from({ length: PIECES + 1 }, (_, i) => onCurve(path, i / PIECES));
    const corner = ({ x, y, dx, dy }, along, across) => [x + along * dx - across * dy, y + along * dy + across * dx];
    const radius = (i) => (first + ((last - first) * i) / PIECES) / 2;
    const side = (way) => points.map((point, i) => corner(point, 0, way * radius(i)));
    const end = (i, way) => this.cap.map(([along, across]) => corner(points[i], way * radius(i) * along, way * radius(i) * across));
    const polygon = [...side(-1), ...end(PIECES, 1), ...side(1).reverse(), ...end(0, -1)];
    // Inside a tight bend, the inner side runs through the stroke.
    const within = ([x, y]) => points.some((point, i) => Math.hypot(point.x - x, point.y - y) < 0.95 * radius(i));
    return this.cap === CAPS.round ? polygon.filter((each) => !within(each)) : polygon;
  }
}

// A point of a quadratic curve, and its direction.
function onCurve([x0, y0, x1, y1, x2, y2], t) {
  const s = 1 - t;
  // A curve may stand still at its end, and then runs along its chord.
  const dx = s * (x1 - x0) + t * (x2 - x1) + 1e-3 * (x2 - x0);
  const dy = s * (y1 - y0) + t * (y2 - y1) + 1e-3 * (y2 - y0);
  const speed = Math.hypot(dx, dy);
  return {
    x: s * s * x0 + 2 * s * t * x1 + t * t * x2,
    y: s * s * y0 + 2 * s * t * y1 + t * t * y2,
    dx: speed > 1e-9 ? dx / speed : 1,
    dy: speed > 1e-9 ? dy / speed : 0,
  };
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function hexadecimal(color) {
  return "#" + color.map((value) => Math.round(255 * value).toString(16).padStart(2, "0")).join("");
}
