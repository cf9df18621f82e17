"""Painting as a whole: the budget, the seed, limits, and that it gets closer to the picture."""

import dataclasses

import jax
import numpy as np
import pytest
from small import KEY, NEURAL, SMALL, SMALL_OIL, disc_and_bar

import jaxpaint
from jaxpaint import attention, drawing, metrics, painter, painting, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ResumeError
from jaxpaint.optimize import loop
from jaxpaint.raster import forward
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings


@pytest.fixture(scope="module")
def picture():
    return disc_and_bar()


@pytest.fixture(scope="module")
def painted(picture):
    return jaxpaint.paint(picture, key=KEY, settings=SMALL)


def test_uses_the_budget_exactly_and_keeps_proportions(painted):
    assert painted.strokes.shape == (37, 9)
    assert painted.state is None
    assert painted.canvas.shape == (32, 48, 3)
    assert jaxpaint.draw(painted, size=90).shape == (60, 90, 3)


def test_the_painting_resembles_the_picture(picture, painted):
    target = pictures.resize(picture, (32, 48))
    blank = np.ones_like(target)
    assert metrics.psnr(painted.canvas, target) > metrics.psnr(blank, target) + 9


def dry(painting):
    """The drawing of dry paint without heights or ground, as fits draw it: the painting has compiled its program."""
    return drawing.draw_flat(drawing.relit(painting, {"wet": 0.0, "ground": "none"}))


@pytest.mark.parametrize("brush", BRUSHES)
def test_every_brush_stays_in_its_range_and_gains_by_fitting(picture, brush):
    """One fits its texture, too, at last, with a second program; one is seen as it lies on the ground."""
    settings = dataclasses.replace(SMALL, brush=brush, textured=brush == "oilpaintbrush")
    if settings.textured:
        loop._descend.clear_cache()
    result = jaxpaint.paint(picture, key=KEY, settings=settings)
    assert not settings.textured or loop._descend._cache_size() == 2
    untouched = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(settings, steps=1, learning_rate=1e-6))
    target = pictures.resize(picture, (32, 48))
    assert result.strokes.min() >= 0 and result.strokes.max() <= 1
    draw = jaxpaint.draw if brush == "pastel" else dry
    assert metrics.psnr(draw(result), target) > metrics.psnr(draw(untouched), target) + 2


def test_the_same_key_gives_the_same_painting_and_another_another(picture, painted):
    again = jaxpaint.paint(picture, key=KEY, settings=SMALL)
    other = jaxpaint.paint(picture, key=jax.random.key(8), settings=SMALL)
    np.testing.assert_array_equal(again.strokes, painted.strokes)
    assert not np.array_equal(other.strokes, painted.strokes)


@pytest.mark.parametrize("mode", ["progressive", "grid"])
@pytest.mark.parametrize(("strokes", "steps"), [(1, 1), (2, 7), (500, 300), (997, 100)])
@pytest.mark.parametrize("accents", [0.0, 0.2])
def test_a_plan_adds_up(mode, strokes, steps, accents):
    settings = Settings(mode=mode, strokes=strokes, steps=steps, max_divide=5, accents=accents)
    stages = painting.plan(settings, (512, 341))
    assert sum(stage.add for stage in stages) == strokes
    assert sum(stage.steps for stage in stages) == steps
    assert stages[-1].textured and stages[-1].size == settings.size


def test_progress_counts_up_to_the_settings_steps(picture):
    progress = [p for _, p in jaxpaint.paint_stages(picture, key=KEY, settings=SMALL)]
    assert [p.step for p in progress] == sorted(p.step for p in progress)
    assert progress[-1].step == progress[-1].steps == SMALL.steps
    assert progress[-1].strokes == SMALL.strokes


def test_size_limits_hold(picture):
    settings = dataclasses.replace(SMALL, min_size=0.05, max_size=0.1, underpainting=0.0)
    brush = BRUSHES[SMALL.brush]
    strokes = jaxpaint.paint(picture, key=KEY, settings=settings).strokes
    sizes = (strokes[:, brush.index("size")] + brush.hair) / brush.size_per_width
    assert sizes.min() >= 0.05 - 1e-6 and sizes.max() <= 0.1 + 1e-6


