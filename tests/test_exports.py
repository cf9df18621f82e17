"""Exports: what other programs draw is the drawing, data are read back, and nothing of this machine is in a file."""

import base64
import csv
import dataclasses
import gzip
import io
import json
import pathlib
import re
import warnings
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib

import cv2
import jsonschema
import numpy as np
import pytest
import resvg_py
import skia
import tifffile
import trimesh
from PIL import Image
from strokes import SMOOTH, draw

import jaxpaint
from jaxpaint import metrics
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ExportError, PaintingFileError
from jaxpaint.io.exports import EXPORTS, psd
from jaxpaint.settings import Settings, StyleSettings
from jaxpaint.types import Painting

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUTLINED = [name for name, brush in BRUSHES.items() if brush.vectors]
SVG = "{http://www.w3.org/2000/svg}"


def some(brush, count=40, **changes):
    """A painting of strokes all over the canvas, of all sizes, turned and bent in all ways."""
    rng = np.random.default_rng(3)
    strokes = rng.uniform(0.0, 1.0, (count, BRUSHES[brush].dim)).astype(np.float32)
    strokes[:, BRUSHES[brush].index("size")] *= 0.3
    strokes[:, BRUSHES[brush].index("control")] = 0.3 + 0.4 * strokes[:, BRUSHES[brush].index("control")]
    strokes[:, BRUSHES[brush].index("y")] *= 0.75
    strokes[:, BRUSHES[brush].index("alpha")] = rng.uniform(0.3, 1.0, (count, len(BRUSHES[brush].index("alpha"))))
    bare = {"canvas_color": "0.875,0.75,0.5", "texture": 0.0, "relief": 0.0, "wet": 0.0, "ground": "none"}
    settings = Settings(brush=brush, strokes=count, size=512, **bare)
    result = Painting(strokes, brush, 300, 400, settings.canvas_rgb, None, settings, origin="0123456789abcdef" * 2)
    return dataclasses.replace(result, **changes)


def by_resvg(svg, shape):
    drawn = resvg_py.svg_to_bytes(svg_string=svg, height=shape[0], width=shape[1])
    with Image.open(io.BytesIO(bytes(drawn))) as picture:
        return np.asarray(picture.convert("RGB"), np.float32) / 255


def by_skia(svg, shape):
    width, height = map(float, re.search(r'width="(\d+)" height="(\d+)"', svg).groups())
    dom = skia.SVGDOM.MakeFromStream(skia.MemoryStream(svg.encode(), True))
    surface = skia.Surface(shape[1], shape[0])
    surface.getCanvas().scale(shape[1] / width, shape[0] / height)
    dom.setContainerSize(skia.Size(width, height))
    dom.render(surface.getCanvas())
    pixels = surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
    return pixels[..., :3].astype(np.float32) / 255


@pytest.mark.parametrize("brush", OUTLINED)
def test_outlines_are_those_of_the_strokes(brush):
    size, brush = 128, BRUSHES[brush]
    rng = np.random.default_rng(5)
    strokes = brush.lay(
        rng.uniform(0.4, 0.6, (8, 2)),
        rng.uniform(-3, 3, 8),
        rng.uniform(0.2, 0.5, 8),
        rng.uniform(0.05, 0.15, 8),
        np.full((8, 3), 0.5),
        np.ones(8),
    ).astype(np.float32)
    strokes[:, brush.index("control")] = rng.uniform(0.2, 0.8, (8, len(brush.index("control"))))
    alphas = draw(brush.name, strokes, size=size, look=SMOOTH).alpha[0]
    vectors = brush.shapes(strokes)
    for alpha, outline, path in zip(alphas, vectors.outline, vectors.path, strict=True):
        # OpenCV also paints the pixels of the outline itself.
        filled = cv2.fillPoly(np.zeros((16 * size, 16 * size), np.float32), [np.int32(outline * size * 16)], 1.0)
        filled = filled.reshape(size, 16, size, 16).mean(axis=(1, 3))
        assert np.abs(filled - alpha).sum() < 0.03 * alpha.sum()
        x, y = ((path[0] + 2 * path[1] + path[2]) / 4 * size).astype(int)
        assert alpha[y, x] > 0.9


