"""Programs of brushes translated to GLSL, whose statements NumPy runs here as a graphics card would."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpaint.brushes import BRUSHES, Look, textures
from jaxpaint.raster import lighting
from jaxpaint.renderers import Engine, shaders

SIZE = 48
FUNCTIONS = {
    "pick": np.where,
    "power": lambda base, exponent: np.maximum(base, 0.0) ** exponent,
    "both": np.logical_and,
    "either": np.logical_or,
    "opposite": np.logical_not,
    "float": np.float32,
    "max": np.maximum,
    "min": np.minimum,
} | {name: getattr(np, name) for name in ("abs", "cos", "exp", "floor", "log", "sin", "sqrt", "tan", "trunc")}


def run(program, stroke, shared, pixel):
    """Runs the statements of the stroke, and then those of the pixels with no more than what passes."""

    def element(table, *place):
        return table[np.broadcast_arrays(*(np.asarray(index).astype(int) for index in place))]

    tables = {f"look_up{i}": functools.partial(element, table) for i, table in enumerate(program.tables)}
    known = FUNCTIONS | tables | shared | stroke
    for each in program.of_stroke:
        known[each.name] = eval(each.text, known)
    known = FUNCTIONS | tables | shared | pixel | {name: known[name] for name in program.passed}
    for each in program.of_pixel:
        known[each.name] = eval(each.text, known)
    return [np.broadcast_to(eval(output, known), (SIZE, SIZE)) for output in program.outputs]


def coordinates():
    centre = (np.arange(SIZE, dtype=np.float32) + 0.5) / SIZE
    return dict(zip("xy", np.meshgrid(centre, centre), strict=True))


def some_stroke(brush, seed=0):
    rng = np.random.default_rng(seed)
    stroke = rng.uniform(0.2, 0.8, brush.dim).astype(np.float32)
    stroke[brush.index("size")] = rng.uniform(0.2, 0.5, len(brush.index("size")))
    return stroke


@pytest.mark.parametrize("name", [name for name in BRUSHES if BRUSHES[name].vectors])
def test_a_translated_stroke_is_the_engines(name):
    brush = BRUSHES[name]
    contrast, wet = 0.8, 0.5 if brush.start else 0.0

    def planes(stroke, sharpness):
        look = Look(contrast=contrast, wet=wet, height=True)
        drawn = shaders.stroke_of(brush, look, brush.layering, stroke, sharpness)
        return [plane for planes in drawn for plane in planes]

    program = shaders.translate(planes, stroke={"stroke": brush.dim}, shared=["sharpness"], most_passed=50)
    assert len(program.passed) <= 50
    stroke = some_stroke(brush)
    named = {f"stroke{i}": value for i, value in enumerate(stroke)}
    found = run(program, named, {"sharpness": np.float32(SIZE)}, coordinates())
    engine = Engine(brush, None, contrast, wet=wet, height=True, layering=brush.layering)
    wanted = [plane for planes in jax.jit(engine.renderer(SIZE, softness=0.0))(stroke) for plane in planes]
    assert len(found) == len(wanted) and max(plane.max() for plane in wanted) > 0.05
    for one, other in zip(found, wanted, strict=True):
        # At a stroke's end, a pixel's nearest point may be at either side of a bend.
        np.testing.assert_allclose(one, other, atol=1e-2)
        assert np.abs(one - other).mean() < 1e-5


def test_a_picture_of_a_brush():
    stamps = np.random.default_rng(0).random((2, 12, 20, 3), np.float32)
    brush, look = BRUSHES["filbert"], Look(textures.pyramid(stamps), 1.0, height=True)

    def planes(stroke, sharpness):
        drawn = shaders.stroke_of(brush, look, "over", stroke, sharpness)
        return [*drawn.foreground, *drawn.alpha, *drawn.height]

    program = shaders.translate(planes, stroke={"stroke": brush.dim}, shared=["sharpness"])
    assert len(program.tables) == 3
    for seed in range(2):
        stroke = some_stroke(brush, seed)
        named = {f"stroke{i}": value for i, value in enumerate(stroke)}
        found = run(program, named, {"sharpness": np.float32(SIZE)}, coordinates())
        engine = Engine(brush, look.picture, 1.0, height=True)
        drawn = jax.jit(engine.renderer(SIZE, softness=0.0))(stroke)
        for one, other in zip(found, [*drawn.foreground, *drawn.alpha, *drawn.height], strict=True):
            assert np.abs(one - other).mean() < 1e-4


def test_light_is_that_of_drawings():
    rng = np.random.default_rng(0)
    planes = {
        name: rng.normal(0.0, 0.5, (SIZE, SIZE)).astype(np.float32) for name in ("right", "down", "depth", "bright")
    }
    light = dict(zip(("to_x", "to_y", "to_z"), lighting.towards(30.0), strict=True))
    pixel = ["x", "y", *planes, *light]
    program = shaders.translate(lambda *planes: lighting.reflected(*planes), pixel=pixel)
    found = run(program, {}, {}, coordinates() | planes | light)
    for one, other in zip(found, lighting.reflected(*planes.values(), *light.values()), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
        assert other.std() > 0.01


def test_few_values_pass_where_statements_run_twice():
    def plane(stroke, sharpness):
        waves = [jnp.sin(stroke[0] * k) for k in range(1, 9)]
        x = shaders.StrokePixels(2, 2 / sharpness - 1.0).affine(jnp.array([1.0, 0.5, 0.2])) * stroke[1]
        return [sum(wave * x ** (k + 2) for k, wave in enumerate(waves))]

    few, many = (
        shaders.translate(plane, stroke={"stroke": 2}, shared=["sharpness"], most_passed=most) for most in (2, 60)
    )
    assert len(few.passed) == 2 < len(many.passed)
    assert few.twice and not many.twice
    given = {"stroke0": np.float32(0.7), "stroke1": np.float32(0.3)}, {"sharpness": np.float32(SIZE)}, coordinates()
    np.testing.assert_allclose(run(few, *given), run(many, *given), rtol=1e-5)
    with pytest.raises(NotImplementedError, match="2 values pass from a stroke to its pixels, but 1 may"):
        shaders.translate(plane, stroke={"stroke": 2}, shared=["sharpness"], most_passed=1)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda stroke, plane: [plane * jnp.cumsum(stroke)[1]], "cumsum has no translation"),
        (lambda stroke, plane: [plane - plane.mean()], "a sum over pixels has no translation"),
        (lambda stroke, plane: [plane.at[0].set(0.0)], "all pixels alike"),
        (lambda stroke, plane: [jax.lax.cond(stroke[0] > 0, jnp.sin, jnp.cos, plane)], "a conditional"),
        (lambda stroke, plane: [jnp.minimum(plane, jnp.inf)], "inf has no translation"),
        (lambda stroke, plane: [plane * stroke[0].astype(bool)], "a number as a truth value"),
        (lambda stroke, plane: [plane * stroke[stroke[1].astype(int)]], "dynamic_slice has no translation"),
    ],
)
def test_what_has_no_translation_is_refused(function, expected):
    with pytest.raises(NotImplementedError, match=expected):
        shaders.translate(function, stroke={"stroke": 2}, pixel=["x", "y", "plane"])
