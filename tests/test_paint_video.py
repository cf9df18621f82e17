"""The command `paint_video`: files that come out, Ctrl-C and going on, one line for everything that goes wrong."""

import contextlib
import itertools
import json
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from commands import ROOT, names, one_line, run
from PIL import Image

from jaxpaint import pictures
from jaxpaint.cli import draw, paint_video
from jaxpaint.errors import ImageError, WriteError
from jaxpaint.io import films, images, videos

# Of the brush whose programs compile soonest.
TINY = ["--config.brush=rectangle", "--config.strokes=20", "--config.steps=12", "--config.size=32"]
TINY += ["--config.frame_steps=4"]
FRAMES = 5


def clip(path, frames=FRAMES, sound_of=None):
    """A bright square that moves over a dark ground, 24 × 32, 10 frames a second."""
    pictures = []
    for number in range(frames):
        picture = np.full((24, 32, 3), (20, 40, 80), np.uint8)
        picture[8:16, 4 + number : 12 + number] = (240, 200, 60)
        pictures.append(picture)
    videos.write_video(path, pictures, fps=10.0, sound_of=sound_of)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip("clip.mp4")
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the clip and a film of it."""
    with contextlib.chdir(tmp_path_factory.mktemp("finished")):
        clip("clip.mp4")
        assert run(paint_video, "clip.mp4", *TINY) == 0
        return pathlib.Path.cwd()


def painted(path):
    return list(films.read(path)[1])


def test_paints(capsys):
    assert run(paint_video, "clip.mp4", *TINY) == 0
    assert capsys.readouterr().out == "paintings/clip.mp4\n"
    assert names("paintings") == ["clip.film", "clip.mp4"]
    made = videos.probe("paintings/clip.mp4")
    assert (made.height, made.width, made.rate, made.frames) == (24, 32, 10, FRAMES)
    film, _ = films.read("paintings/clip.film")
    assert (film.height, film.width, film.rate, film.frames, film.source) == (24, 32, 10, FRAMES, "clip.mp4")
    frames = painted("paintings/clip.film")
    assert [frame.number for frame, _ in frames] == list(range(FRAMES))
    # The video shows the film.
    for (frame, _), shown in zip(frames, videos.read(made), strict=True):
        drawn = pictures.to_bytes(next(film.drawn([frame], size=32)) / np.float32(255))
        assert np.abs(shown.astype(int) - drawn).mean() < 6


def test_a_map_of_detail(capsys):
    """A video of maps that ends early, then its last frame in their place; going on needs the same map."""
    light = np.zeros((24, 32, 3), np.uint8)
    light[:, :16] = 255
    videos.write_video("map.mp4", [light] * 2, fps=10.0)
    Image.fromarray(light).save("map.png")
    strokes = {}
    for name, told in (("map.mp4", ["jaxpaint: map.mp4: 2 frames for 5; the last one stays"]), ("map.png", [])):
        assert run(paint_video, "clip.mp4", *TINY, f"--detail={name}", "-q", "-o", f"out/{name[4:]}/clip.mp4") == 0
        assert capsys.readouterr().err.splitlines() == told
        strokes[name] = painted(f"out/{name[4:]}/clip.film")[-1].frame.strokes
    # Up to the loss of the video's compression.
    np.testing.assert_allclose(strokes["map.mp4"], strokes["map.png"], atol=0.05)
    again = ["clip.mp4", *TINY, "-q", "-o", "out/png/clip.mp4"]
    assert run(paint_video, *again, "--detail=map.png") == 0
    for other in (["--detail=map.mp4"], []):
        assert run(paint_video, *again, *other) == 1
        assert "out/png/clip.film: a film with another map of detail" in capsys.readouterr().err.splitlines()[-1]
    assert run(paint_video, "clip.mp4", *TINY, "--detail=missing.png") == 1
    assert one_line(capsys) == "jaxpaint: missing.png: no such file"
    assert run(paint_video, "clip.mp4", *TINY, "--detail=map.png", "--config.mode=blocks") == 1
    assert "expected without config.mode=blocks" in one_line(capsys)


def test_everything_that_can_be_asked_for():
    flags = ["--out=out/painted.gif", "--size=64", "--report", "--previews", "--config.stride=2"]
    assert run(paint_video, "clip.mp4", *TINY, *flags, "--config.interpolate") == 0
    assert names("out") == ["painted-frames", "painted.film", "painted.gif", "painted.json"]
    made = videos.probe("out/painted.gif")
    # Frames between painted ones have the source's rate again.
    assert (made.height, made.width, made.rate, made.frames) == (48, 64, 10, FRAMES)
    assert names("out/painted-frames") == [f"{number:06d}.png" for number in range(FRAMES)]
    with Image.open("out/painted-frames/000003.png") as picture:
        assert picture.size == (64, 48)
    report = json.loads(pathlib.Path("out/painted.json").read_text())
    assert report["frames"] == len(report["each"]) == 3 and report["rate"] == 10.0
    assert report["painted anew"] == [0] and report["each"][0]["survived"] is None
    assert 10 < report["least psnr"] <= report["psnr"] and 0.5 < report["survived"] <= 1
    assert report["settings"]["stride"] == 2 and report["versions"] and report["seconds a frame"] > 0
    # Of an earlier film with more frames, none are left among these.
    shutil.copy("out/painted-frames/000003.png", "out/painted-frames/000009.png")
    assert run(paint_video, "clip.mp4", *TINY, *flags, "--config.interpolate") == 0
    assert names("out/painted-frames") == [f"{number:06d}.png" for number in range(FRAMES)]


@pytest.mark.parametrize("method", ["independent", "previous"])
def test_the_methods_of_the_report(method):
    assert run(paint_video, "clip.mp4", *TINY, f"--config.method={method}", "--config.stride=2") == 0
    made = videos.probe("paintings/clip.mp4")
    assert (made.rate, made.frames) == (10, FRAMES)
    assert all(math.isnan(facts.survived) for _, facts in painted("paintings/clip.film"))


@pytest.fixture
def ctrl_c():
    """Ctrl-C is heard: by default, jobs in the background of a shell ignore it."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


