"""The neural renderers: their sizes, their pictures, and their weights as files."""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxpaint
from jaxpaint import brushes, training
from jaxpaint.brushes import BRUSHES, Look
from jaxpaint.errors import WeightsError
from jaxpaint.io import weights
from jaxpaint.renderers import engine
from jaxpaint.renderers.networks import ARCHITECTURES, Network, fold, network

# Trainable parameters, by SPEC.
PARAMETERS = {
    "heavy": (18_093_044, 18_119_156, 18_094_580, 18_068_468),
    "light": (5_373_004, 5_399_116, 5_374_540, 5_348_428),
    "lite": (5_392_940, 5_419_052, 5_394_476, 5_368_364),
    "dcgan32": (2_733_824, 2_758_400, 2_733_824, 2_709_248),
}
OIL = BRUSHES["oilpaintbrush"]


@functools.cache
def variables(name, brush):
    """Random weights, and random statistics of the normalisations; from NumPy, since JAX would compile for each."""
    rng = np.random.default_rng(0)

    def leaf(path, like):
        kind, shape = path[-1].key, like.shape
        if kind in ("mean", "var"):
            return rng.uniform(*{"mean": (-0.02, 0.02), "var": (0.002, 0.02)}[kind], shape).astype(np.float32)
        if kind in ("scale", "bias"):
            return np.full(shape, float(kind == "scale"), np.float32)
        spread = 0.02 if path[1].key == "shading" else np.sqrt(2 / np.prod(shape[:-1]))
        return (spread * rng.standard_normal(shape)).astype(np.float32)

    made = jax.eval_shape(network(name, BRUSHES[brush]).init, jax.random.key(0), strokes(brush))
    return jax.tree.map(jnp.asarray, jax.tree_util.tree_map_with_path(leaf, made))


def strokes(brush, count=3):
    return jnp.asarray(np.random.default_rng(2).random((count, BRUSHES[brush].dim), np.float32))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_networks_have_the_parameters_of_the_papers(name):
    counts = []
    for brush in ("oilpaintbrush", "watercolor", "markerpen", "rectangle"):
        made = jax.eval_shape(network(name, BRUSHES[brush]).init, jax.random.key(0), strokes(brush))
        counts.append(sum(leaf.size for leaf in jax.tree.leaves(made["params"])))
    assert tuple(counts) == PARAMETERS[name]


@pytest.mark.parametrize("name", ["light", "lite", "dcgan32"])
def test_folded_weights_draw_the_same(name):
    made = variables(name, "watercolor")
    plain = jax.jit(network(name, BRUSHES["watercolor"]).apply)(made, strokes("watercolor"))
    folded = jax.jit(network(name, BRUSHES["watercolor"], folded=True).apply)(fold(made), strokes("watercolor"))
    size = ARCHITECTURES[name].size
    assert plain.foreground.shape == (3, size, size, 3) and plain.alpha.shape[:3] == (3, size, size)
    for one, other in zip(plain, folded, strict=True):
        assert np.abs(one).max() > 1e-3
        np.testing.assert_allclose(one, other, atol=1e-4 * float(np.abs(one).max()))


def test_silhouettes_are_multiplied_in_all_of_float32_on_any_device():
    """As the program tells devices that would take less of it: edges have to be known to a tenth of a pixel."""
    model, ones = network("light", OIL, dtype="float32"), strokes("oilpaintbrush")

    def products(**options):
        program = jax.jit(functools.partial(model.apply, **options)).lower(variables("light", "oilpaintbrush"), ones)
        return ["HIGHEST" in line for line in program.as_text().splitlines() if "dot_general" in line]

    silhouette, every = products(method="silhouette"), products()
    assert all(silhouette) and len(silhouette) == 5
    # Of the shading, the layer that takes the stroke's parameters.
    assert every == [True, False, False, False, *silhouette]


@pytest.mark.parametrize(("brush", "used"), [("oilpaintbrush", False), ("rectangle", True)])
def test_alpha_is_the_silhouette_of_the_shape_alone(brush, used):
    draw = functools.partial(jax.jit(network("light", BRUSHES[brush]).apply), variables("light", brush))
    one = strokes(brush, 1)
    recolored = one.at[:, BRUSHES[brush].index("color")].set(0.25)
    np.testing.assert_array_equal(draw(one).alpha, draw(recolored).alpha)
    assert np.abs(draw(one).foreground - draw(recolored).foreground).max() > 0
    faint = one.at[:, -1].multiply(0.5)
    np.testing.assert_allclose(draw(faint).alpha, (0.5 if used else 1.0) * draw(one).alpha, rtol=1e-5)


