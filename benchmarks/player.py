"""How soon the HTML player shows a painting, and how fast it follows its scrubber.

    python benchmarks/player.py PAINTING.npz... [--webgl=no]

Needs Chromium and `pip install -e '.[dev]'`. The processor draws: by SwiftShader in place of a graphics card or,
without WebGL, the sketch.
"""

import pathlib
import shutil
import sys
import tempfile

import machine
from playwright.sync_api import sync_playwright

import jaxpaint

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
# Counts the canvas's pictures from the first line of the page on.
WATCH = """
window.pictures = [];
new MutationObserver(() => window.pictures.push([performance.now(), document.getElementById("canvas")?.dataset.shown]))
  .observe(document, { attributes: true, subtree: true, attributeFilter: ["data-shown"] });
"""
# Moves the scrubber to and fro, as soon as the last place is shown.
SCRUB = """
async (moves) => {
  const [slider, canvas] = [document.getElementById("count"), document.getElementById("canvas")];
  const total = Number(slider.max);
  const start = performance.now();
  for (let i = 0; i < moves; i++) {
    slider.value = Math.round(total * (0.5 + 0.45 * Math.sin(i / 5)));
    slider.dispatchEvent(new Event("input"));
    await new Promise((resolve) => {
      const shown = () => canvas.dataset.shown === slider.value && resolve();
      new MutationObserver(shown).observe(canvas, { attributes: true });
      shown();
    });
  }
  return moves / ((performance.now() - start) / 1000);
}
"""


NO_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : getContext.call(this, kind, ...rest);
};
"""


def main(arguments):
    names = [each for each in arguments if each != "--webgl=no"]
    print(f"GFLOP/s of a matrix product: {machine.matrix_product_gflops():.0f}")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for name in names:
            painting = jaxpaint.load_painting(name)
            path = pathlib.Path(folder) / "painting.html"
            jaxpaint.export(painting, path)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(WATCH if names == arguments else WATCH + NO_WEBGL)
            page.goto(path.as_uri())
            total = len(painting.strokes)
            page.wait_for_function("n => document.getElementById('canvas').dataset.shown === String(n)", arg=total)
            times = page.evaluate("window.pictures.map(([time]) => time)")
            rate = page.evaluate(SCRUB, 60)
            print(f"{total} strokes of {painting.brush}: {path.stat().st_size / 1e3:.0f} kB")
            print(f"  first picture after {times[0] / 1000:.2f} s, the whole painting after {times[-1] / 1000:.2f} s")
            print(f"  scrubbing: {rate:.0f} pictures a second")
            page.close()


if __name__ == "__main__":
    main(sys.argv[1:])
