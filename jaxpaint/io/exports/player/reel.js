// Which frame of a film is on the canvas. Frames are unpacked shortly before they are seen, and left out where drawing is
// slower than the film.

// Chunks of frames that are kept unpacked.
const MOST_CHUNKS = 3;
// The number that stands for 0.
const ZERO = 32768;

class Reel extends Timeline {
  constructor(surface, strokes, film) {
    super(surface, strokes, film.counts.length / film.rate);
    this.film = film;
    this.last = film.counts.length - 1;
    this.target = 0; // number of the frame to draw
    this.drawn = -1; // number of the last frame that was drawn
    this.whole = true;
    this.loops = true;
    this.many = Math.max(Math.round(film.rate), 1);
    this.number = null; // number of the frame that is being drawn
    this.next = 0; // number of its first stroke that is not drawn
    this.held = false; // the frame's strokes are still needed
    this.chunks = new Map();
  }

  at(share) {
    return Math.min(Math.floor(share * (this.last + 1)), this.last);
  }

  get share() {
    return this.target / (this.last + 1);
  }

  get laid() {
    return this.strokes.count;
  }

  get told() {
    const seconds = (frames) => (frames / this.film.rate).toFixed(2);
    return `${seconds(this.target)} of ${seconds(this.last + 1)} s · frame ${plain(this.target)}`;
  }

  get suffix() {
    return `, frame ${this.target}`;
  }

  resize(frame) {
    this.surface.resize(frame);
    this.scale = frame.scale;
    this.drawn = -1;
    this.number = null;
  }

  // Draws some strokes of a frame. One that was begun is drawn to its end: a newer one would not be done, either.
  step(now) {
    if (this.number === null && !this.begin()) return;
    this.next = this.draw(this.next, this.strokes.count, now);
    if (this.next < this.strokes.count) return;
    this.drawn = this.number;
    this.number = null;
  }

  // Puts the strokes of the target in the place of those before; says whether they are unpacked.
  begin() {
    const { size } = this.film;
    const frames = this.held ? null : this.chunk(Math.floor(this.target / size));
    if (!frames) return false;
    const { strokes, surface } = this;
    strokes.numbers = frames[this.target % size];
    strokes.count = strokes.numbers.length / strokes.columns;
    surface.refill();
    surface.clear();
    [this.number, this.next] = [this.target, 0];
    return true;
  }

  // The frames of a chunk; none while it is being unpacked. The one after it is unpacked, too.
  chunk(number) {
    const { chunks, film } = this;
    for (const each of [number, (number + 1) % film.chunks.length]) {
      if (chunks.has(each)) continue;
      chunks.set(each, null);
      this.unpack(each).then((frames) => chunks.set(each, frames));
      // The first ones have waited longest.
      for (const old of [...chunks.keys()].slice(0, -MOST_CHUNKS)) if (old !== number) chunks.delete(old);
    }
    return chunks.get(number);
  }

  // Rows of 16-bit numbers, stroke by stroke, of each frame of a chunk. The file has differences from the same strokes in
  // the frame before, with their signs last: all low bytes, then all high bytes.
  async unpack(number) {
    const { chunks, counts, size } = this.film;
    const stream = new Blob([bytesOf(chunks[number])]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const { columns } = this.strokes;
    const half = bytes.length / 2;
    let at = 0;
    const read = () => {
      const value = bytes[at] + 256 * bytes[half + at++];
      return (value >>> 1) ^ -(value & 1);
    };
    let before = null;
    return counts.slice(number * size, (number + 1) * size).map((count) => {
      // Places of the strokes in the frame before, from 1; 0 for new strokes.
      const places = new Uint16Array(count);
      for (let i = 0; i < count; i++) places[i] = (i ? places[i - 1] : 0) + read();
      const rows = new Uint16Array(count * columns);
      for (let column = 0; column < columns; column++) {
        for (let i = 0; i < count; i++) {
          const known = places[i] ? before[(places[i] - 1) * columns + column] : ZERO;
          rows[i * columns + column] = known + read();
        }
      }
      return (before = rows);
    });
  }
}
