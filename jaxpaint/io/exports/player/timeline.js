// How many strokes are on the canvas. Drawing is divided into short steps, and goes on from pictures that were kept, so
// that the page never stops and any number of strokes is near.

// Duration of a step, in milliseconds, and the least and the most pixels in it.
const STEP = 24;
const LEAST_PIXELS = 4e5;
const MOST_PIXELS = 1e8;
// Pixels that a stroke costs besides its own.
const STROKE_PIXELS = 500;
const MOST_KEPT = 24;
// Pictures that a painting is shown in where motion is unwelcome.
const STILLS = 24;

class Timeline {
  constructor(surface, strokes, seconds) {
    Object.assign(this, { surface, strokes, seconds });
    this.last = strokes.count; // the last target
    this.target = strokes.count; // number of strokes to draw
    this.drawn = 0; // number of strokes that are drawn
    this.whole = false; // pictures are seen while they grow
    this.loops = false;
    this.many = 100; // targets that a large step passes
    this.budget = 2e6; // pixels of a step
    this.begun = null; // time at which a step began that may not be done
    this.kept = [];
    // Long strokes take more time than short ones, as for a painter.
    this.times = [0];
    for (let i = 0; i < strokes.count; i++) this.times.push(this.times[i] + strokes.get(i, "extent")[0]);
  }

  // The target at a share of the playing time, 0 to 1.
  at(share, calm) {
    const seen = calm ? Math.floor(share * STILLS) / STILLS : share;
    return seen >= 1 ? this.last : this.times.findIndex((time) => time >= seen * this.times[this.last]);
  }

  // The share of the playing time before the target.
  get share() {
    return this.times[this.target] / this.times[this.last];
  }

  // Number of strokes of the target.
  get laid() {
    return this.target;
  }

  get told() {
    return `${plain(this.target)} of ${plain(this.last)} strokes`;
  }

  // What a downloaded picture's name has after the title.
  get suffix() {
    return "";
  }

  // Restarts in another frame.
  resize(frame) {
    const { count } = this.strokes;
    this.surface.resize(frame);
    this.scale = frame.scale;
    this.drawn = 0;
    const most = Math.max(Math.min(this.surface.room(frame), MOST_KEPT, count), 1);
    this.kept = Array.from({ length: most }, (_, i) => ({ count: Math.round((count * (i + 1)) / most), full: false }));
  }

  get done() {
    return this.drawn === this.target;
  }

  // Makes steps longer or shorter, once one is done.
  learn(now) {
    if (this.begun === null) return;
    const factor = Math.min(Math.max(STEP / (now - this.begun), 0.5), 2);
    this.budget = Math.min(Math.max(this.budget * factor, LEAST_PIXELS), MOST_PIXELS);
    this.begun = null;
  }

  // Draws some strokes towards the target.
  step(now) {
    this.approach();
    const next = this.kept.findIndex(({ count }) => count > this.drawn);
    const last = Math.min(this.target, this.kept[next]?.count ?? this.target);
    const to = (this.drawn = this.draw(this.drawn, last, now));
    if (this.kept[next] && !this.kept[next].full && to === this.kept[next].count) {
      this.surface.save(next);
      this.kept[next].full = true;
    }
  }

  // Draws strokes, as many as a step allows; gives the number of the next one.
  draw(from, last, now) {
    let [to, pixels] = [from, 0];
    while (to < last && pixels < this.budget) pixels += STROKE_PIXELS + this.strokes.area(to++) * this.scale ** 2;
    if (to > from) {
      this.surface.draw(from, to);
      this.begun = now;
    }
    return to;
  }

  // Goes to the kept picture that is nearest below the target, unless drawing is nearer.
  approach() {
    const slot = this.kept.findLastIndex(({ count, full }) => full && count <= this.target);
    const start = this.kept[slot]?.count ?? 0;
    if (this.drawn <= this.target && this.drawn >= start) return;
    if (slot < 0) this.surface.clear();
    else this.surface.restore(slot);
    this.drawn = start;
  }
}