def test_interrupted_and_gone_on_with(finished, ctrl_c, monkeypatch, capsys):
    """By a real SIGINT, while the third frame is painted; the same command goes on to the same film."""
    append, count = films.append, itertools.count(1)

    def interrupting(*arguments):
        append(*arguments)
        if next(count) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)

    monkeypatch.setattr(films, "append", interrupting)
    before = signal.getsignal(signal.SIGINT)
    capsys.readouterr()
    assert run(paint_video, "clip.mp4", *TINY) == 130
    assert signal.getsignal(signal.SIGINT) is before
    waits, line = (line for line in capsys.readouterr().err.splitlines() if line.startswith("jaxpaint: "))
    assert "stopping after this frame" in waits
    assert "kept 3 frames in paintings/clip.film and paintings/clip.mp4. Continue with: paint_video clip.mp4" in line
    assert names("paintings") == ["clip.film", "clip.mp4"]
    assert videos.probe("paintings/clip.mp4").frames == 3

    assert run(paint_video, "clip.mp4", *TINY) == 0
    assert names("paintings") == ["clip.film", "clip.mp4"]
    assert videos.probe("paintings/clip.mp4").frames == FRAMES
    both = ("paintings/clip.film", finished / "paintings/clip.film")
    for (frame, _), (expected, _) in zip(*map(painted, both), strict=True):
        np.testing.assert_array_equal(frame.strokes, expected.strokes)
        np.testing.assert_array_equal(frame.ids, expected.ids)
    capsys.readouterr()
    assert run(paint_video, "clip.mp4", *TINY, "--size=16") == 0
    assert "finished already; drawing it again" in capsys.readouterr().out
    assert videos.probe("paintings/clip.mp4").width == 16


def test_a_full_disk_leaves_what_is_painted(monkeypatch, capsys):
    append, count = films.append, itertools.count(1)

    def full(*arguments):
        if next(count) == 2:
            raise WriteError("paintings/clip.film: can't be written: No space left on device")
        append(*arguments)

    monkeypatch.setattr(films, "append", full)
    assert run(paint_video, "clip.mp4", *TINY) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "No space left on device; what is painted is kept in paintings/clip.film" in line
    assert line.endswith("Continue with: paint_video clip.mp4 " + " ".join(TINY))
    state, finished = films.resume(pathlib.Path("paintings/clip.film"))
    assert state.number == 0 and not finished


