// The page: what is shown, and what a visitor does.

// Milliseconds without a move after which another part of the painting is drawn.
const SETTLED = 120;
// Milliseconds between pictures below which a scrubber and a film are smooth. Slower pictures have a lower density while
// they change, in shares of the full one; in a film, after this number of late pictures in a row.
const SMOOTH = { scrubber: 1000 / 30, film: 1000 / 10 };
const ROUGH = { scrubber: 0.2, film: 0.4 };
const OFTEN = 3;
// Milliseconds for which a message stays.
const SAID = 8000;

class Player {
  constructor(painting) {
    const find = (id) => document.getElementById(id);
    this.find = find;
    this.painting = painting;
    this.strokes = new Strokes(painting.strokes);
    this.surface = surfaceOf(find("canvas"), painting, this.strokes);
    const { film, seconds } = painting;
    this.timeline = film ? new Reel(this.surface, this.strokes, film) : new Timeline(this.surface, this.strokes, seconds);
    this.view = new View(find("stage"), find("sheet"), find("under"), painting);
    this.frame = null; // the part of the painting that is being drawn
    this.shown = -1; // number of strokes of that frame that are seen
    this.least = 0; // number of strokes from which on they are seen while it plays
    this.seen = null; // the frame that is seen
    this.growing = true; // the first picture is not done
    this.moved = true; // another frame is wanted
    this.lit = false; // the light has changed
    this.awake = false; // a tick is due
    this.last = 0; // time of the last picture
    this.presented = null; // that time, while the picture is being made
    this.cost = 0; // milliseconds that it took
    this.asked = null; // time at which the scrubber moved to a place that is not shown yet
    this.lag = 0; // milliseconds until the last such place was shown
    this.late = 0; // number of a film's last pictures that came late
    this.clock = null; // share of the playing time, 0 to 1; null while the player rests
    this.told = 0; // time at which the clock was told
    this.pointer = null; // where the pointer is on the painting
    this.stroke = -1; // number of the stroke under it
    this.held = new Map(); // last event of each pointer that is down
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  async start() {
    const { find, painting, surface, timeline } = this;
    find("count").max = timeline.last;
    if (!surface.look) this.say("Without WebGL 2, which this browser lacks, strokes have no texture.");
    if (surface.look && (painting.thick || painting.ground)) {
      find("relief").value = surface.look.relief;
      this.follow(!this.calm.matches);
    } else {
      find("relief-label").hidden = find("lamp").hidden = true;
    }
    this.listen();
    this.tellCount();
    if (painting.film && !window.DecompressionStream) this.say("This browser can't unpack the film. A newer one can.");
    await surface.prepare();
    if (timeline.loops && !this.calm.matches) this.play(true);
    new ResizeObserver(() => this.reframe(() => this.view.look(this.view.middle), 0)).observe(find("stage"));
  }

  // ---- Pictures ----

  wake() {
    if (this.awake) return;
    this.awake = true;
    const tick = () => {
      this.awake = false;
      if (this.tick(performance.now())) this.wake();
    };
    // While it plays, pictures change with those of the screen.
    if (this.clock !== null) requestAnimationFrame(tick);
    else setTimeout(tick);
  }

  // Does a little work; says whether there is more.
  tick(now) {
    if (this.clock !== null) this.advance(now);
    if (this.moved) {
      this.frame = this.view.frame();
      this.timeline.resize(this.frame);
      this.least = Math.max(this.shown, 0);
      this.shown = -1;
      this.moved = false;
    }
    const { timeline } = this;
    if (!this.surface.ready()) return true;
    timeline.learn(now);
    if (this.presented !== null) this.cost = now - this.presented;
    this.presented = null;
    // The first picture is seen while it grows, and most of the time is for its strokes. Later, the one before is seen until
    // the next one is done.
    const partly = (this.clock !== null || this.growing) && now - this.last > 3 * this.cost;
    const due = partly && this.shown !== timeline.drawn && timeline.drawn >= this.least;
    if (!due && !timeline.done) timeline.step(now);
    const finished = this.shown !== timeline.drawn && (timeline.done || timeline.whole);
    if (due || finished || (timeline.done && this.lit)) this.present(now);
    return this.clock !== null || !timeline.done || this.shown !== timeline.drawn;
  }

  present(now) {
    if (this.asked !== null && this.timeline.done) {
      this.lag = now - this.asked;
      this.asked = null;
      this.resting = setTimeout(() => this.sharpen(1), SETTLED);
    }
    if (this.clock !== null && this.timeline.loops) {
      const slow = Math.max(SMOOTH.film, 1.5 * this.interval);
      this.late = now - this.last > slow ? this.late + 1 : 0;
      if (this.late > OFTEN) this.sharpen(ROUGH.film);
    }
    this.surface.present();
    this.presented = this.last = now;
    this.shown = this.timeline.drawn;
    this.lit = false;
    this.seen = this.frame;
    if (this.timeline.done) this.growing = false;
    this.view.show(this.seen);
    this.find("canvas").dataset.shown = this.shown;
    this.point();
  }

  // Changes the view. The canvas follows at once, and is redrawn when the view has settled.
  reframe(change, settled = SETTLED) {
    if (this.seen?.whole) this.view.keep(this.find("canvas"));
    change();
    this.pointer = null;
    this.stroke = -1;
    this.tell();
    if (this.seen) this.view.show(this.seen);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.moved = true;
      this.wake();
    }, settled);
  }

  // Draws with a share of the pixels' density from now on.
  sharpen(share) {
    if (this.view.density === share) return;
    this.view.density = share;
    this.moved = true;
    this.wake();
  }

  // ---- Playing ----

  advance(now) {
    const { timeline } = this;
    const passed = Math.min(now - this.told, 1000) / 1000;
    this.told = now;
    const clock = this.clock + (passed * Number(this.find("speed").value)) / timeline.seconds;
    this.clock = timeline.loops ? clock % 1 : Math.min(clock, 1);
    timeline.target = timeline.at(this.clock, this.calm.matches);
    if (this.clock >= 1) this.play(false);
    this.tellCount();
  }

  play(playing) {
    const { timeline, find } = this;
    if (playing && timeline.target === timeline.last) timeline.target = 0;
    if (playing) this.begun();
    this.clock = playing && timeline.last ? timeline.share : null;
    this.told = performance.now();
    this.late = 0;
    document.body.classList.toggle("playing", this.clock !== null);
    if (!playing) this.sharpen(1);
    const label = this.clock === null ? "Play" : "Pause";
    find("play").setAttribute("aria-label", label);
    find("play").title = `${label} (space)`;
    this.wake();
  }

  // Milliseconds between two frames of a film.
  get interval() {
    return (1000 * this.timeline.seconds) / (this.timeline.last + 1) / Number(this.find("speed").value);
  }

  // The visitor has found out that it plays.
  begun() {
    document.body.classList.add("begun");
    this.least = 0;
  }

  // Shows the first strokes, or a frame.
  go(target) {
    if (this.clock !== null) this.play(false);
    this.begun();
    this.timeline.target = Math.min(Math.max(target, 0), this.timeline.last);
    this.tellCount();
    this.wake();
  }

  // The scrubber moves.
  scrub(target) {
    if (this.lag > SMOOTH.scrubber) this.sharpen(ROUGH.scrubber);
    clearTimeout(this.resting);
    this.go(target);
    this.asked = performance.now();
  }

  // ---- What is told ----

  tellCount() {
    const slider = this.find("count");
    slider.value = this.timeline.target;
    slider.setAttribute("aria-valuetext", this.timeline.told);
    this.tell();
  }

  // The stroke under the pointer, or else what is shown.
  tell() {
    const { find, seen, stroke, strokes, timeline } = this;
    const pointed = stroke >= 0 && stroke < timeline.laid && seen;
    find("swatch").hidden = !pointed;
    find("outline").toggleAttribute("hidden", !pointed);
    find("told").textContent = timeline.told;
    if (!pointed) return;
    const [one, other] = strokes.colors(stroke);
    find("swatch").style.background = `linear-gradient(to right, ${one}, ${other})`;
    find("told").textContent = `stroke ${plain(stroke + 1)} · ${one === other ? one : `${one} to ${other}`}`;
    const points = strokes.outline(stroke).map(([x, y]) => [(x - seen.left) * seen.scale, (y - seen.top) * seen.scale]);
    find("outline").setAttribute("viewBox", `0 0 ${seen.width} ${seen.height}`);
    const path = points.map((point) => point.map((each) => each.toFixed(1)).join(" ")).join("L");
    for (const line of find("outline").children) line.setAttribute("d", `M${path}Z`);
  }

  say(text) {
    this.find("message").textContent = text;
    this.find("message").hidden = !text;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.say(""), SAID);
  }

  // ---- Light ----

  get following() {
    return this.find("lamp").getAttribute("aria-pressed") === "true";
  }

  follow(on) {
    this.find("lamp").setAttribute("aria-pressed", on);
    if (!on) this.light(null);
  }

  // The light comes from above a point of the painting, or from where it was painted in.
  light(point) {
    const { light } = this.painting;
    this.surface.look.lamp = point ? [point.x, point.y, light.above, 1] : [...light.towards, 0];
    this.lit = true;
    this.wake();
  }

  relieve(relief) {
    this.surface.look.relief = relief;
    this.lit = true;
    this.wake();
  }

  // ---- The pointer ----

  hover(event) {
    this.pointer = event && this.view.onPainting(event);
    if (this.following) this.light(this.pointer);
    cancelAnimationFrame(this.pointing);
    this.pointing = requestAnimationFrame(() => this.point());
  }

  // Finds the stroke under the pointer, but for strokes that pass by.
  point() {
    const resting = this.pointer && this.clock === null && this.timeline.done;
    this.stroke = resting ? this.surface.pick(this.pointer.x, this.pointer.y, this.timeline.laid) : -1;
    this.tell();
  }

  press(event) {
    if (event.button || event.target.closest("button")) return;
    this.held.set(event.pointerId, event);
    this.find("stage").setPointerCapture(event.pointerId);
    this.find("stage").classList.toggle("held", this.view.zoomed);
    this.hover(event);
  }

  // Two pointers zoom; one moves a large painting, or the light.
  move(event) {
    const before = this.held.get(event.pointerId);
    const other = [...this.held.values()].find((each) => each.pointerId !== event.pointerId);
    if (!before || (!other && !this.view.zoomed)) {
      this.hover(event);
    } else {
      const distance = (each) => Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY);
      const share = 1 / this.held.size;
      this.reframe(() => {
        if (other) this.view.zoomAt(distance(event) / Math.max(distance(before), 1), this.view.onStage(event));
        this.view.pan((event.clientX - before.clientX) * share, (event.clientY - before.clientY) * share);
      });
    }
    if (before) this.held.set(event.pointerId, event);
  }

  release(event) {
    this.held.delete(event.pointerId);
    this.find("stage").classList.toggle("held", this.held.size > 0 && this.view.zoomed);
  }

  turn(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    this.reframe(() => this.view.zoomAt(Math.exp(-0.0018 * pixels), this.view.onStage(event)));
  }

  // ---- Buttons and keys ----

  async download(size) {
    const { timeline } = this;
    const [width, height] = [this.view.extent.x, this.view.extent.y].map((side) => Math.max(Math.round(side * size), 1));
    const wait = async (done) => {
      this.say(`Drawing … ${Math.round(100 * done)} %`);
      await new Promise((resolve) => setTimeout(resolve));
    };
    try {
      await wait(0);
      // A film's frame has its strokes once it is drawn, and keeps them until the picture is.
      while (timeline.whole && !timeline.done) await wait(0);
      timeline.held = true;
      const frame = { left: 0, top: 0, scale: size, width, height };
      const blob = await this.surface.picture(frame, timeline.laid, wait);
      const download = `${document.title}${timeline.suffix}.png`;
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      this.say("");
    } catch (error) {
      console.warn(error);
      this.say(`The picture of ${plain(width)} × ${plain(height)} pixels could not be drawn. Choose a smaller size.`);
    } finally {
      timeline.held = false;
    }
  }

  offer() {
    if (this.clock !== null) this.play(false);
    this.say("");
    this.size();
    this.find("save").showModal();
  }

  // What the picture to download will be.
  size() {
    const size = Number(this.find("size").value);
    const [width, height] = [this.view.extent.x, this.view.extent.y].map((side) => Math.max(Math.round(side * size), 1));
    const { told } = this.timeline;
    const text = this.find("size").validity.valid ? `${plain(width)} × ${plain(height)} pixels, PNG: ${told}` : "64 to 16,384";
    this.find("about-picture").textContent = text;
  }

  listen() {
    const { find, view } = this;
    const stage = find("stage");
    const here = (change) => () => this.reframe(change);
    const step = (way) => (event) => this.go(this.timeline.target + way * (event.shiftKey ? this.timeline.many : 1));
    const actions = {
      play: () => this.play(this.clock === null),
      back: step(-1),
      forth: step(1),
      in: here(() => view.zoomAt(1.5)),
      out: here(() => view.zoomAt(1 / 1.5)),
      fit: here(() => view.whole()),
      lamp: () => this.follow(!this.following),
      download: () => this.offer(),
      help: () => find("keys").showModal(),
      begin: () => this.play(true),
    };
    for (const [name, action] of Object.entries(actions)) find(name).addEventListener("click", action);
    const keys = {
      " ": actions.play, arrowleft: actions.back, arrowright: actions.forth,
      home: () => this.go(0), end: () => this.go(this.timeline.last),
      "+": actions.in, "=": actions.in, "-": actions.out, 0: actions.fit,
      l: () => find("lamp").hidden || actions.lamp(), d: actions.download, "?": actions.help,
      f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.()),
    };
    document.addEventListener("keydown", (event) => {
      const action = keys[event.key.toLowerCase()];
      // A menu, a slider and a button hear some keys themselves.
      const own = event.target.closest("select, #relief") || (event.key === " " && event.target.closest("button"));
      const open = document.querySelector("dialog[open]");
      if (!action || own || open || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action(event);
    });
    find("count").addEventListener("input", (event) => this.scrub(Number(event.target.value)));
    find("relief").addEventListener("input", (event) => this.relieve(Number(event.target.value)));
    find("speed").addEventListener("change", () => find("speed").blur());
    find("size").addEventListener("input", () => this.size());
    find("save").addEventListener("click", ({ target }) => {
      if (target.value === "cancel") find("save").close();
      else if (target.type === "button") find("size").value = target.value;
      this.size();
    });
    for (const dialog of [find("save"), find("keys")]) {
      // A click beside a dialog closes it.
      dialog.addEventListener("pointerdown", (event) => event.target === dialog && dialog.close());
    }
    // After a click, keys are for the painting again.
    document.querySelector("footer").addEventListener("pointerup", ({ target }) => {
      const control = target.closest("button, input");
      if (control) setTimeout(() => control.blur());
    });
    find("save").addEventListener("close", ({ target }) => {
      if (target.returnValue === "png") this.download(Number(find("size").value));
    });
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.release(event));
    stage.addEventListener("pointercancel", (event) => this.release(event));
    // A finger that is lifted leaves the stroke that it has pointed at.
    stage.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.hover(null);
      else if (this.following) this.light(null);
    });
    stage.addEventListener("wheel", (event) => this.turn(event), { passive: false });
    stage.addEventListener("dblclick", (event) => {
      this.reframe(() => (view.zoomed ? view.whole() : view.zoomAt(3, view.onStage(event))));
    });
    find("canvas").addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.say("The graphics card stopped. The page reloads when it is back.");
    });
    find("canvas").addEventListener("webglcontextrestored", () => location.reload());
  }
}

function surfaceOf(canvas, painting, strokes) {
  try {
    return new WebGl(canvas, painting, strokes);
  } catch (error) {
    console.warn(error);
    // A canvas keeps its first kind of context.
    const other = canvas.cloneNode();
    canvas.replaceWith(other);
    return new Sketch(other, painting, strokes);
  }
}

function plain(number) {
  return number.toLocaleString("en");
}

const player = new Player(JSON.parse(document.getElementById("painting").textContent));
player.start();
