// Draws strokes by WebGL 2, with their texture, under light. The shaders of a stroke are its brush's program, translated
// from the program that jaxpaint itself draws with.

// Bytes of memory for pictures that drawing can go on from, and of a pixel of them.
const KEPT_BYTES = 2 ** 27;
const PIXEL_BYTES = 10;
// Long side of the pieces of a picture to download.
const PIECE = 2048;
// Strokes that are drawn between two looks at the page.
const AT_ONCE = 500;

class WebGl {
  // Throws an error where there is no WebGL 2, or no pictures of more than eight bits, which thousands of strokes need.
  constructor(canvas, painting, strokes) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, preserveDrawingBuffer: true });
    if (!gl?.getExtension("EXT_color_buffer_float") && !gl?.getExtension("EXT_color_buffer_half_float")) {
      throw new Error("WebGL 2 is missing; strokes are drawn without texture");
    }
    Object.assign(this, { gl, canvas, painting, strokes, fence: null });
    this.formats = [gl.RGBA16F, gl.R16F];
    this.look = { lamp: [...painting.light.towards, 0], relief: painting.light.relief };
    this.kept = [];
    this.programs = {
      brush: this.compile(HEAD + painting.shaders.vertex, HEAD + painting.shaders.fragment),
      bare: this.compile(SCREEN, BARE),
      copy: this.compile(SCREEN, COPY),
      blur: this.compile(SCREEN, BLUR),
      shrink: this.compile(SCREEN, SHRINK),
      light: this.compile(SCREEN, lightShader(painting.light)),
    };
    this.upload();
    this.point = this.target(1, 1, [gl.RGBA8]);
  }

  // ---- What the player calls ----

  async prepare() {
    const { ground, tooth, tables } = this.painting;
    const sources = [ground?.picture, tooth?.picture, tables];
    const load = (source) => (source ? this.load(source) : this.texture(1, 1, this.gl.R8));
    [this.ground, this.tooth, this.tables] = await Promise.all(sources.map(load));
  }

  // How many pictures there is memory for.
  room({ width, height }) {
    return Math.floor(KEPT_BYTES / (PIXEL_BYTES * width * height));
  }

  resize(frame) {
    if (this.sheet) this.drop(this.sheet);
    this.kept.forEach((each) => this.dispose(each));
    this.kept = [];
    this.sheet = this.makeSheet(frame);
  }

  // Other strokes have come.
  refill() {
    this.gl.bufferData(this.gl.ARRAY_BUFFER, this.strokes.numbers, this.gl.STATIC_DRAW);
  }

  clear() {
    this.begin(this.sheet);
  }

  save(slot) {
    this.kept[slot] ??= this.target(this.sheet.frame.width, this.sheet.frame.height, this.formats);
    this.copy(this.sheet.paint, this.kept[slot]);
  }

  restore(slot) {
    this.copy(this.kept[slot], this.sheet.paint);
    this.sheet.rounded.done = false;
  }

  draw(from, to) {
    this.drawOn(this.sheet, from, to);
    this.mark();
  }

  // Whether all that was drawn is done.
  ready() {
    const { gl, fence } = this;
    if (!fence) return true;
    if (gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED && !gl.isContextLost()) return false;
    gl.deleteSync(fence);
    this.fence = null;
    return true;
  }

  present() {
    const { width, height } = this.sheet.frame;
    fitCanvas(this.canvas, this.sheet.frame);
    this.shine(this.sheet, { framebuffer: null, width, height }, true);
    this.mark();
  }

  mark() {
    this.gl.deleteSync(this.fence);
    this.fence = this.gl.fenceSync(this.gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    this.gl.flush();
  }

  // The number of the topmost stroke of `count` at a point; -1 for none.
  pick(x, y, count) {
    const { gl, point } = this;
    const { scale } = this.sheet.frame;
    this.onto(point);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.useBrush(this.sheet, { left: x - 0.5 / scale, top: y - 0.5 / scale, scale, width: 1, height: 1 }, 0, true);
    gl.disable(gl.BLEND);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
    const [one, two, three] = this.read(point);
    return one + 256 * two + 65536 * three - 1;
  }

  // The first strokes in another frame, drawn in pieces that fit into memory; `wait` is told the share that is done.
  async picture(frame, count, wait) {
    const whole = newCanvas(frame);
    const context = whole.getContext("2d");
    const margin = Math.ceil(4 * this.painting.light.around * frame.scale) + 2;
    const pieces = Math.ceil(frame.height / PIECE) * Math.ceil(frame.width / PIECE);
    let done = 0;
    for (let top = 0; top < frame.height; top += PIECE) {
      for (let left = 0; left < frame.width; left += PIECE) {
        const [x, y] = [Math.max(left - margin, 0), Math.max(top - margin, 0)];
        const width = Math.min(left + PIECE + margin, frame.width) - x;
        const height = Math.min(top + PIECE + margin, frame.height) - y;
        const { scale } = frame;
        const sheet = this.makeSheet({ left: frame.left + x / scale, top: frame.top + y / scale, scale, width, height });
        for (let from = 0; from < count; from += AT_ONCE) {
          this.drawOn(sheet, from, Math.min(from + AT_ONCE, count));
          // Other work of the page comes in between.
          await wait((done + from / count) / pieces);
        }
        const seen = this.target(width, height, [this.gl.RGBA8]);
        this.shine(sheet, seen, false);
        const pixels = new ImageData(new Uint8ClampedArray(this.read(seen).buffer), width, height);
        context.putImageData(pixels, x, y, left - x, top - y, PIECE, PIECE);
        this.dispose(seen);
        this.drop(sheet);
        done++;
      }
    }
    return toPng(whole);
  }

  // ---- Programs, textures and targets ----

  compile(vertex, fragment) {
    const { gl } = this;
    const program = gl.createProgram();
    const shaders = [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]].map(([type, source]) => {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      return shader;
    });
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error([gl.getProgramInfoLog(program), ...shaders.map((each) => gl.getShaderInfoLog(each))].join("\n"));
    }
    const places = {};
    return { program, place: (name) => (places[name] ??= gl.getUniformLocation(program, name)) };
  }

  // The numbers of all strokes, of which the vertex shader takes the first, four at a time.
  upload() {
    const { gl, strokes, painting } = this;
    const { brush } = this.programs;
    const { vectors } = painting.shaders;
    this.arrays = gl.createVertexArray();
    gl.bindVertexArray(this.arrays);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    this.refill();
    for (let i = 0; i < vectors; i++) {
      gl.enableVertexAttribArray(i);
      gl.vertexAttribDivisor(i, 1);
    }
    gl.useProgram(brush.program);
    gl.uniform4fv(brush.place("low"), strokes.low.slice(0, 4 * vectors));
    gl.uniform4fv(brush.place("span"), strokes.span.slice(0, 4 * vectors));
    gl.uniform2fv(brush.place("around"), strokes.around);
  }

  filtered(filter) {
    const { gl } = this;
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, filter);
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  }

  texture(width, height, format, filter = this.gl.NEAREST) {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
    this.filtered(filter);
    return texture;
  }

  async load(source) {
    const { gl } = this;
    const image = new Image();
    image.src = source;
    await image.decode();
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, image);
    this.filtered(gl.NEAREST);
    return texture;
  }

  // Textures of one size that are drawn on together.
  target(width, height, formats, filter) {
    const { gl } = this;
    const textures = formats.map((format) => this.texture(width, height, format, filter));
    const framebuffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    textures.forEach((texture, i) => {
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + i, gl.TEXTURE_2D, texture, 0);
    });
    gl.drawBuffers(textures.map((_, i) => gl.COLOR_ATTACHMENT0 + i));
    return { framebuffer, textures, width, height };
  }

  dispose({ framebuffer, textures }) {
    this.gl.deleteFramebuffer(framebuffer);
    textures.forEach((each) => this.gl.deleteTexture(each));
  }

  copy(from, to) {
    this.use(this.programs.copy, { textures: { colors: from.textures[0], heights: from.textures[1] } });
    this.pass(to);
  }

  read({ framebuffer, width, height }) {
    const { gl } = this;
    const pixels = new Uint8Array(4 * width * height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    return pixels;
  }

  onto({ framebuffer, width, height }) {
    this.gl.bindFramebuffer(this.gl.FRAMEBUFFER, framebuffer);
    this.gl.viewport(0, 0, width, height);
  }

  use({ program, place }, { textures = {}, frame = null }) {
    const { gl } = this;
    gl.useProgram(program);
    Object.entries(textures).forEach(([name, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(place(name), unit);
    });
    if (frame) gl.uniform4f(place("frame"), frame.left, frame.top, frame.scale, 0);
    return place;
  }

  // Runs the program in use for every pixel of a target.
  pass(target) {
    const { gl } = this;
    this.onto(target);
    gl.disable(gl.BLEND);
    gl.bindVertexArray(null);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // ---- Sheets: a frame of the painting, and all that drawing it needs ----

  makeSheet(frame) {
    const { gl, painting } = this;
    const { width, height, scale } = frame;
    // The surroundings of a pixel are looked up in a smaller picture.
    const times = Math.max(1, Math.floor(painting.light.around * scale));
    const small = [Math.ceil(width / times), Math.ceil(height / times), [gl.R16F], gl.LINEAR];
    const sheet = {
      frame,
      times,
      paint: this.target(width, height, this.formats),
      teeth: this.target(...(painting.tooth ? [width, height] : [1, 1]), [gl.R16F]),
      across: this.target(width, height, [gl.R16F]),
      rounded: this.target(width, height, [gl.R16F]),
      smaller: this.target(...small),
      around: this.target(...small),
    };
    this.lay(sheet, "tooth", sheet.teeth);
    this.begin(sheet);
    return sheet;
  }

  drop({ paint, teeth, across, rounded, smaller, around }) {
    [paint, teeth, across, rounded, smaller, around].forEach((each) => this.dispose(each));
  }

  // The bare canvas, or the share of the ground that is higher than a place.
  lay(sheet, name, target) {
    const { gl, painting } = this;
    const { low, span } = painting[name] ?? { low: 0, span: 0 };
    const place = this.use(this.programs.bare, { textures: { ground: this[name] }, frame: sheet.frame });
    gl.uniform3fv(place("canvas"), painting.canvas);
    gl.uniform2f(place("range"), low, span);
    gl.uniform1i(place("alone"), name === "tooth" ? 1 : 0);
    this.pass(target);
  }

  begin(sheet) {
    this.lay(sheet, "ground", sheet.paint);
    sheet.rounded.done = false;
  }

  useBrush(sheet, frame, first, picking) {
    const { gl } = this;
    const { vectors } = this.painting.shaders;
    const textures = { teeth: sheet.teeth.textures[0], tables: this.tables };
    const place = this.use(this.programs.brush, { textures, frame });
    gl.uniform2f(place("size"), frame.width, frame.height);
    gl.uniform1f(place("first"), first);
    gl.uniform1i(place("picking"), picking ? 1 : 0);
    gl.bindVertexArray(this.arrays);
    const row = 2 * this.strokes.columns;
    for (let i = 0; i < vectors; i++) gl.vertexAttribPointer(i, 4, gl.UNSIGNED_SHORT, true, row, row * first + 8 * i);
  }

  drawOn(sheet, from, to) {
    const { gl } = this;
    this.onto(sheet.paint);
    this.useBrush(sheet, sheet.frame, from, false);
    gl.enable(gl.BLEND);
    if (this.painting.multiplied) gl.blendFunc(gl.ZERO, gl.SRC_COLOR);
    else gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, to - from);
    gl.flush();
    sheet.rounded.done = false;
  }

  // A Gaussian blur, of `sigma` texels.
  blur(source, axis, sigma, target) {
    const { gl } = this;
    const place = this.use(this.programs.blur, { textures: { source: source.textures.at(-1) } });
    const reach = Math.min(Math.ceil(3 * sigma), MOST_WEIGHTS - 1);
    const weights = Array.from({ length: reach + 1 }, (_, i) => Math.exp(-0.5 * (i / Math.max(sigma, 0.01)) ** 2));
    const total = 2 * weights.reduce((sum, weight) => sum + weight) - 1;
    gl.uniform2iv(place("axis"), axis);
    gl.uniform1i(place("reach"), reach);
    gl.uniform1fv(place("weights"), weights.map((weight) => weight / total));
    this.pass(target);
  }

  // Heights as light sees them: a little rounded, and those around.
  round({ frame, times, paint, across, rounded, smaller, around }) {
    const { light } = this.painting;
    this.blur(paint, [1, 0], light.rounded * frame.scale, across);
    this.blur(across, [0, 1], light.rounded * frame.scale, rounded);
    const place = this.use(this.programs.shrink, { textures: { source: paint.textures[1] } });
    this.gl.uniform1i(place("times"), times);
    this.pass(around);
    // The mean of some texels has blurred them a little already.
    const sigma = Math.sqrt(Math.max((light.around * frame.scale) ** 2 - times ** 2 / 4, 0)) / times;
    this.blur(around, [1, 0], sigma, smaller);
    this.blur(smaller, [0, 1], sigma, around);
    rounded.done = true;
  }

  shine(sheet, target, flipped) {
    const { gl, look, painting } = this;
    const { frame, paint, rounded, around } = sheet;
    if (!rounded.done) this.round(sheet);
    const textures = { colors: paint.textures[0], rounded: rounded.textures[0], around: around.textures[0] };
    const place = this.use(this.programs.light, { textures, frame });
    gl.uniform4fv(place("lamp"), look.lamp);
    gl.uniform1f(place("relief"), look.relief);
    gl.uniform1f(place("gloss"), painting.light.glossy);
    gl.uniform1i(place("flipped"), flipped ? 1 : 0);
    this.pass(target);
  }
}