def test_a_model_draws_one_stroke_as_planes_in_range():
    arrays = fold(variables("light", OIL.name))
    model = Network("light", OIL, arrays)
    stroke = strokes(OIL.name)[0]
    draw = jax.jit(lambda model, stroke: model.renderer(32, softness=0.0)(stroke))
    foreground, alpha, *_ = draw(model, stroke)
    expected = jax.jit(network("light", OIL, folded=True).apply)(arrays, stroke[None])
    assert len(foreground) == len(alpha) == 3
    np.testing.assert_allclose(np.stack(foreground, -1), np.clip(expected.foreground[0], 0, 1), atol=1e-5)
    silhouette = np.clip(expected.alpha[0], 0, 1)
    np.testing.assert_allclose(np.stack(alpha, -1), 3 * silhouette**2 - 2 * silhouette**3, atol=1e-5)
    nowhere = jnp.asarray(brushes.nowhere(OIL, 1)[0])
    assert not np.any(draw(model, nowhere).alpha)


def test_a_network_s_glazes_are_its_strokes_as_films():
    brush = BRUSHES["watercolor"]
    arrays = fold(variables("light", brush.name))
    stroke = strokes(brush.name)[0]
    over, glaze = (
        jax.jit(lambda model, stroke: model.renderer(32, softness=0.0)(stroke))(model, stroke)
        for model in (Network("light", brush, arrays, layering=layering) for layering in ("over", "glaze"))
    )
    assert not np.any(glaze.foreground) and np.ptp(glaze.alpha) > 0
    np.testing.assert_allclose(glaze.alpha, np.stack(over.alpha) * (1 - np.stack(over.foreground)), atol=1e-6)


@pytest.mark.parametrize("size", [16, 32, 80])
def test_a_picture_is_laid_as_large_as_it_is_wanted(size):
    """In a corner of a larger one, or filling one: nothing beyond it, and as near to the engine as it is drawn."""
    model = Network("light", OIL, fold(weights.load("light", brush=OIL.name).variables))
    stroke = jnp.asarray([0.5, 0.5, 0.6, 0.3, 0.2, 0.9, 0.8, 0.7, 0.9, 0.8, 0.7, 1.0])

    def on_black(picture):
        return np.stack([s * a for s, a in zip(*picture[:2], strict=True)])

    @functools.partial(jax.jit, static_argnums=1)
    def drawn(model, side, zoom):
        return model.renderer(side, softness=0.0)(stroke, zoom)

    filling, cornered = on_black(drawn(model, size, size / 32)), on_black(drawn(model, 96, size / 32))
    np.testing.assert_allclose(cornered[:, :size, :size], filling, atol=1e-5)
    assert not cornered[:, size:].any() and not cornered[:, :, size:].any()
    foreground, (alpha,), *_ = jax.jit(engine(OIL, size, look=Look(flat=True)))(stroke)
    expected = on_black((foreground, (alpha,) * 3))
    assert np.mean((filling - expected) ** 2) < 10**-2.3


def test_edges_of_an_enlarged_picture_are_not_darkened():
    """By the black beside the stroke: planes enlarged each for itself come to 0.58."""
    arrays = fold(weights.load("light", brush=OIL.name).variables)
    draw = jax.jit(lambda model, stroke: model.renderer(80, softness=0.0)(stroke))
    drawn = draw(Network("light", OIL, arrays), jnp.full(12, 0.9).at[:5].set(jnp.asarray([0.5, 0.5, 0.6, 0.3, 0.2])))
    foreground, alpha = map(np.stack, drawn[:2])
    edge, inside = (alpha > 0.2) & (alpha < 0.8), alpha > 0.95
    assert foreground[:, edge[0]].mean() > 0.7 * foreground[:, inside[0]].mean()


def test_edges_are_made_steeper_but_not_opacity():
    brush = BRUSHES["rectangle"]
    stroke = strokes(brush.name)[0].at[-1].set(0.25)
    arrays = fold(variables("light", brush.name))
    draw = jax.jit(lambda model, stroke: model.renderer(32, softness=0.0)(stroke))
    alpha = np.stack(draw(Network("light", brush, arrays), stroke).alpha, -1)
    pictures = jax.jit(network("light", brush, folded=True).apply)(arrays, stroke)
    silhouette = np.clip(pictures.alpha / 0.25, 0, 1)
    np.testing.assert_allclose(alpha, 0.25 * (3 * silhouette**2 - 2 * silhouette**3), atol=1e-5)