def test_another_film_is_not_written_over(finished, capsys):
    shutil.copytree(finished, ".", dirs_exist_ok=True)
    kept = pathlib.Path("paintings/clip.film").read_bytes()
    capsys.readouterr()
    assert run(paint_video, "clip.mp4", *TINY, "--config.seed=1") == 1
    assert "clip.film: made with config.seed=0, not 1; choose another --out" in one_line(capsys)
    clip("other.mp4", frames=3)
    assert run(paint_video, "other.mp4", *TINY, "--out=paintings/clip.mp4") == 1
    assert "clip.mp4 is there already, made from something else than other.mp4" in one_line(capsys)
    assert pathlib.Path("paintings/clip.film").read_bytes() == kept
    assert run(paint_video, "other.mp4", *TINY, "--out=paintings/clip.mp4", "--overwrite") == 0
    assert films.read("paintings/clip.film")[0].source == "other.mp4"


def test_a_drawing_does_not_replace_the_source(capsys):
    """Of a film that lies beside it and has its name."""
    assert run(paint_video, "clip.mp4", *TINY, "--out=clip.gif") == 0
    before = pathlib.Path("clip.mp4").read_bytes()
    capsys.readouterr()
    assert run(draw, "clip.film") == 1
    assert "clip.mp4 is there already, and does not say that jaxpaint made it" in one_line(capsys)
    assert pathlib.Path("clip.mp4").read_bytes() == before


def test_a_film_does_not_replace_its_style(capsys):
    videos.write_video("style.gif", [np.full((24, 32, 3), 90, np.uint8)])
    before = pathlib.Path("style.gif").read_bytes()
    assert run(paint_video, "clip.mp4", *TINY, "--style=style.gif", "--out=style.gif", "--overwrite") == 1
    assert "style.gif would be overwritten" in one_line(capsys)
    assert pathlib.Path("style.gif").read_bytes() == before


def test_an_unfinished_film_that_is_drawn_says_so(finished, capsys):
    shutil.copytree(finished, ".", dirs_exist_ok=True)
    whole = pathlib.Path("paintings/clip.film").read_bytes()
    pathlib.Path("short.film").write_bytes(whole[:-40])
    capsys.readouterr()
    assert run(draw, "short.film", "--out=short.mp4") == 0
    assert "short.film: not finished, or cut short" in one_line(capsys)
    assert videos.probe("short.mp4").frames < FRAMES


@pytest.mark.slow
def test_a_film_keeps_the_brush_that_it_began_with():
    """Pictures that come later change nothing of it."""

    def stamp(name, rows):
        pixels = np.zeros((16, 32, 3), np.float32)
        pixels[rows] = 1.0
        images.write_image(name, pixels)

    os.mkdir("stamps")
    stamp("stamps/a.png", slice(4, 12, 2))
    brush = ["--config.brush=oilpaintbrush", "--config.brush_image=stamps", "--config.textured=False"]
    arguments = ("clip.mp4", *TINY, *brush)
    assert run(paint_video, *arguments) == 0
    first = list(videos.read(videos.probe("paintings/clip.mp4")))
    stamp("stamps/b.png", slice(4, 12))
    assert run(paint_video, *arguments) == 0
    for before, after in zip(first, videos.read(videos.probe("paintings/clip.mp4")), strict=True):
        np.testing.assert_array_equal(after, before)
    assert films.read("paintings/clip.film")[0].brush_image.shape[0] == 1


def test_in_a_style(capsys):
    """Kept with the film; another style needs another film."""
    layers = "vgg_size=32, style_layers='relu1_1', content_layers='relu1_1'"
    pathlib.Path("quick.py").write_text(f"def get_config():\n    return dict(steps=2, {layers})\n")
    for name, color in {"a": (250, 120, 20), "b": (20, 30, 90)}.items():
        Image.new("RGB", (40, 40), color).save(f"{name}.png")
    style = ["--style=a.png,b.png", "--stylize=quick.py", "--report"]
    assert run(paint_video, "clip.mp4", *TINY, *style) == 0
    film, _ = films.read("paintings/clip.film")
    assert film.styling.vgg_size == 32 and [name.split()[0] for name in film.styles] == ["a.png", "b.png"]
    report = json.loads(pathlib.Path("paintings/clip.json").read_text())
    assert report["styling"]["steps"] == 2 and len(report["styles"]) == 2
    capsys.readouterr()
    Image.new("RGB", (40, 40), (0, 0, 0)).save("b.png")
    for other in (style, []):
        assert run(paint_video, "clip.mp4", *TINY, *other) == 1
        assert "a film in another style; choose another --out" in one_line(capsys)