@pytest.mark.parametrize(
    ("brush", "least"),
    [("rectangle", 38), ("oilpaintbrush", 32), ("filbert", 30), ("watercolor", 30), ("markerpen", 30), ("pastel", 30)],
)
def test_other_programs_draw_an_svg_as_it_is_drawn(tmp_path, brush, least):
    painting = some(brush)
    jaxpaint.export(painting, tmp_path / "a.svg")
    svg, wanted = (tmp_path / "a.svg").read_text(), jaxpaint.draw(painting, size=1024)
    assert metrics.psnr(by_resvg(svg, wanted.shape), wanted) > least
    # Skia's reader of SVG has no blend modes.
    if BRUSHES[brush].layering == "over":
        assert metrics.psnr(by_skia(svg, wanted.shape), wanted) > least


def test_an_svg_has_a_path_for_each_stroke_in_layers(tmp_path):
    painting = some("filbert")
    jaxpaint.export(painting, tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("400", "300", "0 0 10000 7500")
    layers = root.findall(f"{SVG}g")
    assert [len(layer.findall(f"{SVG}path")) for layer in layers] == [5] * 8
    stops = [stop.get("stop-color") for stop in root.iter(f"{SVG}stop")]
    colors = [jaxpaint.pictures.to_hex(color) for color in painting.strokes[:, 8:14].reshape(-1, 3)]
    assert stops == colors
    assert "filbert, finished, made with jaxpaint" in root.find(f"{SVG}desc").text


def test_strokes_of_one_colour_need_no_gradient(tmp_path):
    painting = some("filbert")
    painting.strokes[:, 11:14] = painting.strokes[:, 8:11]
    jaxpaint.export(painting, tmp_path / "a.svg")
    assert "Gradient" not in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize("brush", [name for name, brush in BRUSHES.items() if brush.bristled])
def test_bristles_in_an_svg(tmp_path, brush):
    """Closer to the drawing with texture than strokes without."""
    painting = some(brush)
    painting = dataclasses.replace(painting, settings=dataclasses.replace(painting.settings, texture=1.0))
    wanted, errors = jaxpaint.draw(painting, size=1024), {}
    for bristles in (False, True):
        jaxpaint.export(painting, tmp_path / "a.svg", bristles=bristles)
        svg = (tmp_path / "a.svg").read_text()
        errors[bristles] = -metrics.psnr(by_resvg(svg, wanted.shape), wanted)
    assert errors[True] < errors[False] - 1.2
    most = len(svg) - 1
    with pytest.warns(UserWarning, match=f"left out, to keep to {most} bytes: bristles$"):
        jaxpaint.export(painting, tmp_path / "a.svg", bristles=True, max_bytes=most)
    with pytest.raises(ExportError, match="bristles: expected a painting by a brush of bristles, got pastel"):
        jaxpaint.export(some("pastel"), tmp_path / "b.svg", bristles=True)


def test_svgz_is_the_same_packed_and_names_its_origin(tmp_path):
    painting = some("rectangle", origin="")
    for name in ("a.svg", "a.svgz"):
        jaxpaint.export(painting, tmp_path / name)
    assert gzip.decompress((tmp_path / "a.svgz").read_bytes()) == (tmp_path / "a.svg").read_bytes()
    jaxpaint.export(dataclasses.replace(painting, origin="ab" * 16), tmp_path / "b.svgz")
    assert gzip.decompress((tmp_path / "b.svgz").read_bytes()) == (tmp_path / "a.svg").read_bytes()
    assert b"jaxpaint:" + b"ab" * 16 in (tmp_path / "b.svgz").read_bytes()[:64]


def test_an_animation_shows_the_strokes_in_their_order_and_other_programs_all_of_them(tmp_path):
    painting = some("watercolor")
    for name, options in (("still", {}), ("moving", {"seconds": 4.0})):
        jaxpaint.export(painting, tmp_path / f"{name}.svg", **options)
    still, moving = ((tmp_path / f"{name}.svg").read_text() for name in ("still", "moving"))
    np.testing.assert_array_equal(by_resvg(moving, (150, 200)), by_resvg(still, (150, 200)))
    layers = ElementTree.fromstring(moving).findall(f"{SVG}g")
    groups = [group for layer in layers for group in layer.findall(f"{SVG}g")]
    assert sum(len(group.findall(f"{SVG}path")) for group in groups) == 40
    delays = [float(re.fullmatch(r"animation-delay:(.*)s", group.get("style"))[1]) for group in groups]
    assert delays == sorted(delays) and 0 < delays[0] < 0.5 and delays[-1] == 4.0
    # Half of the way of all brushes lies behind at half of the time.
    way = np.cumsum(BRUSHES["watercolor"].extent(painting.strokes))
    shown = sum(len(group.findall(f"{SVG}path")) for group, delay in zip(groups, delays, strict=True) if delay <= 2)
    assert abs(way[shown - 1] / way[-1] - 0.5) < 0.05


def test_centerlines(tmp_path):
    painting = some("pastel")
    jaxpaint.export(painting, tmp_path / "a.svg", centerlines=True, precision=0)
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    paths = list(root.iter(f"{SVG}path"))
    assert len(paths) == 40
    first = [float(number) for number in re.findall(r"-?\d+", paths[0].get("d"))]
    (path, *_), group = BRUSHES["pastel"].shapes(painting.strokes).path, root.find(f"{SVG}g")
    np.testing.assert_allclose(first, path.ravel() * 1000, atol=0.5)
    assert (group.get("fill"), group.get("stroke-width")) == ("none", "2")


@pytest.mark.parametrize(
    ("most", "left_out"),
    [
        (10**6, None),
        (10800, "decimals$"),
        (6000, "decimals, gradients$"),
        (3000, "decimals, gradients, the 8 smallest strokes$"),
        (1000, "decimals, gradients, the 37 smallest strokes$"),
    ],
)
def test_an_svg_of_a_greatest_size(tmp_path, most, left_out):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jaxpaint.export(some("oilpaintbrush"), tmp_path / "a.svg", max_bytes=most)
    assert (tmp_path / "a.svg").stat().st_size <= most
    ElementTree.parse(tmp_path / "a.svg")
    told = [str(warning.message) for warning in caught]
    assert bool(told) == bool(left_out)
    assert not left_out or re.search(left_out, told[0])


def test_an_svg_that_cannot_be_so_small(tmp_path):
    with pytest.raises(ValueError, match="max_bytes: expected at least"):
        jaxpaint.export(some("oilpaintbrush"), tmp_path / "a.svg", max_bytes=100)
    assert not list(tmp_path.iterdir())


def stamped():
    """With stamps of the user's own, whose path stays on this machine."""
    painting = some("filbert", brush_image=np.random.default_rng(0).random((2, 16, 24, 3), np.float32))
    settings = dataclasses.replace(painting.settings, brush_image="/home/me/brush.png")
    return dataclasses.replace(painting, settings=settings)


@pytest.mark.parametrize("painting", [*map(some, OUTLINED), stamped()], ids=[*OUTLINED, "stamps"])
def test_json_is_read_back_to_the_same_painting(tmp_path, painting):
    jaxpaint.export(painting, tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(found, json.loads((ROOT / "docs/schema/painting-1.json").read_text()))
    assert "/home" not in (tmp_path / "a.json").read_text()
    settings = dataclasses.replace(painting.settings, brush_image=pathlib.Path(painting.settings.brush_image).name)
    assert jaxpaint.load_painting(tmp_path / "a.json") == dataclasses.replace(painting, settings=settings)
    names = [each["name"] for each in found["parameters"]]
    assert names == list(BRUSHES[painting.brush].fields)
    assert found["drawn"].startswith(painting.brush)


def test_json_of_styled_and_unfinished_paintings(tmp_path):
    styled = some("rectangle", styling=StyleSettings(style=7.0), state={"step": np.array(1)})
    jaxpaint.export(styled, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["finished"] is False
    assert jaxpaint.load_painting(tmp_path / "a.json") == dataclasses.replace(styled, state=None)


def test_json_of_paths_in_pixels(tmp_path):
    painting = some("filbert")
    jaxpaint.export(painting, tmp_path / "a.json", pixels=2000)
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["pixels"] == {"width": 2000, "height": 1500}
    stroke = found["strokes"][4]
    np.testing.assert_allclose(stroke["path"][0], painting.strokes[4, :2] * 2000, atol=0.006)
    assert stroke["colors"][0] == jaxpaint.pictures.to_hex(painting.strokes[4, 8:11])


MINIMAL = {"format": "jaxpaint painting", "version": 1, "brush": "rectangle", "width": 40, "height": 30}
MINIMAL["strokes"] = [{"parameters": [0.5, 0.4, 0.5, 0.25, 0, 1, 0, 0, 1]}]


def test_json_by_another_program(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(MINIMAL))
    drawn = jaxpaint.draw(jaxpaint.load_painting(tmp_path / "a.json"), size=40)
    assert drawn.shape == (30, 40, 3)
    np.testing.assert_array_equal(drawn[16, 20], [1, 0, 0])
    np.testing.assert_array_equal(drawn[0, 0], [1, 1, 1])


BAD = {
    "none": ("", "Expecting value"),
    "words": ("strokes", "Expecting value"),
    "list": ([], "expected an object"),
    "foreign": ({"format": "other"}, "expected an object"),
    "missing": ({"brush": ...}, "brush is missing"),
    "newer": ({"version": 2}, "version 2"),
    "brush": ({"brush": "broom"}, "expected brush"),
    "brush type": ({"brush": 3}, "brush has to be text"),
    "width": ({"width": 0}, "width has to be an integer"),
    "width type": ({"width": True}, "width has to be an integer"),
    "huge width": ({"width": 10**400}, "width"),
    "strokes": ({"strokes": {}}, "strokes has to be a list"),
    "no strokes": ({"strokes": []}, "strokes"),
    "stroke": ({"strokes": [1]}, "objects with parameters"),
    "short": ({"strokes": [{"parameters": [0.5]}]}, "9"),
    "ragged": ({"strokes": [{"parameters": [0.5] * 9}, {"parameters": [0.5]}]}, "strokes|inhomogeneous"),
    "texts": ({"strokes": [{"parameters": ["0"] * 9}]}, "have to be numbers"),
    "nested": ({"strokes": [{"parameters": [[0.5]] * 9}]}, "strokes"),
    "huge": ({"strokes": [{"parameters": [1e300] + [0.5] * 8}]}, "not finite|outside"),
    "far": ({"strokes": [{"parameters": [1000] + [0.5] * 8}]}, "outside"),
    "color": ({"strokes": [{"parameters": [0.5] * 5 + [7] * 4}]}, "colours and alphas"),
    "nan": ('{"format": "jaxpaint painting", "version": NaN}', "NaN is not a number"),
    "deep": ("[" * 100000, "recursion|nested|JSON"),
    "settings": ({"settings": {"strokes": "many"}}, "config.strokes"),
    "settings type": ({"settings": 3}, "settings has to be an object"),
    "canvas": ({"canvas_color": [2, 0, 0]}, "canvas_color"),
    "stamps": ({"brush_image": {"shape": [1, 2, 3], "zlib": ""}}, "four sizes"),
    "bomb": ({"brush_image": {"shape": [64, 10**6, 10**6, 3], "zlib": ""}}, "four sizes"),
    "bad base64": ({"brush_image": {"shape": [1, 2, 2, 3], "zlib": "?"}}, "not a painting"),
    "bad zlib": ({"brush_image": {"shape": [1, 2, 2, 3], "zlib": "AAAA"}}, "brush_image"),
    "too many": (
        {"brush_image": {"shape": [1, 2, 2, 3], "zlib": base64.b64encode(zlib.compress(bytes(9999))).decode()}},
        "not a painting",
    ),
}


@pytest.mark.parametrize(("change", "expected"), BAD.values(), ids=BAD)
def test_bad_json_is_one_line(tmp_path, change, expected, unchecked):
    text = change
    if isinstance(change, dict):
        text = json.dumps({key: value for key, value in (MINIMAL | change).items() if value is not ...})
    elif isinstance(change, list):
        text = json.dumps(change)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(PaintingFileError, match=expected) as caught:
        jaxpaint.load_painting(tmp_path / "a.json")
    assert str(caught.value).startswith(f"{tmp_path}/a.json: ") and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_csv(tmp_path):
    painting = some("markerpen")
    jaxpaint.export(painting, tmp_path / "a.csv", pixels=800)
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == list(range(1, 41))
    read = [[row[f"markerpen.{name}"] for name in BRUSHES["markerpen"].fields] for row in rows]
    np.testing.assert_array_equal(np.array(read, np.float32), painting.strokes)
    assert abs(float(rows[7]["x0"]) - 800 * painting.strokes[7, 0]) < 0.006


def test_the_same_painting_gives_the_same_file_and_no_file_is_left_half_written(tmp_path, unchecked):
    small = {"size": 48, "detail": 48}
    for ending, format in EXPORTS.items():
        options = {key: value for key, value in small.items() if key in format.options.defaults()}
        for name in "ab":
            jaxpaint.export(some("oilpaintbrush"), tmp_path / f"{name}{ending}", **options)
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
    before = sorted(tmp_path.iterdir())
    for name, options, expected in (
        ("a.doc", {}, "expected a name that ends in .json, .csv, .html, _flat.png, "),
        ("c.svg", {"precison": 1}, "precison: no such key; did you mean precision"),
        ("c.svg", {"precision": 9}, "^precision: expected an integer from 0 to 3, got 9"),
    ):
        with pytest.raises(ValueError, match=expected):
            jaxpaint.export(some("rectangle"), tmp_path / name, **options)
    with pytest.raises(TypeError, match="expected a painting"):
        jaxpaint.export(np.zeros(3), tmp_path / "c.svg")
    assert sorted(tmp_path.iterdir()) == before


def test_a_brush_without_outlines(tmp_path, monkeypatch):
    monkeypatch.setitem(BRUSHES, "rectangle", dataclasses.replace(BRUSHES["rectangle"], vectors=None))
    with pytest.raises(ValueError, match="expected a brush whose strokes have outlines, got rectangle"):
        jaxpaint.export(some("rectangle"), tmp_path / "a.svg")


def test_many_strokes(tmp_path):
    painting = some("filbert", count=4000)
    jaxpaint.export(painting, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().count("<path") == 4000


@pytest.mark.parametrize("ending", ["stl", "glb"])
def test_reliefs_are_closed_and_as_large_as_they_are_to_be(tmp_path, ending):
    painting = some("filbert")
    settings = dataclasses.replace(painting.settings, texture=1.0, relief=1.0, ground="linen")
    painting, sizes = dataclasses.replace(painting, settings=settings), []
    for depth in (0.0, 5.0):
        path = tmp_path / f"{depth}.{ending}"
        jaxpaint.export(painting, path, detail=64, width_mm=100.0, base_mm=3.0, depth=depth)
        mesh = trimesh.load(path, force="mesh")
        assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0
        sizes.append(np.ptp(mesh.bounds, axis=0) * (1000 if ending == "glb" else 1))
    # Corners are the centres of pixels.
    np.testing.assert_allclose(sizes[0], [100 * 63 / 64, 75 * 47 / 48, 3], rtol=1e-5)
    assert 0.2 < sizes[1][2] - 3 < 100 * 5 * 0.0024 * 2
    if ending == "glb":
        texture = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB"))
        flat = jaxpaint.drawing.draw_flat(painting, size=64)
        assert np.abs(texture / 255 - flat).max() < 1 / 255
        # The corner at the top left has the colour of the first pixel.
        first = np.lexsort((mesh.vertices[:, 0], -mesh.vertices[:, 1], -np.sign(mesh.vertices[:, 2])))[0]
        np.testing.assert_allclose(mesh.visual.uv[first], [0.5 / 64, 1 - 0.5 / 48], atol=1e-6)


def test_maps(tmp_path):
    """Heights are those of the drawing; normals lean as the heights fall."""
    painting = some("filbert")
    lit = dataclasses.replace(painting.settings, texture=1.0, relief=1.0, ground="linen")
    painting = dataclasses.replace(painting, settings=lit)
    for ending in ("_flat.png", "_height.png", "_height.tiff", "_normal.png"):
        jaxpaint.export(painting, tmp_path / f"a{ending}", size=128, depth=2.0)
    layers = jaxpaint.drawing.draw_layers(painting, size=128)
    flat = np.asarray(Image.open(tmp_path / "a_flat.png"), np.float32) / 255
    np.testing.assert_allclose(flat, layers[..., :3], atol=0.51 / 255)
    with Image.open(tmp_path / "a_height.png") as picture, tifffile.TiffFile(tmp_path / "a_height.tiff") as file:
        steps, facts = np.asarray(picture), json.loads(picture.text["Description"])
        np.testing.assert_array_equal(file.asarray(), steps)
        assert json.loads(file.pages[0].description)["mm_per_step"] == facts["mm_per_step"]
    assert steps.dtype == np.uint16 and (steps.min(), steps.max()) == (0, 65535)
    wanted = (layers[..., 3] - layers[..., 3].min()) * 2.0 * 0.0024 * 200
    np.testing.assert_allclose(steps * facts["mm_per_step"], wanted, atol=1e-4)
    normals = np.asarray(Image.open(tmp_path / "a_normal.png"), np.float32) / 255 * 2 - 1
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1.0, atol=0.02)
    down, right = np.gradient(wanted)
    for axis, slope in ((0, -right), (1, down)):
        assert np.corrcoef(normals[..., axis].ravel(), slope.ravel())[0, 1] > 0.9


def layers_of(path):
    """Names and pictures of a file's layers, the lowest first, and their composite, by Pillow."""
    return {".ora": openraster, ".psd": photoshop}[path.suffix](path)


def photoshop(path):
    with Image.open(path) as file:
        pictures, merged = [], np.asarray(file.convert("RGB"))
        # Backwards, since Pillow takes the composite for the first layer until it has seen another one.
        for number in range(len(file.layers), 0, -1):
            file.seek(number)
            assert file.size == merged.shape[1::-1]
            pictures.insert(0, (file.layers[number - 1][0], file.convert("RGBA")))
    return pictures, merged


def openraster(path):
    with zipfile.ZipFile(path) as archive:
        first, *_ = archive.infolist()
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"image/openraster"
        image = ElementTree.fromstring(archive.read("stack.xml"))
        pictures = []
        for layer in reversed(image.findall("stack/layer")):
            with Image.open(io.BytesIO(archive.read(layer.get("src")))) as picture:
                pictures.append((layer.get("name"), picture.convert("RGBA")))
        merged, preview = (
            np.asarray(Image.open(io.BytesIO(archive.read(name))))
            for name in ("mergedimage.png", "Thumbnails/thumbnail.png")
        )
    assert (int(image.get("h")), int(image.get("w"))) == merged.shape[:2]
    assert max(preview.shape) == min(256, max(merged.shape))
    return pictures, merged


@pytest.mark.parametrize("ending", [".ora", ".psd"])
@pytest.mark.parametrize("changes", [{"brush": "filbert"}, {"brush": "watercolor"}], ids=["over", "glaze"])
def test_layers_over_each_other_are_the_drawing(tmp_path, changes, ending):
    """Under light, of wet paint with its texture, or of glazes on paper."""
    painting = some(**changes)
    lit = dataclasses.replace(painting.settings, texture=1.0, relief=1.0, wet=0.5, ground="linen", size=96)
    painting = dataclasses.replace(painting, settings=lit)
    path = tmp_path / f"a{ending}"
    jaxpaint.export(painting, path, layers=4)
    layers, merged = layers_of(path)
    assert [name for name, _ in layers] == ["canvas", *(f"strokes {n + 1} to {n + 10}" for n in (0, 10, 20, 30))]
    picture = layers[0][1]
    for _, layer in layers[1:]:
        picture = Image.alpha_composite(picture, layer)
    drawn = np.rint(jaxpaint.draw(painting) * 255)
    assert np.abs(np.asarray(picture.convert("RGB")) - drawn).max() <= 1
    assert np.abs(merged - drawn).max() <= 1


def test_a_psd_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(psd, "_MOST", 1000)
    with pytest.raises(ExportError, match="size: expected layers of at most 2 GB in all; choose a smaller size"):
        jaxpaint.export(some("rectangle"), tmp_path / "a.psd", size=64)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".ora", ".psd"])
def test_layers_are_transparent_where_they_have_no_strokes(tmp_path, ending):
    painting = dataclasses.replace(some("rectangle"), strokes=some("rectangle").strokes[:3])
    painting.strokes[:, BRUSHES["rectangle"].index("size")] = 0.15
    path = tmp_path / f"a{ending}"
    jaxpaint.export(painting, path, layers=8, size=64)
    layers, merged = layers_of(path)
    assert len(layers) == 4 and merged.shape == (48, 64, 3)
    for number, (_, layer) in enumerate(layers[1:]):
        alone = dataclasses.replace(painting, strokes=painting.strokes[[number]])
        changed = np.abs(jaxpaint.draw(alone, size=64) - painting.settings.canvas_rgb).max(axis=-1)
        alpha = np.asarray(layer)[..., 3] / 255
        assert (alpha[changed == 0] == 0).all()
        assert abs(alpha.max() - painting.strokes[number, 8]) < 1.1 / 255
