"""The HTML player, and films in SVG, in a browser: pictures are the drawing, and the page does what it says."""

import dataclasses
import io
import itertools
import shutil
from fractions import Fraction

import numpy as np
import pytest
from filmed import FILM, textured
from filmed import painted as filmed
from PIL import Image
from test_exports import some

import jaxpaint
from jaxpaint import pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.io.exports import export_film, reel
from jaxpaint.settings import Settings

pytestmark = pytest.mark.browser
OUTLINED = [name for name, brush in BRUSHES.items() if brush.vectors]
# As most browsers have it; without a graphics card, the processor draws.
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS += ["--ignore-gpu-blocklist"]
NO_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : getContext.call(this, kind, ...rest);
};
"""


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=FLAGS)


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a painting, or a film and its frames, without a network; nothing may be asked for, and nothing go wrong."""
    wrong, contexts = [], []

    def open_page(painting, *, script="", warned=0, **options):
        path, film = tmp_path / "painting.html", isinstance(painting, tuple)
        export_film(*painting, path) if film else jaxpaint.export(painting, path)
        context = browser.new_context(offline=True, viewport={"width": 700, "height": 620}, **options)
        contexts.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.extend([request.url] * request.url.startswith(("http", "ws"))))
        page.goto(path.as_uri())
        if film:
            page.wait_for_function("() => document.getElementById('canvas').dataset.shown")
        else:
            wait(page, len(painting.strokes))
        open_page.warned = warned
        return page

    open_page.warned = 0
    yield open_page
    assert len(wrong) == open_page.warned, wrong
    for context in contexts:
        context.close()


def painted(brush, count=40, **settings):
    """A painting with texture, relief and ground as the brush has them."""
    painting = some(brush, count)
    return dataclasses.replace(painting, settings=Settings(brush=brush, strokes=count, size=512, **settings))


def wait(page, count):
    """Waits until the canvas shows so many strokes."""
    sharp = "!player.moved && player.seen === player.frame && player.view.density === 1"
    page.wait_for_function(f"n => document.getElementById('canvas').dataset.shown === String(n) && {sharp}", arg=count)


def told(page):
    return page.inner_text("#told")


def move(page, slider, value):
    """Moves a slider."""
    page.evaluate(
        """([id, value]) => {
          const slider = document.getElementById(id);
          slider.value = value;
          slider.dispatchEvent(new Event('input'));
        }""",
        [slider, value],
    )


def downloaded(page, size):
    page.keyboard.press("d")
    page.fill("#size", str(size))
    with page.expect_download() as download:
        page.click("#save .main")
    return pixels(download.value.path())


def pixels(source):
    with Image.open(source) as picture:
        return np.asarray(picture.convert("RGB"), np.float32) / 255


def shot(page):
    """The canvas as it is seen, without the button on it."""
    page.evaluate("() => document.body.classList.add('begun')")
    return pixels(io.BytesIO(page.locator("#canvas").screenshot()))


def psnr(one, other):
    return -10 * np.log10(np.mean((one - other) ** 2) + 1e-9)


def first(painting, count):
    return dataclasses.replace(painting, strokes=painting.strokes[:count])


@pytest.mark.parametrize("brush", OUTLINED)
def test_pictures_are_the_drawing(brush, opened):
    painting = painted(brush)
    page = opened(painting)
    least = 30 if BRUSHES[brush].settles else 40
    assert psnr(downloaded(page, 512), jaxpaint.draw(painting)) > least
    move(page, "count", 20)
    half = jaxpaint.draw(first(painting, 20))
    assert psnr(downloaded(page, 512), half) > least > psnr(jaxpaint.draw(painting), half)


def test_a_brush_of_ones_own(opened):
    stamps = np.random.default_rng(0).random((2, 6, 9, 3), np.float32)
    painting = dataclasses.replace(painted("filbert"), brush_image=stamps)
    drawn = jaxpaint.draw(painting)
    assert psnr(downloaded(opened(painting), 512), drawn) > 40 > psnr(drawn, jaxpaint.draw(painted("filbert")))


def test_what_is_seen_is_the_drawing(opened):
    painting = painted("filbert")
    page = opened(painting, reduced_motion="reduce")
    seen = shot(page)
    wanted = jaxpaint.draw(painting, size=max(seen.shape))
    assert psnr(seen[: len(wanted)], wanted[: len(seen)]) > 30