def test_eight_bit_strokes_are_upright_and_opaque(picture):
    settings = dataclasses.replace(SMALL, upright=True, opaque=True)
    strokes = jaxpaint.paint(picture, key=KEY, settings=settings).strokes
    assert (strokes[:, 4] == 0).all() and (strokes[:, 8] == 1).all()


@pytest.mark.parametrize("brush", ["watercolor", "filbert"])
def test_solid_strokes_have_one_colour_from_the_first_step_to_the_last(picture, brush):
    settings = dataclasses.replace(SMALL, brush=brush, solid=True, jitter=0.05)
    first, fourth = BRUSHES[brush].index("color").reshape(2, 3)
    for part, _ in painting.paint_stages(picture, key=KEY, settings=settings):
        np.testing.assert_array_equal(part.strokes[:, first], part.strokes[:, fourth])
        assert (part.strokes[:, BRUSHES[brush].index("alpha")] == 1).all()
    graded = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(settings, solid=False)).strokes
    assert np.abs(graded[:, first] - graded[:, fourth]).mean() > 0.01


def test_colours_of_solid_strokes_are_fitted_as_one(picture):
    """Which is nearer to the picture than the mean of both ends, each fitted for itself."""
    brush, target = BRUSHES["filbert"], pictures.resize(picture, (32, 48))
    graded = dataclasses.replace(SMALL, brush="filbert")
    solid, two = (
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(graded, solid=value)) for value in (True, False)
    )
    mean = dataclasses.replace(two, strokes=two.strokes @ brush.united)
    assert metrics.psnr(dry(solid), target) > metrics.psnr(dry(mean), target) + 0.2


@pytest.mark.parametrize("shape", [(1, 1, 3), (1000, 4, 3), (4, 1000, 3)])
def test_extreme_proportions(shape):
    image = np.full(shape, 0.25, np.float32)
    canvas = jaxpaint.paint(image, key=KEY, settings=dataclasses.replace(SMALL, steps=12)).canvas
    assert max(canvas.shape) == 48 and min(canvas.shape[:2]) >= (48 if shape == (1, 1, 3) else 1)
    # Strokes as they were placed leave 0.08 and more.
    assert np.abs(canvas - 0.25).mean() < 0.05


def test_transport_is_part_of_the_loss_that_is_fitted(picture):
    """What a fit makes of it is seen in `test_loop`."""
    for transport, named in ((1.0, True), (0.0, False)):
        problem = painter.Painter.of(dataclasses.replace(SMALL, transport=transport), (60, 90)).problem(
            picture, softness=0.0
        )
        assert problem.weights["transport"] == transport and ("transport" in problem.terms) == named


@pytest.mark.slow
def test_transport_is_a_loss_too(picture):
    settings = dataclasses.replace(SMALL, transport=1.0, steps=3)
    *_, (result, progress) = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    assert np.isfinite(progress.loss) and len(result.strokes) == 37


def test_jitter_moves_colours_alone_and_by_chance_that_can_be_repeated(picture):
    plain, strayed, again = (
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, jitter=jitter)).strokes
        for jitter in (0.0, 0.1, 0.1)
    )
    np.testing.assert_array_equal(strayed, again)
    color = BRUSHES[SMALL.brush].mask("color")
    np.testing.assert_array_equal(strayed[:, ~color], plain[:, ~color])
    assert 0.03 < np.abs(strayed - plain)[:, color].mean() < 0.15
    assert strayed.min() >= 0 and strayed[:, color].max() <= 1


