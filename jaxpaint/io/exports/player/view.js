// Which part of the painting is seen, and where the canvas lies on the stage. Lengths are in pixels of the page.

// Most pixels of the canvas, long side from which on it is rougher while it changes, and the greatest zoom.
const CANVAS_PIXELS = 3e6;
const LEAST_SIDE = 144;
const MOST_ZOOM = 40;

class View {
  constructor(stage, sheet, under, { width, height }) {
    Object.assign(this, { stage, sheet, under });
    // The painting in canvas units.
    this.density = 1; // of the canvas's pixels, at most 1
    this.extent = { x: width / Math.max(width, height), y: height / Math.max(width, height) };
    this.whole();
  }

  whole() {
    this.look({ x: this.extent.x / 2, y: this.extent.y / 2, zoom: 1 });
  }

  get zoomed() {
    return this.middle.zoom > 1;
  }

  // Where the whole painting lies on the stage: at a whole pixel, so that the canvas is not blurred.
  get place() {
    const { clientWidth, clientHeight } = this.stage;
    const margin = Math.min(28, clientWidth / 24);
    const fit = Math.min((clientWidth - 2 * margin) / this.extent.x, (clientHeight - 2 * margin) / this.extent.y);
    const scale = Math.max(fit, 40) * this.middle.zoom;
    const { x, y } = this.middle;
    return { scale, left: Math.round(clientWidth / 2 - x * scale), top: Math.round(clientHeight / 2 - y * scale) };
  }

  // Moves the middle of the stage to a point; the painting fills the stage, or is in its middle.
  look({ x, y, zoom }) {
    this.middle = { x, y, zoom: Math.min(Math.max(zoom, 1), MOST_ZOOM) };
    const { scale } = this.place;
    const within = (value, length, seen) =>
      length <= seen ? length / 2 : Math.min(Math.max(value, seen / 2), length - seen / 2);
    this.middle.x = within(x, this.extent.x, this.stage.clientWidth / scale);
    this.middle.y = within(y, this.extent.y, this.stage.clientHeight / scale);
  }

  // Zooms about a point of the stage.
  zoomAt(factor, { x, y } = { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 }) {
    const { scale, left, top } = this.place;
    const zoom = Math.min(Math.max(this.middle.zoom * factor, 1), MOST_ZOOM);
    const after = (scale * zoom) / this.middle.zoom;
    const [aside, down] = [this.stage.clientWidth / 2 - x, this.stage.clientHeight / 2 - y];
    this.look({ x: (x - left) / scale + aside / after, y: (y - top) / scale + down / after, zoom });
  }

  pan(dx, dy) {
    const { scale } = this.place;
    this.look({ ...this.middle, x: this.middle.x - dx / scale, y: this.middle.y - dy / scale });
  }

  // A point of the page on the stage.
  onStage(event) {
    const bounds = this.stage.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  }

  // A point of the page in canvas units; null beside the painting.
  onPainting(event) {
    const { scale, left, top } = this.place;
    const at = this.onStage(event);
    const [x, y] = [(at.x - left) / scale, (at.y - top) / scale];
    return x >= 0 && y >= 0 && x < this.extent.x && y < this.extent.y ? { x, y } : null;
  }

  // The part of the painting that is on the stage: `whole` if it is all of it, `left` and `top` in canvas units, `wide`
  // and `high` in pixels of the page, `width` and `height` in pixels of the canvas, `scale` in pixels of the canvas for a
  // canvas unit.
  frame() {
    const { scale, left, top } = this.place;
    const [first, last] = [Math.max(left, 0), Math.min(left + this.extent.x * scale, this.stage.clientWidth)];
    const [upper, lower] = [Math.max(top, 0), Math.min(top + this.extent.y * scale, this.stage.clientHeight)];
    const [wide, high] = [last - first, lower - upper].map((side) => Math.max(Math.round(side), 1));
    const share = Math.max(this.density, Math.min(1, LEAST_SIDE / Math.max(wide, high)));
    const density = share * Math.min(devicePixelRatio, 2, Math.sqrt(CANVAS_PIXELS / (wide * high)));
    const [width, height] = [wide, high].map((side) => Math.max(Math.round(side * density), 1));
    return {
      whole: !this.zoomed,
      left: (first - left) / scale, top: (upper - top) / scale, scale: (scale * width) / wide, width, height, wide, high,
    };
  }

  // Puts a canvas that shows a frame where that frame is now.
  show(frame) {
    const { scale, left, top } = this.place;
    const zoom = (scale * frame.width) / (frame.scale * frame.wide);
    Object.assign(this.sheet.style, {
      width: `${frame.wide}px`,
      height: `${frame.high}px`,
      transform: `translate(${left + frame.left * scale}px, ${top + frame.top * scale}px) scale(${zoom})`,
    });
    const [wide, high] = [this.extent.x * scale, this.extent.y * scale];
    Object.assign(this.under.style, { width: `${wide}px`, height: `${high}px`, transform: `translate(${left}px, ${top}px)` });
    this.under.hidden = frame.whole && !this.zoomed;
    this.stage.classList.toggle("large", this.zoomed);
    if (!this.zoomed) document.body.style.setProperty("--wide", `${Math.round(wide)}px`);
  }

  // Keeps the whole painting, to show it where a part of it is not drawn yet.
  keep(canvas) {
    fitCanvas(this.under, canvas);
    this.under.getContext("2d").drawImage(canvas, 0, 0);
  }
}