def test_zoom_shows_more(opened):
    painting = painted("filbert")
    page = opened(painting, reduced_motion="reduce")
    before, width = (
        page.locator("#sheet").bounding_box(),
        page.evaluate("() => document.getElementById('canvas').width"),
    )
    page.mouse.move(before["x"] + 10, before["y"] + 10)
    page.mouse.wheel(0, -600)
    page.wait_for_function("width => document.getElementById('canvas').width > width", arg=width)
    seen = shot(page)
    large = jaxpaint.draw(painting, size=round(before["width"] * np.exp(0.0018 * 600)))
    seen, places = (
        seen[60:360, 60:460],
        [(slice(60 + y, 360 + y), slice(60 + x, 460 + x)) for y in range(16) for x in range(16)],
    )
    best = max((large[place] for place in places), key=lambda part: psnr(seen, part))
    # Up to half a pixel apart, and as sharp.
    assert psnr(*(pictures.resize(each, (75, 100)) for each in (seen, best))) > 33
    assert 0.8 < np.abs(np.diff(seen, axis=0)).mean() / np.abs(np.diff(best, axis=0)).mean() < 1.25
    page.keyboard.press("0")
    page.wait_for_function("() => !document.getElementById('stage').classList.contains('large')")


def test_keys_and_buttons(opened):
    page = opened(painted("rectangle"))
    assert told(page) == "40 of 40 strokes"
    page.keyboard.press("Home")
    assert told(page) == "0 of 40 strokes"
    page.keyboard.press("ArrowRight")
    page.click("#forth")
    assert told(page) == "2 of 40 strokes"
    page.keyboard.press("ArrowLeft")
    assert told(page) == "1 of 40 strokes"
    page.keyboard.press("Shift+ArrowRight")
    assert told(page) == "40 of 40 strokes"
    assert page.get_attribute("#count", "aria-valuetext") == "40 of 40 strokes"
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")


def test_the_download_dialog(opened):
    page = opened(painted("rectangle"))
    page.keyboard.press("d")
    page.fill("#size", "63")
    page.keyboard.press("Enter")
    assert page.locator("#save").is_visible()
    page.click("#save button:has-text('4K')")
    assert page.inner_text("#about-picture") == "3,840 × 2,880 pixels, PNG: 40 of 40 strokes"
    page.click("#save button:has-text('Cancel')")
    page.wait_for_selector("#save", state="hidden")
    page.click("#download")
    page.fill("#size", "64")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert pixels(download.value.path()).shape == (48, 64, 3)


def test_keys_work_after_clicks(opened):
    page = opened(painted("rectangle"))
    page.click("#in")
    page.wait_for_function("() => document.activeElement === document.body")
    page.keyboard.press("Home")
    assert told(page) == "0 of 40 strokes"
    page.keyboard.press("Space")
    assert page.get_attribute("#play", "aria-label") == "Pause"


def test_playing_and_pausing(opened):
    page = opened(painted("rectangle"))
    page.click("#begin")
    page.wait_for_function("() => /^[1-9]\\d? of 40/.test(document.getElementById('told').textContent)")
    assert page.get_attribute("#play", "aria-label") == "Pause" and not page.locator("#begin").is_visible()
    page.select_option("#speed", "8")
    page.wait_for_function("() => document.getElementById('play').getAttribute('aria-label') === 'Play'")
    assert told(page) == "40 of 40 strokes"
    page.keyboard.press("Home")
    page.select_option("#speed", "1")
    page.click("#play")
    page.wait_for_function("() => !document.getElementById('told').textContent.startsWith('0 ')")
    page.click("#play")
    resting = told(page)
    assert not resting.startswith(("0 ", "40 "))
    page.wait_for_timeout(300)
    assert told(page) == resting


def test_a_stroke_under_the_pointer(opened):
    """Two boxes beside each other."""
    boxes = np.array([[0.25, 0.5, 0.6, 0.6, 0, 1, 0, 0, 1], [0.75, 0.5, 0.6, 0.6, 0, 0, 0, 1, 1]], np.float32)
    page = opened(dataclasses.replace(painted("rectangle", 2), strokes=boxes, width=400, height=400))
    bounds = page.locator("#sheet").bounding_box()
    for place, text in ((0.25, "stroke 1 · #ff0000"), (0.75, "stroke 2 · #0000ff"), (0.5, "2 of 2 strokes")):
        page.mouse.move(bounds["x"] + place * bounds["width"], bounds["y"] + 0.5 * bounds["height"])
        page.wait_for_function("text => document.getElementById('told').textContent === text", arg=text)
        assert page.locator("#swatch").is_visible() is text.startswith("stroke")