@pytest.mark.slow
def test_grid_mode_has_no_seams():
    """Mean error within 4 px of block borders, against elsewhere, over pictures that are alike everywhere."""
    distance = np.minimum.reduce([np.abs(np.arange(96) + 0.5 - b) for b in (32, 64)])
    border = (distance < 4)[:, None] | (distance < 4)[None, :]
    settings = Settings(brush="rectangle", mode="grid", grid=3, strokes=90, steps=40, size=96, detail="alike")
    errors = []
    for seed in range(4):
        noise = np.random.default_rng(seed).uniform(size=(12, 12, 3)).astype(np.float32)
        image = pictures.resize(noise, (96, 96))
        canvas = jaxpaint.paint(image, key=jax.random.key(seed), settings=settings).canvas
        errors.append(np.abs(canvas - image).mean(axis=-1))
    error = np.mean(errors, axis=0)
    assert error[border].mean() <= 1.05 * error[~border].mean()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"settings": {}}, "expected settings as Settings, got dict; Settings.from_config converts it"),
        ({"key": "a"}, "expected one random key or a seed, a whole number from 0 to 4294967295, got str"),
        ({"key": 1.5}, "or a seed, .* got 1.5"),
        ({"key": True}, "or a seed, .* got True"),
        ({"key": 2**32}, "or a seed, .* got 4294967296"),
        ({"key": np.zeros((3, 4))}, r"or a seed, .* got ndarray of shape \(3, 4\)"),
        ({"key": jax.random.split(KEY)}, r"or a seed, .* got PRNGKeyArray of shape \(2,\)"),
        ({"form": np.ones((4, 4, 3))}, r"expected directions of shape \[rows, columns, 2\], got \(4, 4, 3\)"),
        ({"form": np.full((4, 4, 2), np.inf)}, "expected directions of finite numbers"),
        ({"resume": "part.npz"}, "expected a painting to go on from, got a path; jaxpaint.load_painting reads it"),
        ({"brush_image": np.ones((1, 8, 32, 3))}, "brush_image: expected only with filbert or oilpaintbrush, got it"),
        ({"settings": SMALL_OIL, "brush_image": "b.png"}, "expected a brush as an array, got a path"),
        ({"settings": SMALL_OIL, "brush_image": np.ones((8, 32, 3))}, r"of shape \[stamps, .*, got \(8, 32, 3\)"),
        ({"settings": SMALL_OIL, "brush_image": np.full((1, 8, 32, 3), 9.0)}, r"values in \[0, 1\], got 9 to 9"),
        ({"settings": dataclasses.replace(SMALL_OIL, brush_image="b.png")}, "expected its stamps as brush_image"),
    ],
)
def test_bad_arguments_are_refused_at_once(picture, changes, expected):
    with pytest.raises((ValueError, TypeError), match=expected):
        jaxpaint.paint_stages(picture, **{"key": 0, "settings": SMALL, **changes})


@pytest.mark.usefixtures("unchecked")
def test_a_picture_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="height, width, 3"):
        jaxpaint.paint(np.zeros((4, 4, 2), np.float32), key=KEY, settings=SMALL)


def test_stages_without_steps_claim_nothing(picture):
    settings = dataclasses.replace(SMALL, steps=2)
    shown = [p.psnr for _, p in jaxpaint.paint_stages(picture, key=KEY, settings=settings)]
    assert len(shown) > 2
    assert all(np.isnan(psnr) or 0 < psnr < 40 for psnr in shown) and 0 < shown[-1] < 40


@pytest.mark.slow
def test_painting_with_a_network(picture, tmp_path):
    """The budget, the likeness, and going on from a file to the same strokes."""
    parts = list(jaxpaint.paint_stages(picture, key=KEY, settings=NEURAL))
    done, progress = parts[-1]
    assert done.strokes.shape == (37, 12) and progress.step == NEURAL.steps
    # What is told is the drawing's own, at the size of the fit, of dry paint.
    size = painting.plan(NEURAL, (43, 64), window=32)[-1].size
    drawn = drawing.draw_flat(drawing.relit(done, {"wet": 0.0}), size=size)
    assert progress.psnr == pytest.approx(
        float(metrics.psnr(drawn, pictures.resize(picture, drawn.shape[:2]))), abs=0.01
    )
    # Strokes as they were placed come to 16 dB.
    assert metrics.psnr(dry(done), pictures.resize(picture, (43, 64))) > 22
    part = next(part for part, _ in parts if part.state["stage"] == 6)
    jaxpaint.save_painting(tmp_path / "part.npz", part)
    read = jaxpaint.load_painting(tmp_path / "part.npz")
    resumed = jaxpaint.paint(picture, key=KEY, settings=NEURAL, resume=read)
    np.testing.assert_array_equal(resumed.strokes, done.strokes)


