"""The picture of the HTML player, docs/images/player.jpg.

    python docs/screenshot.py PAINTING.npz

Needs Chromium and `pip install -e '.[dev]'`.
"""

import io
import pathlib
import shutil
import sys
import tempfile

from PIL import Image
from playwright.sync_api import sync_playwright

import jaxpaint

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
# Share of the strokes that is painted, and where the pointer is.
PAINTED, POINTER = 0.3, (0.64, 0.28)


def main(name: str) -> None:
    """Opens the player at half of the strokes, with the pointer on one of them."""
    painting = jaxpaint.load_painting(name)
    count = round(len(painting.strokes) * PAINTED)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "painting.html"
        jaxpaint.export(painting, page)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        tab = browser.new_page(viewport={"width": 1180, "height": 800})
        tab.goto(page.as_uri())
        for shown in (len(painting.strokes), count):
            tab.evaluate("count => player.go(count)", shown)
            tab.wait_for_function("n => document.getElementById('canvas').dataset.shown === String(n)", arg=shown)
        box = tab.locator("#canvas").bounding_box()
        assert box is not None
        tab.mouse.move(box["x"] + POINTER[0] * box["width"], box["y"] + POINTER[1] * box["height"])
        tab.wait_for_function("() => document.getElementById('told').textContent.startsWith('stroke')")
        tab.wait_for_timeout(1000)
        picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    picture.save(pathlib.Path(__file__).with_name("images") / "player.jpg", quality=85)


if __name__ == "__main__":
    main(*sys.argv[1:])