def test_drawn_again(finished, capsys):
    shutil.copytree(finished, ".", dirs_exist_ok=True)
    film = "paintings/clip.film"
    assert run(draw, film, "--size=48", "--out=large.mp4") == 0
    made = videos.probe("large.mp4")
    assert (made.height, made.width, made.rate, made.frames) == (36, 48, 10, FRAMES)
    assert run(draw, film, "--frame=2", "--size=64", "--timelapse") == 0
    assert {"clip-2.png", "clip-2.mp4"} < set(names("paintings"))
    with Image.open("paintings/clip-2.png") as picture:
        assert picture.size == (64, 48)
    capsys.readouterr()
    for arguments, expected in (
        ([film, "--frame=9"], "has no frame 9"),
        (["work.npz", "--frame=1"], "only with a film"),
        ([film, "--timelapse"], "one frame of a film"),
        ([film, "--size=1cm"], "--dpi, or a --size with a unit: expected a painting, or one frame of a film"),
        ([film, "--out=a.txt"], "--out=a.txt: expected a folder, or a name that ends in .mp4, "),
        (["none.film"], "none.film: no such file"),
    ):
        assert run(draw, *arguments) == 1
        assert expected in one_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--size=9"], "expected one video, got 0"),
        (["clip.mp4", "clip.mp4"], "expected one video, got 2"),
        (["none.mp4"], "none.mp4: no such file"),
        (["words.mp4"], "words.mp4: "),
        (["picture.png"], "picture.png: expected a video, got a picture"),
        (["clip.mp4", "--out=clip.mp4"], "clip.mp4 would be overwritten"),
        (["clip.mp4", "--out=a.txt"], "--out=a.txt: expected a folder, or a name that ends in .mp4, "),
        (["clip.mp4", "--config.method=flow"], "config.method: expected persistent or previous or independent"),
        (["clip.mp4", "--config.method=independent", "--config.interpolate"], "only with method persistent"),
        (["clip.mp4", "--config.strokes=0"], "config.strokes: expected an integer from 1"),
        (["clip.mp4", "--style=none.png"], "none.png: no such file"),
        (["clip.mp4", "--stylize=stylize.py"], "--stylize=stylize.py: expected only with a --style"),
        (["clip.mp4", "--style=picture.png", "--stylize=none.py"], "--stylize=none.py: no such file"),
        (["clip.mp4", "--style=picture.png", "--stylize=bad.py"], "--stylize=bad.py: ZeroDivisionError"),
        (["clip.mp4", "--size=0"], "--size=0: 0 is not an integer in the range"),
    ],
)
def test_bad_input(arguments, expected, folder, capsys):
    pathlib.Path("words.mp4").write_text("no video")
    pathlib.Path("bad.py").write_text("1 / 0")
    Image.new("RGB", (4, 4)).save("picture.png")
    before = sorted(folder.rglob("*"))
    assert run(paint_video, *arguments) == 1
    assert expected in one_line(capsys)
    assert sorted(folder.rglob("*")) == before


def test_where_no_frame_can_be_read_nothing_is_left(folder, monkeypatch, capsys):
    def read(video, **_):
        raise ImageError(f"{video.path}: a damaged video")
        yield

    monkeypatch.setattr(videos, "read", read)
    before = sorted(folder.rglob("*"))
    assert run(paint_video, "clip.mp4", *TINY) == 1
    assert one_line(capsys) == "jaxpaint: clip.mp4: a damaged video"
    assert sorted(folder.rglob("*")) == before


def test_help(capsys):
    assert run(paint_video, "--help") == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: paint_video VIDEO") and not err
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.slow
def test_bin_paints_for_real():
    command = [sys.executable, ROOT / "bin/paint_video", "clip.mp4", "--out=out.mp4", *TINY]
    done = subprocess.run(
        command, env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "frame 5/5" in done.stderr and "Traceback" not in done.stderr
    assert videos.probe("out.mp4").frames == FRAMES