def test_light_follows_the_pointer(opened):
    painting = painted("filbert")
    page = opened(painting)
    bounds = page.locator("#sheet").bounding_box()
    shown = []
    for place in (0.1, 0.9):
        page.mouse.move(bounds["x"] + place * bounds["width"], bounds["y"] + 0.1 * bounds["height"])
        while shown and (shot(page) == shown[-1]).all():
            page.wait_for_timeout(100)
        shown.append(shot(page))
    assert 10 < psnr(*shown) < 30
    page.mouse.move(2, 2)
    assert psnr(downloaded(page, 256), jaxpaint.draw(painting, size=256)) > 40
    move(page, "relief", 0)
    assert psnr(downloaded(page, 256), jaxpaint.draw(painting, size=256, relief=0.0)) > 45


def test_paint_without_relief_has_no_light(opened):
    page = opened(painted("rectangle"))
    assert not page.locator("#lamp").is_visible() and not page.locator("#relief").is_visible()


@pytest.mark.parametrize("brush", OUTLINED)
def test_without_webgl(brush, opened):
    painting = some(brush)
    page = opened(painting, script=NO_WEBGL, warned=1)
    assert not page.locator("#lamp").is_visible()
    assert psnr(downloaded(page, 512), jaxpaint.draw(painting)) > 28
    move(page, "count", 20)
    wait(page, 20)
    seen = shot(page)
    wanted = jaxpaint.draw(first(painting, 20), size=max(seen.shape))
    assert psnr(seen[: len(wanted)], wanted[: len(seen)]) > 28


def test_a_scrubber_that_lags_shows_rough_pictures_until_it_rests(opened):
    painting = painted("filbert")
    page = opened(painting)
    wait(page, 40)
    width = page.evaluate("document.getElementById('canvas').width")
    # As if the scrubber kept moving.
    rougher = "(share) => { if (share < 1) Player.prototype.sharpen.call(player, share); }"
    page.evaluate(f"() => {{ player.sharpen = {rougher} }}")
    for lag, count, rough in ((0, 20, False), (1000, 19, True)):
        page.evaluate("lag => { player.lag = lag }", lag)
        move(page, "count", count)
        page.wait_for_function("n => player.shown === n", arg=count)
        assert (page.evaluate("player.seen.width") < 0.5 * width) == rough
    page.evaluate("delete player.sharpen")
    move(page, "count", 18)
    wait(page, 18)
    assert page.evaluate("player.seen.width") == width


@pytest.mark.parametrize("count", [0, 1])
def test_few_strokes(count, opened):
    painting = painted("filbert", 2)
    painting = first(painting, count)
    page = opened(painting)
    assert told(page) == f"{count} of {count} strokes"
    page.click("#play")
    # The canvas may still show the strokes from before the click.
    page.wait_for_function("count => player.timeline.target === count && player.shown === count", arg=count)
    assert psnr(downloaded(page, 256), jaxpaint.draw(painting, size=256)) > 40


def test_a_phone(opened):
    page = opened(painted("filbert"), has_touch=True, is_mobile=True, device_scale_factor=2, color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.getElementById('sheet').clientWidth < 390")
    assert not page.locator("#in").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and min(box["width"], box["height"]) >= 40
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(23, 22, 21)"
    for width, height in ((320, 568), (844, 390)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("height => document.getElementById('sheet').clientHeight > 0.3 * height", arg=height)
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.getElementById('sheet').clientWidth < 390")
    send = page.context.new_cdp_session(page).send
    for kind, spread in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120), ("touchEnd", None)):
        points = (
            [] if spread is None else [{"x": 195 - spread, "y": 350, "id": 0}, {"x": 195 + spread, "y": 350, "id": 1}]
        )
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_function("() => document.getElementById('stage').classList.contains('large')")


def frames_of(count, dim):
    # No stroke moves away from numbers that strokes have.
    return [each.frame._replace(strokes=each.frame.strokes.clip(0, 1)) for each in filmed(count, dim=dim)]


def test_frames_of_a_film_are_their_drawings(opened, monkeypatch):
    monkeypatch.setattr(reel, "_CHUNK", 2)
    film, frames = textured(), frames_of(6, 12)
    page = opened((film, frames), reduced_motion="reduce")
    assert told(page) == "0.00 of 0.60 s · frame 0" and page.locator("#begin").is_visible()
    drawn = {number: jaxpaint.draw(film.painting(frames[number])) for number in (0, 3, 5)}
    # Into other chunks, and back again.
    for number in (0, 3, 5, 0):
        move(page, "count", number)
        wait(page, number)
        picture = downloaded(page, 256)
        found = {other: psnr(picture, wanted) for other, wanted in drawn.items()}
        assert found.pop(number) > 40 > max(found.values())


