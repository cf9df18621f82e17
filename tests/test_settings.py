"""Settings: every value is checked; an error is one line: what was expected and what came."""

import dataclasses
import re
import runpy

import ml_collections
import pytest

from jaxpaint.brushes import BRUSHES
from jaxpaint.cli.options import find_config
from jaxpaint.renderers.networks import ARCHITECTURES
from jaxpaint.settings import FilmSettings, Settings, StyleSettings
from jaxpaint.training import Recipe


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("strokes", -1, "config.strokes: expected an integer from 0 to 100000, got -1"),
        ("strokes", 100_001, "expected an integer from 0 to 100000, got 100001"),
        ("strokes", 5.0, "expected an integer from 0 to 100000, got 5.0"),
        ("strokes", True, "expected an integer from 0 to 100000, got True"),
        ("strokes", "5", "expected an integer from 0 to 100000, got '5'"),
        ("upright", 1, "config.upright: expected true or false, got 1"),
        ("renderer", "heavyy", "config.renderer: expected exact or dcgan32 or heavy or light or lite, got 'heavyy'"),
        ("mode", "spiral", "expected progressive or grid or blocks, got 'spiral'"),
        ("brush", "broom", "config.brush: expected filbert or markerpen"),
        ("brush", None, "config.brush: expected text, got None"),
        ("brush_image", 3, "config.brush_image: expected text, got 3"),
        ("max_divide", 65, "from 0 to 64, got 65"),
        ("grid", 0, "from 1 to 64, got 0"),
        ("size", 15, "from 16 to 4096, got 15"),
        ("texture", 2.1, "a number from 0 to 2, got 2.1"),
        ("texture", 10**400, "a number from 0 to 2, got 1000"),
        ("texture", float("nan"), "a number from 0 to 2, got nan"),
        ("learning_rate", 0.0, "a number from 1e-06 to 1, got 0.0"),
        ("softness", 16.5, "from 0 to 16, got 16.5"),
        ("seed", 2**32, "an integer from 0 to 4294967295"),
        ("seed", -1, "an integer from 0 to 4294967295"),
        ("min_size", 1.0, "config.min_size: expected less than max_size, got 1 and 1"),
        ("max_size", 0.0, "config.min_size: expected less than max_size, got 0 and 0"),
        ("transport", float("inf"), "config.transport: expected a number from 0"),
        ("weights", "mine.safetensors", "config.weights: expected only with a network as config.renderer"),
        ("dtype", "bfloat16", "config.dtype: expected only with a network as config.renderer, got 'bfloat16'"),
        ("max_aspect", 0.5, "config.max_aspect: expected 0, or 1 or more, got 0.5"),
        ("ink", "blue", "config.ink: expected white, black, or r,g,b with each in [0, 1], got 'blue'"),
        ("canvas_color", "blue", "expected white, black, or r,g,b with each in [0, 1], got 'blue'"),
        ("canvas_color", "0,0,1.1", "got '0,0,1.1'"),
        ("canvas_color", "0,0,nan", "got '0,0,nan'"),
        ("canvas_color", "0,0", "got '0,0'"),
    ],
)
def test_bad_value(key, value, expected):
    with pytest.raises((ValueError, TypeError), match=re.escape(expected)) as caught:
        Settings(**{key: value})
    assert "\n" not in str(caught.value)


def test_some_loss_is_needed():
    with pytest.raises(ValueError, match=r"config\.l1, l2, transport: expected at least one above"):
        Settings(l1=0.0, l2=0.0, transport=0.0)


def test_brush_image_needs_a_textured_brush():
    Settings(brush="oilpaintbrush", brush_image="mine.png")
    Settings(brush_image="folder")
    expected = r"config\.brush_image: expected only with filbert or oilpaintbrush, got it with rectangle"
    with pytest.raises(ValueError, match=expected):
        Settings(brush="rectangle", brush_image="mine.png")


@pytest.mark.parametrize(
    ("text", "rgb"),
    [("white", (1, 1, 1)), ("black", (0, 0, 0)), ("0.5, 0.25,1", (0.5, 0.25, 1))],
)
def test_canvas_color(text, rgb):
    assert Settings(canvas_color=text).canvas_rgb == rgb


def test_values_get_the_type_of_their_field():
    chosen = Settings(learning_rate=1)
    assert type(chosen.learning_rate) is float


def test_from_config():
    config = ml_collections.ConfigDict({"strokes": 7, "brush": "markerpen"})
    assert Settings.from_config(config) == Settings(strokes=7, brush="markerpen")
    assert Settings.from_config(dataclasses.asdict(Settings(seed=3))) == Settings(seed=3)


@pytest.mark.parametrize("config", [None, ["strokes"], "quick.py", Settings()])
def test_other_things_are_no_settings(config):
    with pytest.raises(TypeError, match=f"expected settings as a dict of keys and values, got {type(config).__name__}"):
        Settings.from_config(config)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"strokes": 7}, "got dict; Settings.from_config converts it"),
        (ml_collections.ConfigDict(), "got ConfigDict; Settings.from_config converts it"),
        (FilmSettings(), "got FilmSettings$"),
        (None, "got NoneType$"),
    ],
)
def test_settings_of_another_class_are_refused(given, expected):
    Settings.check(Settings())
    with pytest.raises(TypeError, match=f"expected settings as Settings, {expected}"):
        Settings.check(given)


