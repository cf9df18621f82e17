"""The HTML player's file: all of it, and nothing else, is in it (in a browser: test_player.py)."""

import base64
import dataclasses
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest
from test_exports import some

import jaxpaint
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ExportError
from jaxpaint.settings import Settings


def exported(painting, tmp_path, **options):
    """The page, and the data in it."""
    path = tmp_path / "a.html"
    jaxpaint.export(painting, path, **options)
    page = path.read_text(encoding="utf-8")
    return page, json.loads(re.search(r'<script id="painting"[^>]*>(.*)</script>', page)[1])


def numbers(data):
    """The columns of numbers of the strokes, by their names."""
    strokes = data["strokes"]
    rows = np.frombuffer(base64.b64decode(strokes["data"]), "<u2").reshape(strokes["count"], len(strokes["low"]))
    values = np.array(strokes["low"]) + np.array(strokes["span"]) * rows / 65535
    return {name: values[:, places] for name, places in strokes["fields"].items()}


def test_strokes_and_shapes_are_in_the_page(tmp_path):
    painting = some("filbert")
    _, data = exported(painting, tmp_path, duration=7.0)
    found, vectors = numbers(data), BRUSHES["filbert"].shapes(painting.strokes)
    assert data["seconds"] == 7 and (data["width"], data["height"]) == (400, 300)
    colors, _ = BRUSHES["filbert"].paint(painting.strokes)
    wanted = {"stroke": painting.strokes, "path": vectors.path, "widths": vectors.widths, "colors": colors}
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values.reshape(40, -1), atol=2e-5 * np.ptp(values))
    assert found["extent"].min() > 0


def test_the_page_asks_for_nothing_else(tmp_path):
    painting = some("pastel")
    painting = dataclasses.replace(painting, settings=Settings(brush="pastel", strokes=40, size=512))
    page, data = exported(painting, tmp_path)
    assert "default-src 'none'" in page
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page))
    assert not addresses and not re.search(r"<(?:link|iframe|script[^>]* src)", page)
    for name in ("ground", "tooth"):
        assert data[name]["picture"].startswith("data:image/webp;base64,") and data[name]["span"] > 0


@pytest.mark.parametrize(
    ("brush", "ground"), [("oilpaintbrush", "linen"), pytest.param("pastel", "paper", marks=pytest.mark.slow)]
)
def test_four_thousand_strokes_fit_into_a_megabyte(brush, ground, tmp_path):
    painting = some(brush, 4000)
    settings = dataclasses.replace(painting.settings, ground=ground, relief=1.0, texture=1.0)
    page, data = exported(dataclasses.replace(painting, settings=settings), tmp_path)
    assert data["strokes"]["count"] == 4000 and len(page) < 1e6


def test_what_the_page_says(tmp_path):
    painting = some("rectangle", 1)
    page, _ = exported(dataclasses.replace(painting, state={"step": np.array(1)}), tmp_path)
    assert "<title>A painting in 1 stroke</title>" in page and "rectangle, unfinished, made with jaxpaint" in page
    page, _ = exported(some("rectangle", 1200), tmp_path)
    assert "<h1>A painting in 1,200 strokes</h1>" in page
    page, _ = exported(some("rectangle"), tmp_path, title="Mum & <i>dad</i>")
    assert "<h1>Mum &amp; &lt;i&gt;dad&lt;/i&gt;</h1>" in page and "40 strokes, rectangle, made with jaxpaint" in page


def test_a_brush_that_glsl_cannot_draw(tmp_path, monkeypatch):
    brush = BRUSHES["rectangle"]

    def rasterize(stroke, pixels, look):
        drawn = brush.rasterize(stroke, pixels, look)
        return drawn._replace(alpha=(drawn.alpha[0] * jnp.sort(stroke)[0],))

    monkeypatch.setitem(BRUSHES, "rectangle", dataclasses.replace(brush, rasterize=rasterize))
    with pytest.raises(
        ExportError, match="expected a brush that GLSL can draw, got rectangle: sort has no translation"
    ):
        jaxpaint.export(some("rectangle"), tmp_path / "a.html")
    assert not list(tmp_path.iterdir())
