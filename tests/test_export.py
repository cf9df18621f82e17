"""The command `export`: files that come out, and one line for everything that goes wrong."""

import dataclasses
import gzip
import json
import os
import pathlib
import re

import numpy as np
import pytest
from commands import names, one_line, run
from filmed import FILM, painted

import jaxpaint
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import draw, export
from jaxpaint.io import films
from jaxpaint.settings import Settings
from jaxpaint.types import Painting


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with a painting."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("paintings")
    jaxpaint.save_painting("paintings/photo.npz", boxes())
    return tmp_path


@pytest.fixture
def filmed(folder):
    """A film of three frames that is not finished."""
    films.create("clip.film", FILM)
    before = None
    for each in painted():
        films.append("clip.film", each, before)
        before = each.frame


def boxes():
    settings = Settings(brush="rectangle", strokes=5, size=64)
    strokes = np.random.default_rng(0).random((5, BRUSHES["rectangle"].dim), np.float32)
    return Painting(strokes, "rectangle", 30, 40, settings.canvas_rgb, None, settings)


def test_a_file_of_the_format_of_its_name(capsys):
    for name in ("a.svg", "new/b.SVG", "c.json", "d_height.tiff"):
        assert run(export, "paintings/photo.npz", f"--out={name}") == 0
        assert capsys.readouterr().out == f"{name}\n"
    assert pathlib.Path("a.svg").read_text().count("<path") == 5


def test_several_formats_of_several_paintings(capsys):
    jaxpaint.save_painting("paintings/other.npz", boxes())
    paintings = ["paintings/photo.npz", "paintings/other.npz"]
    assert run(export, *paintings, "--formats=svg, .json", "-o", "out") == 0
    assert names("out") == ["other.json", "other.svg", "photo.json", "photo.svg"]
    assert run(export, "paintings/photo.npz", "--formats=height.png,flat.png", "-o", "maps") == 0
    assert names("maps") == ["photo_flat.png", "photo_height.png"]
    assert run(export, "paintings/photo.npz", "--formats=csv") == 0
    assert names("paintings") == ["other.npz", "photo.csv", "photo.npz"]


def test_a_bad_painting_does_not_stop_the_others(capsys):
    pathlib.Path("paintings/words.npz").write_text("words")
    assert run(export, "paintings/words.npz", "paintings/photo.npz", "--formats=svg") == 1
    assert "paintings/words.npz: not a painting" in one_line(capsys)
    assert names("paintings") == ["photo.npz", "photo.svg", "words.npz"]


def test_options(capsys):
    assert run(export, "paintings/photo.npz", "--out=a.svg", "--precision=2") == 0
    assert 'viewBox="0 0 100000 75000"' in pathlib.Path("a.svg").read_text()
    assert run(export, "paintings/photo.npz", "--out=a.json", "--pixels=400") == 0
    assert json.loads(pathlib.Path("a.json").read_text())["pixels"] == {"width": 400, "height": 300}


def test_what_was_exported_is_exported_again_and_nothing_else_is_replaced(capsys):
    small = ["--size=48", "--detail=48"]
    for _ in range(2):
        assert (
            run(
                export,
                "paintings/photo.npz",
                *small,
                "--formats=svg,svgz,json,csv,ora,stl,glb,flat.png,height.png,height.tiff,normal.png",
                "--plan",
            )
            == 0
        )
    pathlib.Path("paintings/photo.svg").write_text("my own")
    jaxpaint.save_painting("paintings/photo.npz", dataclasses.replace(boxes(), width=50))
    capsys.readouterr()
    for ending, told in (("svg", "does not say that jaxpaint made it"), ("csv", "made from something else")):
        assert run(export, "paintings/photo.npz", f"--formats={ending}") == 1
        assert f"paintings/photo.{ending} is there already" in (line := one_line(capsys)) and told in line
    assert pathlib.Path("paintings/photo.svg").read_text() == "my own"
    assert run(export, "paintings/photo.npz", "--formats=svg", "--overwrite") == 0