def test_lists_are_text_with_commas():
    """As JSON has them."""
    assert Settings.from_config({"canvas_color": [0.5, 0.25, 1]}).canvas_rgb == (0.5, 0.25, 1.0)


def test_unknown_key():
    with pytest.raises(ValueError, match=r"config\.stroks: no such key; did you mean strokes\?"):
        Settings.from_config({"stroks": 7})
    with pytest.raises(ValueError, match=r"config\.zzz: no such key; the keys are renderer, weights, dtype"):
        Settings.from_config({"zzz": 7})


def test_every_setting_says_what_it_means():
    assert all(Settings.meanings().values())
    assert dataclasses.asdict(Settings()) == Settings.defaults() | {
        "strokes": 1800,
        "steps": 280,
        "ground": "linen",
        "layering": "over",
    }
    assert Settings.meanings()["brush"] == ", ".join(sorted(BRUSHES))


def test_shipped_configs():
    default, art = (
        Settings.from_config(runpy.run_path(str(find_config(None, default=name)))["get_config"]())
        for name in ("paint.py", "eight_bit.py")
    )
    assert default.brush == "filbert"
    assert (art.brush, art.mode, art.strokes, art.max_divide) == (
        "rectangle",
        "progressive",
        300,
        4,
    )
    assert art.upright
    assert art.opaque
    assert art.canvas_rgb == (0, 0, 0)


@pytest.mark.parametrize(
    "path", sorted(find_config(None, default="paint.py").parent.glob("*.py")), ids=lambda p: p.stem
)
def test_every_shipped_config_is_one_that_its_command_takes(path):
    if path.stem == "__init__":
        return
    config = runpy.run_path(str(path))["get_config"]()
    kinds = {"net": Recipe, "method": FilmSettings, "style_loss": StyleSettings}
    kind = next((kind for key, kind in kinds.items() if key in config), Settings)
    assert kind.from_config(config) != kind() or path.stem in ("paint", "stylize", "video")


def test_every_network_is_a_renderer():
    (renderer,) = (field for field in dataclasses.fields(Settings) if field.name == "renderer")
    assert renderer.metadata["choices"] == ("exact", *ARCHITECTURES)


def test_a_network_gets_a_budget_that_suits_it():
    light = Settings(renderer="light")
    assert (light.strokes, light.steps) == (500, 60)
    assert Settings(renderer="light", strokes=900).strokes == 900


def test_what_suits_is_chosen_anew_when_settings_change():
    """But not what was asked for, be it the same."""
    light = dataclasses.replace(Settings(brush="oilpaintbrush"), renderer="light")
    assert (light.strokes, light.steps) == (500, 60)
    assert dataclasses.replace(Settings(strokes=2500), renderer="light").strokes == 2500
    assert (
        dataclasses.replace(Settings(), brush="pastel").ground == Settings(brush="pastel").ground != Settings().ground
    )
    assert dataclasses.replace(Settings(brush="watercolor"), canvas_color="black").layering == "over"


def test_glazes_suit_brushes_of_pigment_in_water_on_light_canvases():
    for brush in BRUSHES:
        expected = "glaze" if brush in ("watercolor", "markerpen") else "over"
        assert Settings(brush=brush).layering == expected
        assert Settings(brush=brush, canvas_color="black").layering == "over"
        assert Settings(brush=brush, layering="glaze", canvas_color="black").layering == "glaze"
        assert Settings(brush=brush, layering="over").layering == "over"
        # Stylized Neural Painting covers.
        snp = runpy.run_path(str(find_config("snp.py", default="paint.py")))["get_config"]()
        assert Settings.from_config({**snp, "brush": brush}).layering == "over"


def test_solid_strokes_cover():
    for brush in BRUSHES:
        solid = Settings(brush=brush, solid=True)
        assert (solid.layering, solid.opaque) == ("over", True)
    assert dataclasses.replace(Settings(brush="watercolor"), solid=True).layering == "over"
    for change, expected in (
        ({"brush": "watercolor", "layering": "glaze"}, "config.layering: expected over with solid strokes, got glaze"),
        ({"renderer": "light"}, "config.renderer: expected exact with solid strokes, got light"),
    ):
        with pytest.raises(ValueError, match=expected):
            Settings(solid=True, **change)


def test_what_a_file_lacks_is_what_was_done_before():
    old = {"brush": "watercolor", "strokes": 7}
    assert Settings.from_file(old) == Settings(brush="watercolor", strokes=7, layering="over", simplify=0.0)
    assert Settings.from_file(old | {"layering": "glaze"}).layering == "glaze"
    assert Settings.from_config(old).layering == "glaze"
    with pytest.raises(ValueError, match="did you mean strokes"):
        Settings.from_file({"stroks": 7})


@pytest.mark.parametrize("kind", [Settings, StyleSettings, FilmSettings])
def test_every_setting_is_in_one_group(kind):
    grouped = [name for names in kind.grouped().values() for name in names]
    assert sorted(grouped) == sorted(kind.defaults())
    for names in kind.groups.values():
        assert set(names.split()) <= set(kind.defaults())