def test_bfloat16_draws_nearly_the_same():
    made = fold(variables("light", OIL.name))
    exact, rough = (
        jax.jit(network("light", OIL, folded=True, dtype=dtype).apply)(made, strokes(OIL.name)).foreground
        for dtype in (None, jnp.bfloat16)
    )
    assert rough.dtype == jnp.float32
    assert 0 < np.abs(exact - rough).max() < 0.05 * np.abs(exact).max()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "mine.safetensors"
    facts = {str(number): "x" for number in range(20)} | {"steps": "7"}
    for each in (tmp_path / "other.safetensors", path):
        weights.save(each, weights.Weights("light", OIL.name, variables("light", OIL.name), facts))
    # The entries of a header have a random order elsewhere.
    assert path.read_bytes() == (tmp_path / "other.safetensors").read_bytes()
    return path


def test_weights_there_and_back(saved):
    loaded = weights.load(saved)
    assert (loaded.net, loaded.brush, loaded.facts["steps"]) == ("light", OIL.name, "7")
    made = variables("light", OIL.name)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6), loaded.variables, made
    )
    assert saved.stat().st_size < 2.1 * PARAMETERS["light"][0]


def test_a_loaded_renderer_is_a_function_of_strokes(saved):
    draw = jaxpaint.load_renderer(saved)
    foreground, alpha = draw(strokes(OIL.name, 5))
    assert foreground.shape == (5, 32, 32, 3) and alpha.shape == (5, 32, 32, 3)
    assert np.isfinite(jax.grad(lambda s: draw(s).alpha.sum())(strokes(OIL.name))).all()


def test_another_look_of_the_engine_is_told(tmp_path):
    path = tmp_path / "old.safetensors"
    facts = {"fingerprint": str([0.0] * 768)}
    weights.save(path, weights.Weights("light", OIL.name, variables("light", OIL.name), facts))
    with pytest.warns(UserWarning, match="engine has changed since these weights"):
        weights.load(path)


def test_bad_weights(tmp_path, saved):
    with pytest.raises(WeightsError, match="no such weights"):
        weights.load(tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="no such weights; the package has"):
        weights.load("heavy", brush="markerpen")
    (tmp_path / "text.safetensors").write_text("not weights at all")
    with pytest.raises(WeightsError, match="expected weights as safetensors"):
        weights.load(tmp_path / "text.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="expected weights as safetensors"):
        weights.load(cut)
    other = tmp_path / "other.safetensors"
    weights.save(other, weights.Weights("lite", OIL.name, variables("light", OIL.name), {}))
    with pytest.raises(WeightsError, match="arrays are not those of lite"):
        weights.load(other)
    broken = jax.tree.map(lambda leaf: leaf * np.nan, variables("light", OIL.name))
    weights.save(other, weights.Weights("light", OIL.name, broken, {}))
    with pytest.raises(WeightsError, match="not finite"):
        weights.load(other)


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments_of_a_renderer(saved):
    with pytest.raises(TypeError, match="expected a path, got NoneType"):
        weights.load_renderer(None)
    with pytest.raises(ValueError, match="expected a type of float32 or bfloat16, got 'int8'"):
        weights.load_renderer(saved, dtype="int8")
    render = weights.load_renderer(saved)
    with pytest.raises(ValueError, match=r"expected strokes of oilpaintbrush, of shape \[n, 12\], got \(2, 3\)"):
        render(np.zeros((2, 3), np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(weights.SHIPPED.glob("*-*.safetensors")), ids=lambda path: path.stem)
def test_shipped_weights_draw_as_well_as_they_say(path):
    """On strokes that nobody has seen, against today's engine."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = weights.load(path)
    assert path.stem == f"{found.net}-{found.brush}"
    assert not any("/" in text or "\\" in text for text in found.facts.values()), "a path of the machine it was made on"
    recipe = training.Recipe(net=found.net, brush=found.brush)
    # Large pictures take longer, and tell more each.
    count = 4096 * 32 // ARCHITECTURES[found.net].size
    metrics = training.validate(recipe, found.variables, jax.random.key(20261123), count)
    assert float(training.psnr(metrics)) == pytest.approx(float(found.facts["psnr"]), abs=0.2)


def test_there_are_weights_to_paint_with():
    assert (weights.SHIPPED / "light-oilpaintbrush.safetensors").is_file()