def test_an_export_that_was_edited_is_not_replaced(capsys):
    endings = ("svg", "json", "gcode", "hpgl")
    assert run(export, "paintings/photo.npz", f"--formats={','.join(endings)}") == 0
    for ending in endings:
        path = pathlib.Path(f"paintings/photo.{ending}")
        path.write_text(path.read_text().replace("A painting in", "My painting in"))
        capsys.readouterr()
        assert run(export, "paintings/photo.npz", f"--formats={ending}") == 1
        assert "was changed after jaxpaint made it" in one_line(capsys)


def test_a_plan_is_four_files(capsys):
    flags = ["--colors=2", "--bed_mm=300,200", "--origin_mm=10,10"]
    assert run(export, "paintings/photo.npz", "--plan", "--formats=svg", *flags) == 0
    plan = ["photo.gcode", "photo.hpgl", "photo_plotter.png", "photo_plotter.svg"]
    assert names("paintings") == sorted([*plan, "photo.npz", "photo.svg"])
    assert "200 x 150 mm at 10,10 on a bed of 300 x 200 mm" in pathlib.Path("paintings/photo.gcode").read_text()
    assert 'width="300mm"' in pathlib.Path("paintings/photo_plotter.svg").read_text()
    assert 'width="40"' in pathlib.Path("paintings/photo.svg").read_text()


def test_draw_takes_json(capsys):
    assert run(export, "paintings/photo.npz", "--out=strokes.json") == 0
    for source in ("paintings/photo.npz", "strokes.json"):
        assert run(draw, source, "--out=a.png", "--overwrite") == 0
        os.rename("a.png", f"{pathlib.Path(source).suffix[1:]}.png")
    np.testing.assert_array_equal(*(jaxpaint.read_image(f"{name}.png") for name in ("npz", "json")))


def test_another_order(capsys):
    """The drawing and its last frame are the same, the strokes' list is not."""
    for name, flags in (("a", []), ("b", ["--order=size"])):
        assert run(export, "paintings/photo.npz", f"--out={name}.json", *flags) == 0
        assert run(draw, f"{name}.json", f"--out={name}.png", *flags) == 0
    one, other = (json.loads(pathlib.Path(f"{name}.json").read_text())["strokes"] for name in "ab")
    assert one != other and sorted(map(str, one)) == sorted(map(str, other))


def test_what_an_order_saves_is_told(capsys):
    assert run(export, "paintings/photo.npz", "--out=a.svg", "--order=travel", "-v") == 0
    assert re.search(r"jaxpaint: order travel: \d+ to \d+ long sides .* changes of colour", capsys.readouterr().err)


def test_an_unfinished_painting():
    jaxpaint.save_painting("part.npz", dataclasses.replace(boxes(), state={"step": np.array(1)}))
    assert run(export, "part.npz", "--out=part.svgz") == 0
    assert b"unfinished" in gzip.decompress(pathlib.Path("part.svgz").read_bytes())


def test_a_whole_film(filmed, capsys):
    assert run(export, "clip.film", "--out=all.svg") == 0
    assert "clip.film: not finished, or cut short; exporting the frames that it has" in one_line(capsys)
    films.finish("clip.film")
    assert run(export, "clip.film", "--formats=html,svgz", "--title=Mum", "--frames=1-2") == 0
    assert names(".") == ["all.svg", "clip.film", "clip.html", "clip.svgz", "paintings"]
    assert "2 frames" in gzip.decompress(pathlib.Path("clip.svgz").read_bytes()).decode()
    assert "<h1>Mum</h1>" in pathlib.Path("clip.html").read_text()
    assert run(export, "clip.film", "--out=one.svg", "--frame=2") == 0
    # The same again replaces the file; other frames do not.
    capsys.readouterr()
    assert run(export, "clip.film", "--out=clip.svgz", "--frames=1-2") == 0
    assert run(export, "clip.film", "--out=clip.svgz") == 1
    assert "clip.svgz is there already, made from something else" in one_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--out=a.json"], "clip.film: a whole film becomes svg, svgz, html; for json, choose a frame by --frame=K"),
        (["--plan"], "clip.film: a whole film becomes svg, svgz, html; for gcode, choose a frame by --frame=K"),
        (["--out=a.svg", "--frame=3"], "clip.film: has no frame 3, but frames 0 to 2"),
        (["--out=a.svg", "--frames=1-3"], "clip.film: has no frame 3, but frames 0 to 2"),
        (["--out=a.svg", "--frames=2-1"], "--frames=2-1: expected the first and the last frame, such as 0-99"),
        (["--out=a.svg", "--frames=2-2", "--frame=2"], "--frames=2-2: expected with a film, and without --frame"),
        (["--out=a.svg", "--order=size"], "--order=size: expected with a painting, or one frame of a film, got"),
        (["--out=a.svg", "--seconds=3"], "--seconds: no option of svg of films"),
    ],
)
def test_bad_input_with_a_film(arguments, expected, filmed, folder, capsys):
    films.finish("clip.film")
    before = sorted(folder.rglob("*"))
    assert run(export, "clip.film", *arguments) == 1
    assert expected in one_line(capsys)
    assert sorted(folder.rglob("*")) == before


