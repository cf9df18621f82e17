"""Style transfer: the loss of the whole drawing, its way to the strokes, what may move, and going on."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from windowed import Windowed

import jaxpaint
from jaxpaint import chroma, drawing, losses, optimize, painting, pictures, styling
from jaxpaint.brushes import BRUSHES
from jaxpaint.io import weights
from jaxpaint.optimize import initialize
from jaxpaint.raster import forward
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings, StyleSettings
from jaxpaint.types import Painting

KEY = jax.random.key(3)
LAYERS = ("relu1_1", "relu2_1")
# Shallow and small: quick to compile.
SMALL = StyleSettings(style=10.0, steps=6, vgg_size=48, style_layers=",".join(LAYERS), content_layers="relu2_1")
SEE = weights.load_features("vgg16", layers=LAYERS)
ALL_TERMS = {"content": 0.3, "l1": 2.0, "style": 0.7, "laplacian": 0.4, "transport": 5.0}


@pytest.fixture(scope="module")
def picture():
    """A disc on a gradient, 48 × 64."""
    y, x = np.mgrid[:48, :64] / 48
    image = np.stack([0.3 + 0.4 * x, 0.2 + 0.5 * y, 0.6 - 0.3 * x], axis=-1)
    image[(x - 0.6) ** 2 + (y - 0.5) ** 2 < 0.08] = (0.9, 0.8, 0.1)
    return np.clip(image, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def painted(picture):
    return jaxpaint.paint(picture, key=KEY, settings=Settings(brush="rectangle", strokes=40, steps=24, size=64))


@pytest.fixture(scope="module")
def stripes():
    """Wide dark blue and orange stripes, 40 × 56."""
    row = (np.arange(56) // 14 % 2)[None, :, None]
    return np.broadcast_to(np.where(row, [0.95, 0.5, 0.1], [0.05, 0.1, 0.3]), (40, 56, 3)).astype(np.float32)


def distance(canvas, style):
    """How far the style is: Gram matrices of two layers, in NumPy."""
    seen, wanted = (SEE(jnp.asarray(pictures.resize(p, (36, 48)))) for p in (canvas, style))
    total = 0.0
    for layer in LAYERS:
        a, b = (np.asarray(maps[layer], np.float64).reshape(-1, maps[layer].shape[-1]) for maps in (seen, wanted))
        a, b = a.T @ a / len(a), b.T @ b / len(b)
        total += ((a - b) ** 2).sum() / (b**2).sum()
    return total


@pytest.mark.parametrize("model", [Engine, Windowed])
def test_a_gradient_of_the_drawing_moves_strokes_as_the_loss_itself_does(model):
    brush, rng = BRUSHES["oilpaintbrush"], np.random.default_rng(0)
    target = rng.uniform(size=(12, 18, 3)).astype(np.float32).repeat(4, axis=0).repeat(4, axis=1)
    canvas = np.ones_like(target)
    strokes = np.clip(initialize.place(brush, target, canvas, 30, initialize.Layout(0.1), rng=rng), 0, 1)
    bounds = optimize.Bounds(np.zeros(12, np.float32), np.ones(12, np.float32))
    drawn = forward.draw_strokes(Engine(brush, flat=True), strokes, target.shape[:2], canvas=canvas)
    gradient = 2 * (drawn - target) / target.size
    moved = [
        optimize.descend(
            model(brush, flat=True),
            strokes,
            optimize.initial(optimize.ADAM, strokes),
            optimize.Problem(aim, canvas, weights, bounds),
            rates=np.full(1, 0.01, np.float32),
        )
        for aim, weights in ((target, {"l2": 1.0}), (gradient, {"linear": 1.0}))
    ]
    (by_loss, of_loss, _), (by_gradient, of_gradient, _) = moved
    assert np.abs(by_loss - strokes).max() > 0.005
    scale = np.abs(of_loss.mu).max()
    np.testing.assert_allclose(of_gradient.mu, of_loss.mu, atol=1e-3 * scale)
    assert (np.abs(by_gradient - by_loss) < 1e-4).mean() > 0.97


@pytest.mark.parametrize("color", ["style", "keep"])
def test_the_loss_is_the_weighted_sum_of_its_terms(painted, stripes, color):
    content = painted.canvas
    drawn = np.clip(content + np.random.default_rng(0).normal(0, 0.1, content.shape), 0, 1).astype(np.float32)
    settings = dataclasses.replace(SMALL, color=color, **ALL_TERMS)
    value, gradient = styling.total_loss(content, [stripes], None, settings)(drawn)

    def laplacian(picture, cell):
        h, w, _ = picture.shape
        gray = picture.sum(axis=-1).reshape(h // cell, cell, w // cell, cell).mean(axis=(1, 3))
        around = np.pad(gray, 1, mode="edge")
        return 4 * gray - around[2:, 1:-1] - around[:-2, 1:-1] - around[1:-1, 2:] - around[1:-1, :-2]

    details = [
        sum(((laplacian(p, cell)) ** 2).mean() for cell in styling._POOLINGS) for p in (drawn - content, content)
    ]
    # What the network sees.
    looks, style = [drawn, content], stripes
    if color == "keep":
        looks, style = [chroma.grey(look) for look in looks], chroma.matched(stripes, content)
    small = [pictures.resize(p, (36, 48)) for p in looks]
    seen, wanted = (np.asarray(SEE(jnp.asarray(p))["relu2_1"]) for p in small)
    terms = {
        "content": ((seen - wanted) ** 2).mean() / (wanted**2).mean(),
        "l1": np.abs(drawn - content if color == "keep" else (drawn - content).mean(axis=-1)).mean(),
        "style": distance(looks[0], style) / distance(looks[1], style),
        "laplacian": details[0] / details[1],
        "transport": float(jax.jit(losses.transport)(drawn, content)),
    }
    # Both ways of making pictures smaller are averages, but not the same.
    assert float(value) == pytest.approx(sum(weight * terms[name] for name, weight in ALL_TERMS.items()), rel=0.05)
    assert gradient.shape == drawn.shape and np.isfinite(gradient).all()


@pytest.mark.parametrize("style_loss", ["gram", "moments"])
@pytest.mark.parametrize("content", [0.0, 1e-30, 1.0])
def test_the_loss_of_blank_pictures_is_finite(stripes, content, style_loss):
    blank = np.full((48, 64, 3), content, np.float32)
    settings = dataclasses.replace(SMALL, style_loss=style_loss, **ALL_TERMS)
    for style in (stripes, np.zeros_like(stripes), np.ones_like(stripes)):
        loss = styling.total_loss(blank, [style], None, settings)
        for drawn in (blank, np.zeros_like(blank), np.ones_like(blank)):
            value, gradient = loss(drawn)
            assert np.isfinite(value) and np.isfinite(gradient).all()


def test_a_painting_takes_the_style_and_stays_a_painting(painted, stripes):
    settings = dataclasses.replace(SMALL, steps=40, learning_rate=0.03)
    stages = list(jaxpaint.stylize_stages(painted, stripes, settings=settings))
    styled, progress = stages[-1]
    assert distance(styled.canvas, stripes) < 0.6 * distance(painted.canvas, stripes)
    assert progress.loss < 0.8 * stages[0][1].loss
    assert (progress.step, progress.steps, progress.strokes) == (40, 40, 40)
    # The first drawing is the painting itself.
    assert stages[0][1].psnr > 60 > progress.psnr > 5
    assert styled.strokes.min() >= 0 and styled.strokes.max() <= 1
    assert (styled.state, styled.styling, styled.settings) == (None, settings, painted.settings)
    assert jaxpaint.draw(styled, size=128).shape == (96, 128, 3)
    again = jaxpaint.stylize(styled, stripes, key=KEY, settings=SMALL)
    assert again.strokes.shape == styled.strokes.shape


def dry(painting):
    """The drawing of dry paint, as fits draw it: styling has compiled its program."""
    return drawing.draw_flat(drawing.relit(painting, {"wet": 0.0, "ground": "none"}))


def placed(picture, settings):
    """A painting of strokes as they are placed, which takes no time."""
    layout = initialize.Layout(0.2, cells=3 if settings.mode == "grid" else None)
    blank, rng = np.ones_like(picture), np.random.default_rng(0)
    strokes = initialize.place(BRUSHES[settings.brush], picture, blank, 40, layout, rng=rng)
    return Painting(np.clip(strokes, 0, 1), settings.brush, 48, 64, (1.0, 1.0, 1.0), None, settings)


@pytest.mark.parametrize(("brush", "mode"), list(zip(BRUSHES, itertools.cycle(["grid", "progressive"]))))
def test_every_brush_and_way_of_painting(picture, stripes, brush, mode):
    # A program of textured strokes takes several times as long to compile; what a style does to them is one brush's.
    settings = Settings(strokes=40, size=64, brush=brush, mode=mode, texture=1.0 if brush == "filbert" else 0.0)
    before = placed(picture, settings)
    stages = list(jaxpaint.stylize_stages(before, stripes, settings=SMALL))
    assert stages[-1][1].loss < stages[0][1].loss
    assert distance(dry(stages[-1][0]), stripes) < distance(dry(before), stripes)


@pytest.mark.parametrize(
    ("renderer", "mode"),
    [("exact", "color"), *(pytest.param("light", mode, marks=pytest.mark.slow) for mode in ("color", "full"))],
)
def test_colors_alone_or_all_of_a_stroke(picture, painted, stripes, renderer, mode):
    if renderer == "light":
        before = placed(picture, Settings(renderer=renderer, brush="oilpaintbrush", strokes=40, size=64))
    else:
        before = painted
    settings = dataclasses.replace(SMALL, mode=mode)
    styled = jaxpaint.stylize(before, stripes, key=KEY, settings=settings)
    color = BRUSHES[before.brush].mask("color")
    moved = np.abs(styled.strokes - before.strokes)
    assert moved[:, color].mean() > 0.02
    assert (moved[:, ~color].mean() > 0.002) if mode == "full" else not moved[:, ~color].any()
    assert distance(dry(styled), stripes) < distance(dry(before), stripes)


def chromas(strokes, brush):
    colors = strokes[:, BRUSHES[brush].index("color")].reshape(-1, 3)
    return colors - (colors @ [0.2126, 0.7152, 0.0722])[:, None]


@pytest.mark.parametrize("mode", ["full", "color"])
def test_kept_colours_change_in_lightness_alone(painted, stripes, mode):
    """Also of several styles, on a part of the picture, and gone on with."""
    mask = np.zeros((6, 8), np.float32)
    mask[:, 2:] = 1
    given = {"mask": mask, "settings": dataclasses.replace(SMALL, color="keep", mode=mode, style_weights="2,1")}
    parts = [part for part, _ in jaxpaint.stylize_stages(painted, [stripes, 1 - stripes], **given)]
    before = chromas(painted.strokes, painted.brush)
    for part in parts:
        np.testing.assert_allclose(chromas(part.strokes, part.brush), before, atol=1e-5)
    finished = parts[-1]
    changed = np.abs(finished.strokes - painted.strokes)
    color, outside = BRUSHES[painted.brush].mask("color"), painted.strokes[:, 0] < 0.25
    assert changed[~outside][:, color].mean() > 0.02 and not changed[outside].any()
    assert (changed[:, ~color].max() > 0.01) == (mode == "full")
    again = jaxpaint.stylize(painted, [stripes, 1 - stripes], key=KEY, resume=parts[2], **given)
    np.testing.assert_array_equal(again.strokes, finished.strokes)


def test_a_kept_painting_takes_the_style_in_grey(painted, stripes):
    settings = dataclasses.replace(SMALL, steps=30, color="keep")
    styled = dry(jaxpaint.stylize(painted, stripes, key=KEY, settings=settings))
    style = chroma.matched(stripes, dry(painted))
    assert distance(chroma.grey(styled), style) < 0.7 * distance(chroma.grey(dry(painted)), style)


def test_a_mask_confines_the_style(painted, stripes):
    mask = np.zeros((6, 8), np.float32)
    mask[:, 4:] = 1
    styled = jaxpaint.stylize(painted, stripes, key=KEY, settings=SMALL, mask=mask)
    inside = painted.strokes[:, 0] >= 0.5
    np.testing.assert_array_equal(styled.strokes[~inside], painted.strokes[~inside])
    assert (np.abs(styled.strokes - painted.strokes).max(axis=1) > 0.01)[inside].all()
    change = np.abs(styled.canvas - painted.canvas).mean(axis=(0, 2))
    assert change[:16].mean() < 0.2 * change[40:].mean()


def test_resuming_equals_never_having_stopped(painted, stripes, tmp_path):
    stages = list(jaxpaint.stylize_stages(painted, stripes, settings=SMALL))
    assert [part.state is None for part, _ in stages] == [False] * 5 + [True]
    for part, _ in (stages[0], stages[3]):
        jaxpaint.save_painting(tmp_path / "part.npz", part)
        read = jaxpaint.load_painting(tmp_path / "part.npz")
        assert read.styling == SMALL
        finished = jaxpaint.stylize(painted, stripes, key=KEY, settings=SMALL, resume=read)
        np.testing.assert_array_equal(finished.strokes, stages[-1][0].strokes)


def test_styles_count_by_their_weights(painted, stripes):
    other = 1 - stripes
    alone = jaxpaint.stylize(painted, stripes, key=KEY, settings=SMALL)
    both, first = (
        jaxpaint.stylize(painted, [stripes, other], key=KEY, settings=dataclasses.replace(SMALL, style_weights=text))
        for text in ("1,1", "2,0")
    )
    np.testing.assert_allclose(first.strokes, alone.strokes, atol=1e-3)
    assert np.abs(both.strokes - alone.strokes).max() > 0.01


@pytest.mark.parametrize(
    "other", [{"style_loss": "moments"}, {"laplacian_form": "features", "laplacian_layers": "relu1_1"}]
)
def test_other_losses(painted, stripes, other):
    losses = [
        p.loss for _, p in jaxpaint.stylize_stages(painted, stripes, settings=dataclasses.replace(SMALL, **other))
    ]
    assert losses[-1] < losses[0]


def test_the_scale_is_that_at_which_a_style_is_seen(stripes):
    assert styling._seen(stripes, round(224 * 1.0)) == (160, 224)
    assert styling._seen(stripes, round(224 * 0.5)) == (80, 112)
    assert styling._seen(np.zeros((4, 1000, 3), np.float32), 224) == (32, 224)


def test_a_photograph_is_painted_first(picture, painted, stripes, monkeypatch):
    calls = []

    def paint(image, *, key, settings, form):
        calls.append((image, key, settings, form))
        return painted

    monkeypatch.setattr(painting, "paint", paint)
    styled = jaxpaint.stylize(picture, stripes, key=KEY, settings=SMALL)
    [(image, key, settings, form)] = calls
    assert image is picture and key is KEY
    suited, expected = styling.in_manner(picture, [stripes], SMALL)
    assert settings == suited and settings.brush == "filbert"
    np.testing.assert_array_equal(form, expected)
    expected = jaxpaint.stylize(painted, stripes, key=KEY, settings=SMALL)
    np.testing.assert_array_equal(styled.strokes, expected.strokes)


def test_strokes_stay_as_short_as_they_were_painted(painted, stripes):
    brush = BRUSHES[painted.brush]
    stocky = dataclasses.replace(
        painted,
        strokes=brush.shortened(painted.strokes, 2.0),
        settings=dataclasses.replace(painted.settings, max_aspect=2.0),
    )
    sides = jaxpaint.stylize(stocky, stripes, key=KEY, settings=SMALL).strokes[:, 2:4] + brush.hair
    assert (sides.max(axis=1) / sides.min(axis=1)).max() <= 2.001
    free = jaxpaint.stylize(painted, stripes, key=KEY, settings=SMALL).strokes[:, 2:4] + brush.hair
    assert (free.max(axis=1) / free.min(axis=1)).max() > 2.5


def test_colours_stay_among_those_of_the_pictures(painted, stripes):
    """In standard deviations of the painting's and the style's colours together, each by half."""
    content = drawing.draw_flat(painted).reshape(-1, 3)
    both = np.concatenate([content, stripes.reshape(-1, 3)]).astype(float)
    weight = np.repeat([0.5 / len(content), 0.5 * 3 / stripes.size], [len(content), stripes.size // 3])
    mean = weight @ both
    whitening = np.linalg.inv(
        np.linalg.cholesky((both - mean).T @ ((both - mean) * weight[:, None]) + 1e-4 * np.eye(3))
    )
    furthest = []
    for palette in (0.0, 2.0):
        settings = dataclasses.replace(SMALL, palette=palette, steps=12, style=100.0)
        strokes = jaxpaint.stylize(painted, stripes, key=KEY, settings=settings).strokes
        colors = strokes[:, BRUSHES[painted.brush].index("color")].reshape(-1, 3)
        furthest.append(np.linalg.norm((colors - mean) @ whitening.T, axis=1).max())
    assert furthest[0] > 2.5 and furthest[1] < 2.2


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused(painted, stripes):
    part, _ = next(iter(jaxpaint.stylize_stages(painted, stripes, settings=SMALL)))
    for arguments, options, expected in (
        ((part, stripes), {}, "finished painting"),
        ((painted, []), {}, "style picture, got none"),
        ((dataclasses.replace(painted, strokes=painted.strokes[:0]), stripes), {}, "painting with strokes"),
        ((painted, stripes[..., :2]), {}, "height, width, 3"),
        ((painted, stripes), {"mask": stripes}, "mask of shape"),
        (
            (painted, [stripes] * 2),
            {"settings": dataclasses.replace(SMALL, style_weights="1,2,3")},
            "expected 2 numbers",
        ),
        ((painted, stripes), {"resume": painted}, "unfinished styling"),
        (
            (painted, stripes),
            {"resume": part, "settings": dataclasses.replace(SMALL, steps=1)},
            "settings it began with",
        ),
        (
            (painted, stripes),
            {"resume": dataclasses.replace(part, state=part.state | {"count": np.array(99)})},
            "expected a styling of fewer than",
        ),
        ((painted, stripes), {"resume": dataclasses.replace(part, strokes=part.strokes[:5])}, "of the same painting"),
    ):
        with pytest.raises(ValueError, match=expected):
            jaxpaint.stylize(*arguments, key=KEY, **({"settings": SMALL} | options))
    for options, expected in (
        ({"settings": {}}, "expected settings as StyleSettings, got dict; StyleSettings.from_config converts it"),
        ({"key": "a"}, "expected one random key or a seed"),
        ({"resume": "part.npz"}, "expected a styling to go on from, got a path; jaxpaint.load_painting reads it"),
    ):
        with pytest.raises(TypeError, match=expected):
            jaxpaint.stylize(painted, stripes, **({"key": KEY, "settings": SMALL} | options))
    with pytest.raises(TypeError, match="expected a painting, got ndarray of shape"):
        next(jaxpaint.stylize_stages(stripes, stripes, settings=SMALL))
    with pytest.raises(ValueError, match="relu9_9"):
        jaxpaint.stylize(painted, stripes, key=KEY, settings=dataclasses.replace(SMALL, style_layers="relu9_9"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"style": 0.0}, "config.style: expected a weight above 0"),
        ({"style_weights": "1,x"}, "config.style_weights: expected 2 numbers"),
        ({"style_weights": "0,0"}, "config.style_weights: expected 2 numbers"),
        ({"mode": "shape"}, "config.mode: expected full or color"),
    ],
)
def test_bad_settings_are_refused(settings, expected):
    with pytest.raises(ValueError, match=expected):
        StyleSettings(**settings)


def test_other_pictures_are_not_gone_on_with(painted, stripes):
    part, _ = next(iter(jaxpaint.stylize_stages(painted, stripes, settings=SMALL)))
    for other in ((painted, 1 - stripes), (dataclasses.replace(painted, strokes=painted.strokes[::-1]), stripes)):
        with pytest.raises(ValueError, match="began with, got others"):
            jaxpaint.stylize(*other, key=KEY, settings=SMALL, resume=part)


@pytest.mark.usefixtures("unchecked")
def test_pictures_out_of_range_are_refused(painted, stripes):
    for bad in (255 * stripes, np.full_like(stripes, np.nan)):
        with pytest.raises(ValueError, match="expected a style picture of values in"):
            jaxpaint.stylize(painted, bad, key=KEY, settings=SMALL)
    with pytest.raises(ValueError, match="expected a mask of values in"):
        jaxpaint.stylize(painted, stripes, key=KEY, settings=SMALL, mask=np.full((4, 4), 2.0, np.float32))


def test_scale_is_that_at_which_styles_are_seen(stripes, monkeypatch):
    shapes, resize = [], pictures.resize
    monkeypatch.setattr(pictures, "resize", lambda picture, shape: shapes.append(shape) or resize(picture, shape))
    styling.total_loss(np.ones((48, 64, 3), np.float32), [stripes], None, dataclasses.replace(SMALL, scale=2.0))
    assert sorted(shapes) == [(36, 48), (69, 96)]


def test_more_strength_is_more_style(painted, stripes):
    weak, strong = (
        jaxpaint.stylize(painted, stripes, key=KEY, settings=dataclasses.replace(SMALL, style=weight, steps=20))
        for weight in (0.1, 30.0)
    )
    assert distance(strong.canvas, stripes) < 0.7 * distance(weak.canvas, stripes)
    assert np.abs(strong.canvas - painted.canvas).mean() > 2 * np.abs(weak.canvas - painted.canvas).mean()


def test_a_file_of_vgg19_looks_too(painted, stripes, tmp_path):
    """Its first layers stand where VGG-16's do: with those weights it sees the same."""
    shipped = weights.load_vgg()
    params = {name: shipped.variables["params"][name] for name in ("conv1_1", "conv1_2", "conv2_1")}
    weights.save_vgg(
        tmp_path / "vgg19.safetensors", weights.VGGWeights("vgg19", {**shipped.variables, "params": params}, {})
    )
    settings = dataclasses.replace(SMALL, vgg=str(tmp_path / "vgg19.safetensors"))
    expected, styled = (jaxpaint.stylize(painted, stripes, key=KEY, settings=each) for each in (SMALL, settings))
    np.testing.assert_array_equal(styled.strokes, expected.strokes)