@pytest.mark.slow
def test_a_network_can_multiply_shorter_numbers(picture):
    settings = dataclasses.replace(NEURAL, strokes=8, steps=5)
    result, short = (
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(settings, dtype=dtype))
        for dtype in ("float32", "bfloat16")
    )
    apart = np.abs(short.strokes - result.strokes)
    # A few strokes go another way.
    assert apart.mean() > 1e-6 and np.median(apart) < 0.01


@pytest.mark.parametrize("settings", [{}, {"mode": "grid", "grid": 3}, {"max_divide": 2}])
def test_plans_for_windows_place_all_strokes_and_take_all_steps(settings):
    chosen = Settings(renderer="light", strokes=501, steps=77, **settings)
    stages = painting.plan(chosen, (300, 512), window=32)
    assert sum(stage.add for stage in stages) == 501 and sum(stage.steps for stage in stages) == 77
    assert all(32 <= stage.size <= 512 for stage in stages)
    # Of fewer strokes, each shows more of the picture, and in no finer picture.
    fewer = painting.plan(dataclasses.replace(chosen, strokes=100), (300, 512), window=32)
    assert all(32 <= less.size < stage.size for less, stage in zip(fewer, stages, strict=True))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("value", [-0.01, 1.01, 255, np.nan])
def test_a_picture_of_other_values_is_refused(picture, value):
    wrong = picture.copy()
    wrong[3, 4, 1] = value
    with pytest.raises(ValueError, match=r"values in \[0, 1\], got"):
        jaxpaint.paint(wrong, key=KEY, settings=SMALL)