def test_a_damaged_film(filmed, folder, capsys):
    data = bytearray(pathlib.Path("clip.film").read_bytes())
    data[-30] ^= 1
    pathlib.Path("clip.film").write_bytes(data)
    assert run(export, "clip.film", "--out=a.html") == 1
    assert "clip.film: damaged at frame 2: its checksum is another" in one_line(capsys)
    assert names(".") == ["clip.film", "paintings"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--out=a.svg"], "no painting given"),
        (["paintings/photo.npz"], "or a folder and --formats"),
        (["paintings/photo.npz", "--out=here"], "--out=here: expected a name that ends in json, csv,"),
        (["paintings/photo.npz", "--out=a.png"], "--out=a.png: expected a name that ends in json, csv,"),
        (["paintings/photo.npz", "--out=a.svg", "--formats=csv"], "--out=a.svg: expected a name"),
        (["paintings/photo.npz", "--out=a.png", "--formats=csv"], "--out=a.png: expected a folder, or a name"),
        (["paintings/photo.npz", "--formats=svg,eps"], "--formats=eps: expected json, csv, html, flat.png, height.png"),
        (["paintings/photo.npz", "--out=a.svg", "--precision=9"], "--precision=9: "),
        (["paintings/photo.npz", "--out=a.svg", "--precison=1"], "no such flag; did you mean --precision?"),
        (["paintings/photo.npz", "--out=a.svg", "--max_bytes=9"], "max_bytes: expected at least"),
        (["paintings/photo.npz", "--out=a.json", "--precision=1"], "--precision: no option of json"),
        (["paintings/photo.npz", "--plan", "--out=plans", "--bed_mm=300"], "--bed_mm: expected two numbers, with a"),
        (
            ["paintings/photo.npz", "--plan", "--out=plans", "--bed_mm=90,90"],
            "expected a picture that fits a bed of 90 x",
        ),
        (["paintings/photo.npz", "--plan", "--out=a.gcode"], "--out=a.gcode: expected a name"),
        (["paintings/photo.npz", "--out=a.svg", "--bed_mm=90,90"], "--bed_mm: no option of svg"),
        (["none.npz", "--out=a.svg"], "none.npz: no such file"),
        (["words.json", "--out=a.svg"], "words.json: not a painting"),
        (["paintings/photo.npz", "--out=a.svg", "--frame=2"], "photo.npz: "),
        (["paintings/photo.npz", "paintings/photo.npz", "--formats=svg"], "would both become paintings/photo.svg"),
        (["words.json", "--out=words.json"], "words.json would be overwritten"),
    ],
)
def test_bad_input(arguments, expected, folder, capsys):
    pathlib.Path("words.json").write_text("words")
    before = sorted(folder.rglob("*"))
    assert run(export, *arguments) == 1
    assert expected in one_line(capsys)
    assert sorted(folder.rglob("*")) == before


def test_help(capsys):
    assert run(export, "--help") == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    for word in ("svg, svgz", "--formats", "max_bytes", "json  "):
        assert word in out
    assert run(export) == 1
    assert capsys.readouterr().err.count("\n  export ") == 4