def test_a_film_without_webgl_and_a_frame_without_strokes(opened):
    film, (first, second) = textured(texture=0.0, relief=0.0, wet=0.0, ground="none"), frames_of(2, 12)
    empty = second._replace(strokes=second.strokes[:0], ids=second.ids[:0])
    page = opened((film, [first, empty, second]), script=NO_WEBGL, warned=1, reduced_motion="reduce")
    for number, frame in enumerate((first, empty, second)):
        move(page, "count", number)
        wait(page, number)
        assert psnr(downloaded(page, 256), jaxpaint.draw(film.painting(frame))) > 28


def test_a_film_plays_in_a_loop(opened):
    film = textured()
    page = opened((film, frames_of(8, 12)))
    assert page.get_attribute("#play", "aria-label") == "Pause" and not page.locator("#begin").is_visible()
    times = "() => (window.times ??= []).push(Number(document.getElementById('count').value)) && %s"
    page.wait_for_function(times % "times.some((time, i) => time < times[i - 1])")
    page.keyboard.press("Space")
    resting = told(page)
    page.wait_for_timeout(300)
    assert told(page) == resting
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert told(page) == "0.10 of 0.80 s · frame 1"
    page.keyboard.press("Shift+ArrowRight")
    assert told(page) == "0.70 of 0.80 s · frame 7"
    page.keyboard.press("ArrowRight")
    assert told(page) == "0.70 of 0.80 s · frame 7"


@pytest.mark.parametrize(("rate", "roughest"), [(10, 0.4), (4, 1)])
def test_a_film_is_rough_after_several_late_pictures_in_a_row_and_sharp_when_it_rests(opened, rate, roughest):
    """A picture 200 ms after the one before is late in a film of 10 frames a second, and in time in one of 4."""
    page = opened((textured(rate), frames_of(8, 12)))
    page.wait_for_function("() => player.shown >= 0")
    # In one go, so that no other picture comes between.
    late = """(late) => {
        player.play(false);
        player.play(true);
        return late.map((milliseconds) => {
            player.last = performance.now() - milliseconds;
            player.present(performance.now());
            return player.view.density;
        });
    }"""
    # One picture after a pause is late, and so may be two more.
    assert page.evaluate(late, [5000, 200, 200, 0, 200, 200, 200, 200]) == [1, 1, 1, 1, 1, 1, 1, roughest]
    page.evaluate("() => player.play(false)")
    assert page.evaluate("() => player.view.density") == 1


def test_a_film_in_svg_plays(browser, tmp_path):
    """As a file, where the time can be set, and in a page, where no script runs."""
    film, frames = dataclasses.replace(FILM, rate=Fraction(4), height=240, width=320), frames_of(4, 9)
    export_film(film, frames, tmp_path / "film.svg")
    context = browser.new_context(offline=True, viewport={"width": 320, "height": 240})
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    stills = []
    for frame in frames:
        jaxpaint.export(film.painting(frame), tmp_path / "still.svg", precision=0)
        page.goto((tmp_path / "still.svg").as_uri())
        stills.append(pixels(io.BytesIO(page.screenshot())))
    assert max(psnr(*pair) for pair in itertools.combinations(stills, 2)) < 35
    page.goto((tmp_path / "film.svg").as_uri())
    page.evaluate("() => document.documentElement.pauseAnimations()")
    for number in (0, 1, 3, 2):
        page.evaluate("time => document.documentElement.setCurrentTime(time)", (number + 0.5) / 4)
        assert psnr(pixels(io.BytesIO(page.screenshot())), stills[number]) > 45
    (tmp_path / "page.html").write_text('<body style="margin: 0"><img src="film.svg" style="display: block">')
    page.goto((tmp_path / "page.html").as_uri())
    seen = set()
    while len(seen) < 2:
        shown = pixels(io.BytesIO(page.screenshot()))
        seen.add(max(range(4), key=lambda number: psnr(shown, stills[number])))
        assert max(psnr(shown, still) for still in stills) > 45
    page.emulate_media(reduced_motion="reduce")
    page.goto((tmp_path / "film.svg").as_uri())
    page.evaluate("() => document.documentElement.setCurrentTime(0.6)")
    assert psnr(pixels(io.BytesIO(page.screenshot())), stills[0]) > 45
    assert not wrong
    context.close()