def test_a_painting_with_a_brush_of_ones_own(picture, tmp_path):
    """Another painting; the brush goes into its file, is drawn with, and is gone on with."""
    image = np.zeros((2, 8, 32, 3), np.float32)
    image[0, 2:6], image[1, 1:7] = (0.8, 1.0, 0.5), (0.7, 1.0, 0.9)
    arguments = dict(key=KEY, settings=SMALL_OIL, brush_image=image)
    parts = [part for part, _ in jaxpaint.paint_stages(picture, **arguments)]
    own = parts[-1]
    built_in = jaxpaint.paint(picture, key=KEY, settings=SMALL_OIL)
    assert np.abs(own.strokes - built_in.strokes).max() > 0.01
    target = pictures.resize(picture, (32, 48))
    drawn = dry(own)
    assert metrics.psnr(drawn, target) > metrics.psnr(np.ones_like(target), target) + 6
    jaxpaint.save_painting(tmp_path / "own.npz", own)
    np.testing.assert_array_equal(jaxpaint.load_painting(tmp_path / "own.npz").canvas, own.canvas)
    assert np.abs(drawn - dry(dataclasses.replace(own, brush_image=None))).mean() > 0.01
    resumed = jaxpaint.paint(picture, **arguments, resume=parts[len(parts) // 2])
    np.testing.assert_array_equal(resumed.strokes, own.strokes)


def test_detail_goes_where_errors_count(picture, monkeypatch):
    """A disc that counts ten times is painted better, and by smaller strokes, than when all is alike."""
    y, x = np.mgrid[:60, :90] / 60
    disc = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1
    weight = np.where(disc, 10.0, 1.0)
    weight = (weight / weight.mean()).astype(np.float32)
    monkeypatch.setattr(attention, "importance", lambda image: weight)
    errors, sizes = [], []
    for detail in ("alike", "auto"):
        done = jaxpaint.paint(
            picture,
            key=KEY,
            settings=dataclasses.replace(SMALL, steps=60, underpainting=0.0, detail=detail, simplify=0.0),
        )
        errors.append(np.mean((drawing.draw_flat(done, size=90) - picture)[disc] ** 2))
        inside = disc[tuple((BRUSHES[SMALL.brush].middle(done.strokes)[:, ::-1] * 89).astype(int).T)]
        sizes.append(np.median(done.strokes[inside, 2:4].prod(axis=1)))
    assert errors[1] < 0.8 * errors[0]
    assert sizes[1] < sizes[0]


def test_a_map_says_where_details_matter(picture):
    """A map with other proportions is stretched; it overrides the setting `detail`."""
    settings = dataclasses.replace(SMALL, steps=60, underpainting=0.0, simplify=0.0)
    light = np.zeros((20, 20), np.float32)
    light[:, 10:] = 1.0
    errors, counts = [], []
    for detail in (1.0 - light, light):
        done = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(settings, detail="alike"), detail=detail)
        errors.append(np.mean((drawing.draw_flat(done, size=90) - picture)[:, 45:] ** 2))
        counts.append((BRUSHES[SMALL.brush].middle(done.strokes)[:, 0] > 0.5).mean())
    assert errors[1] < 0.95 * errors[0]
    assert counts[1] > counts[0] + 0.1
    # A uniform map is no map.
    same = [
        jaxpaint.paint(
            picture, key=KEY, settings=dataclasses.replace(SMALL, detail="alike", simplify=0.0), detail=detail
        )
        for detail in (None, np.zeros((8, 8), np.float32))
    ]
    np.testing.assert_allclose(same[0].strokes, same[1].strokes, atol=1e-3)


def test_a_map_is_kept_with_an_unfinished_painting(picture, tmp_path):
    detail = np.zeros((60, 90), np.float32)
    detail[:30] = 0.3
    stages = [each for each, _ in jaxpaint.paint_stages(picture, key=KEY, settings=SMALL, detail=detail)]
    jaxpaint.save_painting(tmp_path / "part.npz", stages[3])
    part = jaxpaint.load_painting(tmp_path / "part.npz")
    for given in (None, detail):
        resumed = jaxpaint.paint(picture, key=KEY, settings=SMALL, detail=given, resume=part)
        np.testing.assert_array_equal(resumed.strokes, stages[-1].strokes)
    plain = next(each for each, _ in jaxpaint.paint_stages(picture, key=KEY, settings=SMALL))
    for given, begun in ((1 - detail, part), (detail, plain)):
        with pytest.raises(ResumeError, match="with the map of detail it began with, got another"):
            jaxpaint.paint(picture, key=KEY, settings=SMALL, detail=given, resume=begun)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        (np.full((4, 4), 2.0), r"expected a map of detail of values in \[0, 1\], got 2 to 2"),
        (np.zeros((4, 4, 2), np.float32), r"expected a map of detail of shape"),
        (np.full((4, 4), np.nan), "expected a map of detail"),
        ("map.png", "expected a map of detail as an array, got a path"),
    ],
)
def test_bad_maps_of_detail(picture, detail, expected):
    with pytest.raises(ValueError, match=expected):
        jaxpaint.paint(picture, key=KEY, settings=SMALL, detail=detail)
    with pytest.raises(ValueError, match="with config.mode other than blocks"):
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, mode="blocks"), detail=np.zeros((4, 4)))


def test_one_ink_paints_the_shades_between_it_and_the_canvas(picture):
    settings = dataclasses.replace(SMALL, brush="pastel", steps=48, ink="0.1,0.2,0.3", canvas_color="0.9,0.8,0.7")
    settings = dataclasses.replace(settings, simplify=0.0)
    done = jaxpaint.paint(picture, key=KEY, settings=settings)
    color = BRUSHES["pastel"].index("color")
    np.testing.assert_allclose(done.strokes[:, color], np.tile([0.1, 0.2, 0.3], (37, 1)), atol=1e-6)
    shades = painter.prepared(settings, picture)
    drawn = drawing.draw_flat(drawing.relit(done, {"ground": "none"}), size=90)
    assert (
        metrics.psnr(drawn, shades) > metrics.psnr(np.broadcast_to(shades.mean(axis=(0, 1)), (60, 90, 3)), shades) + 3
    )


