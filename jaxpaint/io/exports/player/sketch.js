// Draws strokes without texture and light, where there is no WebGL 2. It has the methods of WebGl that the player calls.

const SKETCHES_BYTES = 2 ** 26;

class Sketch {
  constructor(canvas, painting, strokes) {
    Object.assign(this, { canvas, painting, strokes });
    this.look = null;
    this.kept = [];
  }

  async prepare() {}

  room({ width, height }) {
    return Math.floor(SKETCHES_BYTES / (4 * width * height));
  }

  // Other strokes have come.
  refill() {}

  resize(frame) {
    this.frame = frame;
    this.kept = [];
    this.sheet = newCanvas(frame);
    this.context = this.sheet.getContext("2d");
    this.clear();
  }

  clear() {
    this.fill(this.context, this.frame);
  }

  save(slot) {
    this.kept[slot] ??= newCanvas(this.frame);
    this.copy(this.sheet, this.kept[slot].getContext("2d"));
  }

  restore(slot) {
    this.copy(this.kept[slot], this.context);
  }

  draw(from, to) {
    this.drawOn(this.context, this.frame, from, to);
  }

  ready() {
    return true;
  }

  present() {
    fitCanvas(this.canvas, this.frame);
    this.copy(this.sheet, this.canvas.getContext("2d"));
  }

  pick(x, y, count) {
    const place = { left: x, top: y, scale: 1000 };
    for (let stroke = count - 1; stroke >= 0; stroke--) {
      if (this.context.isPointInPath(this.path(stroke, place), 0, 0)) return stroke;
    }
    return -1;
  }

  async picture(frame, count, wait) {
    const whole = newCanvas(frame);
    const context = whole.getContext("2d");
    this.fill(context, frame);
    for (let from = 0; from < count; from += AT_ONCE) {
      this.drawOn(context, frame, from, Math.min(from + AT_ONCE, count));
      await wait(from / count);
    }
    return toPng(whole);
  }

  path(stroke, { left, top, scale }) {
    const path = new Path2D();
    for (const [x, y] of this.strokes.outline(stroke)) path.lineTo((x - left) * scale, (y - top) * scale);
    path.closePath();
    return path;
  }

  drawOn(context, frame, from, to) {
    context.globalCompositeOperation = this.painting.multiplied ? "multiply" : "source-over";
    for (let stroke = from; stroke < to; stroke++) {
      const [one, other] = this.strokes.colors(stroke);
      const [x0, y0, x1, y1] = this.strokes.get(stroke, "ends");
      const ends = [x0 - frame.left, y0 - frame.top, x1 - frame.left, y1 - frame.top];
      const gradient = context.createLinearGradient(...ends.map((each) => each * frame.scale));
      gradient.addColorStop(0, one);
      gradient.addColorStop(1, other);
      context.fillStyle = gradient;
      context.globalAlpha = this.strokes.opacity(stroke);
      context.fill(this.path(stroke, frame));
    }
  }

  fill(context, { width, height }) {
    Object.assign(context, { globalCompositeOperation: "copy", globalAlpha: 1 });
    context.fillStyle = hexadecimal(this.painting.canvas);
    context.fillRect(0, 0, width, height);
  }

  copy(from, context) {
    Object.assign(context, { globalCompositeOperation: "copy", globalAlpha: 1 });
    context.drawImage(from, 0, 0);
  }
}

// Gives a canvas another size, which clears it.
function fitCanvas(canvas, { width, height }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

function newCanvas({ width, height }) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

// A picture as a PNG; an error where the browser has not enough memory.
function toPng(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("too large"))), "image/png");
  });
}
