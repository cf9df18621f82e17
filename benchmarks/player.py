"""How soon the HTML player shows a painting, how fast it follows its scrubber, and how close it is to the drawing.

    python benchmarks/player.py PAINTING.npz... [--no-webgl] [--picture=docs/images/player.jpg]
    python benchmarks/player.py FILM.film --picture=docs/images/film_page.jpg

Needs Chromium and `pip install -e '.[dev]'`. The processor draws: by SwiftShader in place of a graphics card or,
without WebGL, the sketch. A film plays for some seconds, and its pictures are counted. --picture also writes a picture
of the page.
"""

from __future__ import annotations

import argparse
import io
import pathlib
import shutil
import tempfile
from collections.abc import Sequence

import machine
import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import jaxpaint
from jaxpaint import metrics
from jaxpaint.io import films
from jaxpaint.io.exports import export_film

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
# Long side of the download in pixels, moves of the scrubber, and seconds for which a film plays.
SIZE, MOVES, PLAYED = 768, 60, 6
# Keeps the times of the canvas's pictures, from the first line of the page on.
WATCH = """
window.times = [];
new MutationObserver(() => window.times.push(performance.now()))
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
# Share of the strokes, and place of the pointer, in the picture of the page.
PAINTED, POINTER = 0.3, (0.64, 0.28)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paintings", nargs="+", type=pathlib.Path, help="files of paintings, or of films")
    parser.add_argument("--no-webgl", action="store_true", help="as in a browser without WebGL 2")
    parser.add_argument("--picture", type=pathlib.Path, help="also a picture of the last painting's page")
    options = parser.parse_args(argv)
    print(f"GFLOP/s of a matrix product: {machine.matrix_product_gflops():.0f}")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for path in options.paintings:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(WATCH + NO_WEBGL * options.no_webgl)
            made = pathlib.Path(folder) / "painting.html"
            if path.suffix == ".film":
                measure_film(page, path, made)
            else:
                measure(page, jaxpaint.load_painting(path), made)
            if options.picture:
                photograph(page, options.picture)
            page.close()


def measure(page: Page, painting: jaxpaint.Painting, path: pathlib.Path) -> None:
    """Opens a painting in a page, and prints what is measured."""
    jaxpaint.export(painting, path)
    page.goto(path.as_uri())
    total = len(painting.strokes)
    wait(page, total)
    times, rate = page.evaluate("window.times"), page.evaluate(SCRUB, MOVES)
    page.evaluate("count => player.go(count)", total)
    page.keyboard.press("d")
    page.fill("#size", str(SIZE))
    with page.expect_download(timeout=120_000) as download:
        page.click("#save .main")
    with Image.open(download.value.path()) as picture:
        found = np.asarray(picture.convert("RGB"), np.float32) / 255
    closeness = float(metrics.psnr(found, jaxpaint.draw(painting, size=SIZE)))
    print(f"{total} strokes of {painting.brush}: {path.stat().st_size / 1e3:.0f} kB")
    print(f"  first picture after {times[0] / 1000:.2f} s, the whole painting after {times[-1] / 1000:.2f} s")
    print(f"  scrubbing: {rate:.0f} pictures a second; download of {SIZE} pixels: {closeness:.1f} dB")


def measure_film(page: Page, film: pathlib.Path, path: pathlib.Path) -> None:
    """Opens a film in a page, which plays it, and prints what is measured."""
    properties, frames = films.read(film)
    export_film(properties, (painted.frame for painted in frames), path)
    page.goto(path.as_uri())
    page.wait_for_function("() => window.times.length")
    before = page.evaluate("window.times")
    page.wait_for_timeout(1000 * PLAYED)
    shown = page.evaluate("window.times.length") - len(before)
    print(f"{film.name}, {float(properties.rate):.2f} frames a second: {path.stat().st_size / 1e3:.0f} kB")
    print(f"  first picture after {before[0] / 1000:.2f} s; playing: {shown / PLAYED:.0f} pictures a second")
    page.evaluate("() => player.play(false)")


def wait(page: Page, count: int) -> None:
    """Waits until the canvas shows so many strokes, or that frame."""
    page.wait_for_function("n => document.getElementById('canvas').dataset.shown === String(n)", arg=count)


def photograph(page: Page, path: pathlib.Path) -> None:
    """Writes a picture of the page while it paints, or of a frame, with the pointer on a stroke."""
    page.set_viewport_size({"width": 1180, "height": 800})
    page.wait_for_timeout(3000)
    count = round(PAINTED * page.evaluate("player.timeline.last"))
    page.evaluate("count => player.go(count)", count)
    wait(page, count)
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + POINTER[0] * box["width"], box["y"] + POINTER[1] * box["height"])
    page.wait_for_function("() => document.getElementById('told').textContent.startsWith('stroke')")
    page.wait_for_timeout(1000)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, quality=85)


if __name__ == "__main__":
    main()