def test_no_stroke_is_longer_than_the_greatest_aspect(picture):
    aspects = []
    for limit in (0.0, 2.0):
        strokes = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, max_aspect=limit)).strokes
        sides = strokes[:, 2:4] + BRUSHES[SMALL.brush].hair
        aspects.append((sides.max(axis=1) / sides.min(axis=1)).max())
    assert aspects[0] > 3 and aspects[1] <= 2.001


@pytest.mark.parametrize("brush", ["filbert", "rectangle"])
def test_an_underpainting_covers_the_canvas_where_nothing_else_has_to(picture, brush):
    """Half of the picture has the canvas's colour: nobody needs to paint there."""
    image = picture.copy()
    image[:, :45] = 0.9
    # Of rectangles, which have no underpainting, as many as other tests paint.
    settings = dataclasses.replace(
        SMALL,
        brush=brush,
        strokes=100 if brush == "filbert" else SMALL.strokes,
        underpainting=0.2,
        canvas_color="0.9,0.9,0.9",
        detail="alike",
    )

    def bare(settings):
        done = jaxpaint.paint(image, key=KEY, settings=settings)
        engine = Engine.of(settings)
        black, white = (forward.draw_strokes(engine, done.strokes, (32, 48), canvas=(c,) * 3) for c in (0.0, 1.0))
        return np.mean((white - black)[..., 0] > 0.5)

    without = bare(dataclasses.replace(settings, underpainting=0.0))
    assert without > 0.2
    assert bare(settings) < 0.06 if brush == "filbert" else bare(settings) == without


@pytest.mark.parametrize("name", ["watercolor", "markerpen"])
def test_glazes_paint_a_picture_from_light_to_dark(picture, name):
    settings = dataclasses.replace(SMALL, brush=name, layering="glaze", ground="none", relief=0.0)
    done = jaxpaint.paint(picture, key=KEY, settings=settings)
    drawn = done.canvas
    target = pictures.resize(picture, drawn.shape[:2])
    assert metrics.psnr(drawn, target) > metrics.psnr(np.ones_like(drawn), target) + 6
    fewer = dataclasses.replace(done, strokes=done.strokes[::2])
    assert (fewer.canvas >= drawn - 1e-6).all()


def test_an_economy_leaves_out_strokes_where_the_picture_is_plain(picture):
    image = picture.copy()
    image[:, :45] = 0.9
    settings = dataclasses.replace(SMALL_OIL, steps=60, simplify=0.0)
    thrifty, all_of_them = (
        jaxpaint.paint(image, key=KEY, settings=dataclasses.replace(settings, economy=economy))
        for economy in (0.06, 0.0)
    )
    assert len(all_of_them.strokes) == 37 and 15 < len(thrifty.strokes) < 30
    left, of_all = (np.mean(BRUSHES[SMALL_OIL.brush].middle(p.strokes)[:, 0] < 0.5) for p in (thrifty, all_of_them))
    assert left < of_all
    assert metrics.psnr(thrifty.canvas, pictures.resize(image, (32, 48))) > -20 * np.log10(0.06)


def test_a_simplified_picture_s_painting_has_the_photograph_s_shape(picture):
    """Details are left out at the size of the fit, 32 × 48 here."""
    done = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, steps=12))
    assert (done.height, done.width) == picture.shape[:2] and done.settings.simplify == 1.0


def test_accents_come_last_and_are_small(picture):
    done = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, accents=0.25))
    areas = BRUSHES[SMALL.brush].areas(done.strokes)
    assert len(areas) == 37 and np.median(areas[-9:]) < 0.5 * np.median(areas[:-9])
