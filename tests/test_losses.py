"""Losses: against NumPy and exact solvers, finite everywhere, with the gradient they claim."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.optimize
import scipy.special
from ott.geometry import grid
from ott.solvers import linear

from jaxpaint import losses
from jaxpaint.brushes import BRUSHES
from jaxpaint.losses import sinkhorn
from jaxpaint.renderers import engine

SIZE = 16


# One program for all calls alike.
transport = jax.jit(losses.transport, static_argnames=("debiased", "epsilon", "iterations"))


def features(picture):
    """Something that a network might see: two layers, of other sizes, channels and scales."""
    h, w, _ = picture.shape
    small = picture.reshape(h // 2, 2, w // 2, 2, 3).mean(axis=(1, 3))
    mixed = jnp.concatenate([small, 1 - small[..., :1] * small[..., 1:2]], axis=-1)
    return {"fine": 3 * picture, "coarse": 200 * mixed}


def of_features(loss, **options):
    return lambda picture, target: loss(features(picture), features(target), **options)


def of_canvases(loss):
    """The mean over a window's pixels, of which a mask leaves out some."""
    mask = jnp.ones((1, SIZE, SIZE)).at[0, 2:5].set(0.0)

    def mean(*pictures):
        return loss(*(tuple(jnp.moveaxis(p, -1, 0)[:, None]) for p in pictures), mask=mask) / (3 * mask.sum())

    return mean


# Every loss of two pictures.
FAMILY = {
    "l1": losses.l1,
    "l1 colorless": functools.partial(losses.l1, colorless=True),
    "l2": losses.l2,
    "l2 colorless": functools.partial(losses.l2, colorless=True),
    "transport": functools.partial(losses.transport, iterations=60),
    "transport debiased": functools.partial(losses.transport, debiased=True, iterations=60),
    "laplacian": functools.partial(losses.laplacian, poolings=(1, 4)),
    "feature_laplacian": of_features(losses.feature_laplacian),
    "content": of_features(losses.content),
    "gram": of_features(losses.gram),
    "moments": of_features(losses.moments),
    "gram weighted": of_features(losses.gram, weight=jnp.full((3, 5), 0.5)),
    "moments weighted": of_features(losses.moments, weight=jnp.full((3, 5), 0.5)),
    "canvas_l1": of_canvases(losses.canvas_l1),
    "canvas_l2": of_canvases(losses.canvas_l2),
    "canvas_transport": of_canvases(functools.partial(losses.canvas_transport, iterations=60)),
}
# Of one type: a program would be compiled for each pair of types.
EXTREMES = {
    "empty": np.zeros((SIZE, SIZE, 3), np.float32),
    "full": np.ones((SIZE, SIZE, 3), np.float32),
    "tiny": np.full((SIZE, SIZE, 3), 1e-30, np.float32),
    "corner": np.pad(np.ones((1, 1, 3), np.float32), ((0, SIZE - 1), (0, SIZE - 1), (0, 0))),
    "random": np.random.default_rng(0).random((SIZE, SIZE, 3), np.float32),
}
family = pytest.mark.parametrize("name", FAMILY)


@functools.cache
def compiled(name):
    """A loss's value and its gradients in both pictures: one program for whatever is asked of it."""
    return jax.jit(jax.value_and_grad(FAMILY[name], argnums=(0, 1)))


def pictures(seed, size=SIZE, low=0.1):
    return jnp.asarray(np.random.default_rng(seed).uniform(low, 1, (2, size, size, 3)), jnp.float32)


def in_color(plane):
    return jnp.repeat(jnp.asarray(plane, jnp.float32)[..., None], 3, axis=-1)


@family
def test_values_and_gradients_are_finite(name):
    for picture, target in itertools.product(EXTREMES.values(), repeat=2):
        value, gradients = compiled(name)(picture, target)
        assert value.shape == () and np.isfinite(value)
        assert all(np.isfinite(gradient).all() for gradient in gradients)


@family
def test_gradients_agree_with_finite_differences(name):
    """In double precision, along some directions; one makes the picture brighter all over."""
    with jax.enable_x64(True):
        picture, target = np.float64(pictures(1))
        _, (gradient, _) = compiled(name)(picture, target)
        directions = np.random.default_rng(2).normal(size=(3, *picture.shape))
        for direction in [*directions, np.ones(picture.shape)]:
            ends = [compiled(name)(picture + step * direction, target)[0] for step in (1e-5, -1e-5)]
            np.testing.assert_allclose((gradient * direction).sum(), (ends[0] - ends[1]) / 2e-5, rtol=1e-3, atol=1e-7)


@family
def test_a_picture_is_closest_to_itself(name):
    picture, other = pictures(3)
    itself, apart = (compiled(name)(picture, target)[0] for target in (picture, other))
    assert itself < apart
    # Entropy has paint carried about even then.
    assert abs(itself) < (1.0 if name in ("transport", "canvas_transport") else 1e-6)


def test_pixel_losses():
    a, b = pictures(4)
    difference = np.float64(a) - np.float64(b)
    np.testing.assert_allclose(losses.l1(a, b), np.abs(difference).mean(), rtol=1e-5)
    np.testing.assert_allclose(losses.l2(a, b), (difference**2).mean(), rtol=1e-5)
    gray = difference.mean(axis=2)
    np.testing.assert_allclose(losses.l1(a, b, colorless=True), np.abs(gray).mean(), rtol=1e-5)
    np.testing.assert_allclose(losses.l2(a, b, colorless=True), (gray**2).mean(), rtol=1e-5)


def test_losses_of_a_canvas_are_masked_sums():
    rng = np.random.default_rng(0)
    a, b = (tuple(map(jnp.asarray, rng.uniform(size=(3, 2, 4, 4)).astype(np.float32))) for _ in range(2))
    mask = jnp.asarray(rng.integers(0, 2, (2, 4, 4)).astype(np.float32))
    difference = (np.stack(a) - np.stack(b)) * np.asarray(mask)
    np.testing.assert_allclose(losses.canvas_l1(a, b, mask=mask), np.abs(difference).sum(), rtol=1e-5)
    np.testing.assert_allclose(losses.canvas_l2(a, b, mask=mask), (difference**2).sum(), rtol=1e-5)
    for loss in (losses.canvas_l1, losses.canvas_l2):
        np.testing.assert_allclose(loss(a, b), loss(a, b, mask=jnp.ones_like(mask)), rtol=1e-6)


def shapes(size):
    """Planes that are hard to carry to each other: nothing, noise, shapes, single pixels, in the corners too."""
    y, x = np.mgrid[:size, :size] / size
    noise = np.random.default_rng(5).uniform(size=(size, size))
    made = [0 * x, 0 * x + 0.5, 0 * x + 1, 0 * x + 1e-30, noise, noise > 0.9, x, (x - 0.8) ** 2 + (y - 0.2) ** 2 < 0.01]
    corners = np.zeros((size, size))
    corners[0, 0] = corners[0, -1] = 1.0
    made += [corners, (x > 0.6) & (x < 0.9) & (y > 0.3) & (y < 0.6), (x > 0.05) & (x < 0.3) & (y > 0.4) & (y < 0.6)]
    for row, column in ((0, 0), (-1, -1), (size // 2, size // 2), (0, -1)):
        dot = np.zeros((size, size))
        dot[row, column] = 1.0
        made.append(dot)
    # The ends of both diagonals, and a few pixels anywhere, which Sinkhorn's algorithm takes long for.
    for columns in ((0, -1), (-1, 0), np.random.default_rng(1).integers(0, size, 3)):
        dots = np.zeros((size, size))
        dots[[0, -1, size // 3][: len(columns)], columns] = 1.0
        made.append(dots)
    return jnp.asarray(np.stack(made).astype(np.float32))


def distribution(plane):
    return (np.float64(plane) + 1e-3) / (np.float64(plane) + 1e-3).sum()


def smooth(scaling, epsilon):
    """The logarithm of the kernel times a scaling, which is given by its logarithm too."""
    y, x = ((np.arange(n) + 0.5) / max(scaling.shape) for n in scaling.shape)
    down, along = (-((at[:, None] - at) ** 2) / epsilon for at in (y, x))
    rows = scipy.special.logsumexp(down[:, :, None] + scaling, axis=1)
    return scipy.special.logsumexp(along + rows[:, None], axis=2)


def naive(picture, target, *, epsilon=0.01, iterations=400):
    """The cost of two planes by Sinkhorn's algorithm in the log domain and float64, from potentials of 0."""
    p, q = distribution(picture), distribution(target)
    g = np.zeros_like(q)
    for _ in range(iterations):
        f = -smooth(g + np.log(q), epsilon)
        g = -smooth(f + np.log(p), epsilon)
    return epsilon * ((f * p).sum() + (g * q).sum())


def marginal_errors(size, **options):
    """Of all pairs of shapes, three at a time, as channels."""
    planes = shapes(size)
    first, second = (np.ravel(i) for i in np.indices((len(planes), len(planes))))
    groups = np.resize(np.arange(len(first)), (-(-len(first) // 3), 3))
    stacked = tuple(jnp.moveaxis(planes[i[groups]], 1, -1) for i in (first, second))
    return jax.lax.map(lambda pair: losses.marginal_error(*pair, **options), stacked)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_the_marginal_error_is_small_for_all_pictures(size):
    assert marginal_errors(size).max() < 1e-2


@pytest.mark.parametrize("size", [16, 32, 64])
def test_a_few_iterations_leave_a_marginal_error(size, monkeypatch):
    monkeypatch.setattr(sinkhorn, "_ROUNDS", 1)
    assert marginal_errors(size, iterations=2).max() > 0.1


@pytest.mark.parametrize("pair", [(4, 10), (11, 12), (0, 13), (5, 9)], ids=["noise", "corners", "empty", "shapes"])
@pytest.mark.parametrize("size", [(16, 16), (12, 20)], ids=str)
def test_transport_agrees_with_the_log_domain(pair, size):
    """Converged, in float64; also of a picture that is not square."""
    a, b = (plane[: size[0], : size[1]] for plane in shapes(max(size))[jnp.array(pair)])
    ours = transport(in_color(a), in_color(b))
    np.testing.assert_allclose(ours, naive(a, b), atol=1e-3)


def test_transport_agrees_with_ott():
    """Its Grid in the log domain, until it has converged."""
    a, b = shapes(SIZE)[jnp.array([5, 9])]
    p, q = (jnp.asarray(distribution(plane).ravel(), jnp.float32) for plane in (a, b))
    with jax.numpy_rank_promotion("allow"):
        geometry = grid.Grid(x=[(jnp.arange(SIZE) + 0.5) / SIZE] * 2, epsilon=0.01)
        out = linear.solve(geometry, p, q, threshold=1e-4, max_iterations=2000)
    assert out.converged
    # ott penalises the plan's entropy, not that relative to the marginals'.
    entropy = sum(scipy.special.entr(np.float64(marginal)).sum() for marginal in (p, q))
    expected = jnp.vdot(out.f, p) + jnp.vdot(out.g, q) + 0.01 * entropy
    np.testing.assert_allclose(transport(in_color(a), in_color(b)), expected, atol=1e-3)


def test_transport_agrees_with_scipy():
    """Its dual, maximised by L-BFGS instead of Sinkhorn's algorithm, on few pixels."""
    a, b = pictures(6, size=4)
    at = (np.stack(np.mgrid[:4, :4], axis=-1).reshape(-1, 2) + 0.5) / 4
    cost = ((at[:, None] - at[None]) ** 2).sum(axis=-1)

    def maximum(p, q):
        def negative(potentials):
            f, g = np.split(potentials, 2)
            plan = p[:, None] * q * np.exp((f[:, None] + g - cost) / 0.01)
            value = f @ p + g @ q - 0.01 * (plan.sum() - 1)
            return -value, np.concatenate([plan.sum(axis=1) - p, plan.sum(axis=0) - q])

        return -scipy.optimize.minimize(negative, np.zeros(32), jac=True, method="L-BFGS-B", tol=1e-12).fun

    planes = zip(np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0), strict=True)
    expected = np.mean([maximum(distribution(p).ravel(), distribution(q).ravel()) for p, q in planes])
    np.testing.assert_allclose(transport(a, b), expected, atol=1e-5)


def test_transport_approaches_the_exact_cost():
    """A linear programme over all plans, on few pixels; a small ε leaves little of the entropy."""
    a, b = pictures(6, size=4)
    y, x = (np.mgrid[:4, :4] + 0.5) / 4
    at = np.stack([x.ravel(), y.ravel()], axis=1)
    cost = ((at[:, None] - at[None]) ** 2).sum(axis=-1).ravel()
    sums = np.concatenate([np.kron(np.eye(16), np.ones(16)), np.kron(np.ones(16), np.eye(16))])
    exact = np.mean(
        [
            scipy.optimize.linprog(cost, A_eq=sums, b_eq=np.r_[distribution(p).ravel(), distribution(q).ravel()]).fun
            for p, q in zip(np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0), strict=True)
        ]
    )
    costs = [transport(a, b, epsilon=epsilon, iterations=500) for epsilon in (0.02, 0.015, 0.01)]
    assert exact < costs[2] < costs[1] < costs[0] < exact + 0.05


def test_transport_of_dots_is_their_squared_distance():
    """Up to the floor's mass, which is carried too."""
    dot, near, far = (in_color(jnp.zeros((SIZE, SIZE)).at[4, x].set(1000.0)) for x in (4, 6, 12))
    costs = [float(transport(dot, other)) for other in (dot, near, far)]
    np.testing.assert_allclose(costs, [0, (2 / SIZE) ** 2, (8 / SIZE) ** 2], atol=0.01)
    debiased = [float(compiled("transport debiased")(dot, other)[0]) for other in (dot, near, far)]
    np.testing.assert_allclose(debiased, [0, (2 / SIZE) ** 2, (8 / SIZE) ** 2], atol=2e-3)


def test_debiased_transport_is_the_sinkhorn_divergence():
    a, b = shapes(SIZE)[jnp.array([4, 9])]
    expected = naive(a, b) - (naive(a, a) + naive(b, b)) / 2
    value, _ = compiled("transport debiased")(in_color(a), in_color(b))
    np.testing.assert_allclose(value, expected, atol=1e-3)


def test_transport_of_a_canvas_is_a_sum_over_the_pixels_of_a_mask():
    canvas, target = map(tuple, jnp.asarray(np.random.default_rng(6).random((2, 3, 2, 8, 8), np.float32)))
    each = np.array(
        [[naive(a, b) for a, b in zip(*planes, strict=True)] for planes in zip(canvas, target, strict=True)]
    )
    ours = jax.jit(lambda a, b, mask: losses.canvas_transport(a, b, mask=mask))
    np.testing.assert_allclose(ours(canvas, target, None), 64 * each.sum(), rtol=1e-3)
    mask = jnp.ones((2, 8, 8)).at[1, 2:].set(0.0)
    np.testing.assert_allclose(ours(canvas, target, mask), (each.sum(axis=0) * (64, 16)).sum(), rtol=1e-3)


def test_transport_refuses_no_iterations():
    with pytest.raises(ValueError, match="at least 1 iteration, not 0"):
        losses.transport(*pictures(7), iterations=0)


def test_a_stroke_that_does_not_overlap_its_target():
    """The report's figures 4 to 6: under L1 it stays, under transport it arrives."""
    render = engine(BRUSHES["rectangle"], 32)
    stroke = jnp.array([0.25, 0.5, 0.3, 0.3, 0.0, 1.0, 1.0, 1.0, 1.0])

    def draw(x):
        return in_color(render(stroke.at[0].set(x)).alpha[0])

    target = draw(0.75)
    assert abs(jax.grad(lambda x: losses.l1(draw(x), target))(0.25)) < 1e-6
    slope = jax.jit(jax.grad(lambda x: transport(draw(x), target)))
    assert slope(0.25) < 0 < slope(0.9)
    x = jnp.array(0.25)
    for _ in range(12):
        x = x - 0.5 * slope(x)
    assert abs(x - 0.75) < 0.03


def naive_laplacian(maps):
    """Of one channel after the other; "nearest" goes on with what is at the edge."""
    kernel = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    return np.stack([scipy.ndimage.convolve(plane, kernel, mode="nearest") for plane in np.moveaxis(maps, -1, 0)], -1)


def test_laplacian_of_pictures():
    """The channels' Laplacians are added up."""
    a, b = np.float64(pictures(8, size=24))
    expected = 0.0
    for cell in (2, 4):
        small = [p.reshape(24 // cell, cell, 24 // cell, cell, 3).mean(axis=(1, 3)) for p in (a, b)]
        seen = [naive_laplacian(p).sum(axis=-1) for p in small]
        expected += ((seen[0] - seen[1]) ** 2).mean()
    ours = losses.laplacian(jnp.float32(a), jnp.float32(b), poolings=(2, 4))
    np.testing.assert_allclose(ours, expected, rtol=1e-4)


def test_laplacian_of_any_size_sees_no_brightness():
    a, b = (picture[:7, :13] for picture in pictures(9))
    assert losses.laplacian(a, b, poolings=(4,)) > 1e-4
    np.testing.assert_allclose(losses.laplacian(a, a + 0.3, poolings=(1, 4, 16)), 0.0, atol=1e-9)
    with pytest.raises(ValueError, match="poolings of 1 pixel or more"):
        losses.laplacian(a, b, poolings=(0,))


def maps(seed, sizes=((6, 5, 3), (3, 4, 7))):
    rng = np.random.default_rng(seed)
    return {str(i): jnp.asarray(np.maximum(rng.normal(0.3, 2, size), 0), jnp.float32) for i, size in enumerate(sizes)}


def in_units(features, reference):
    units = {name: np.sqrt((np.float64(value) ** 2).mean()) for name, value in reference.items()}
    return [(np.float64(features[name]) / unit, np.float64(reference[name]) / unit) for name, unit in units.items()]


def test_content_and_laplacian_of_features():
    a, b = maps(0), maps(1)
    content = sum(((x - y) ** 2).mean() for x, y in in_units(a, b))
    np.testing.assert_allclose(losses.content(a, b), content, rtol=1e-5)
    laplacian = sum(((naive_laplacian(x) - naive_laplacian(y)) ** 2).mean() for x, y in in_units(a, b))
    np.testing.assert_allclose(losses.feature_laplacian(a, b), laplacian, rtol=1e-5)


def naive_gram(values, shares):
    return sum(share * np.outer(value, value) for value, share in zip(values, shares, strict=True))


def test_gram():
    """The style's picture may be of another size; a weight counts pixels more or less."""
    a, b = maps(0), maps(1, sizes=((4, 4, 3), (5, 2, 7)))
    weight = jnp.asarray(np.random.default_rng(2).random((6, 5), np.float32))
    for chosen in (None, weight):
        expected = 0.0
        for x, y in in_units({"0": a["0"]}, {"0": b["0"]}):
            shares = np.full(30, 1 / 30) if chosen is None else np.asarray(chosen).ravel() / chosen.sum()
            wanted = naive_gram(y.reshape(-1, 3), np.full(16, 1 / 16))
            expected += ((naive_gram(x.reshape(-1, 3), shares) - wanted) ** 2).sum() / (wanted**2).sum()
        ours = losses.gram({"0": a["0"]}, {"0": b["0"]}, weight=chosen)
        np.testing.assert_allclose(ours, expected, rtol=1e-4)
    each = [losses.gram({name: a[name]}, {name: b[name]}) for name in a]
    np.testing.assert_allclose(losses.gram(a, b), sum(each), rtol=1e-5)


def test_moments():
    """Of every channel, by their definition."""
    a, b = maps(0), maps(1, sizes=((4, 4, 3), (5, 2, 7)))
    for order in (1, 2, 5):
        expected = 0.0
        for x, y in in_units(a, b):
            seen = [scipy.special.expit(v).reshape(-1, v.shape[-1]) for v in (x, y)]
            means = [v.mean(axis=0) for v in seen]
            distances = [means[0] - means[1]]
            for k in range(2, order + 1):
                central = [((v - mean) ** k).mean(axis=0) for v, mean in zip(seen, means, strict=True)]
                distances.append(central[0] - central[1])
            expected += sum(np.sqrt((d**2).mean()) for d in distances)
        np.testing.assert_allclose(losses.moments(a, b, order=order), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="order 1 at least, not 0"):
        losses.moments(a, b, order=0)


def test_moments_tell_apart_what_gram_matrices_cannot():
    """Two distributions of one channel with the same second moment."""
    a = {"0": jnp.array([1.0, 7.0] * 8).reshape(4, 4, 1)}
    b = {"0": jnp.full((4, 4, 1), 5.0)}
    assert losses.gram(a, b) < 1e-9 < 0.05 < losses.moments(a, b)


@pytest.mark.parametrize("loss", [losses.gram, losses.moments])
def test_a_weight_confines_a_style_to_a_region(loss):
    """Outside nothing matters, also where the weight has another resolution than the maps."""
    a, b = maps(3, sizes=((8, 8, 3),)), maps(4, sizes=((8, 8, 3),))
    half = jnp.zeros((8, 8)).at[:, :4].set(1.0)
    cropped = {"0": a["0"][:, :4]}
    np.testing.assert_allclose(loss(a, b, weight=half), loss(cropped, b), rtol=1e-5)
    gradient = jax.grad(lambda a: loss(a, b, weight=half))(a)["0"]
    assert np.abs(gradient[:, :4]).max() > 0 and not gradient[:, 4:].any()
    large = jnp.zeros((32, 32)).at[:, :16].set(1.0)
    gradient = jax.grad(lambda a: loss(a, b, weight=large))(a)["0"]
    assert np.abs(gradient[:, :4]).max() > 0 and not gradient[:, 5:].any()
    assert np.isfinite(loss(a, b, weight=jnp.zeros((8, 8))))


@pytest.mark.parametrize("loss", [losses.content, losses.feature_laplacian, losses.gram, losses.moments])
def test_losses_of_features_do_not_depend_on_their_scale(loss):
    a, b = maps(0), maps(1)
    scaled = [
        {name: factor * value for (name, value), factor in zip(f.items(), (300, 0.1), strict=True)} for f in (a, b)
    ]
    np.testing.assert_allclose(loss(*scaled), loss(a, b), rtol=1e-3)


@pytest.mark.parametrize("loss", [losses.content, losses.feature_laplacian, losses.gram, losses.moments])
def test_features_of_other_layers_are_refused(loss):
    a = maps(0)
    with pytest.raises(ValueError, match="same layers, got 0, 1 and 0"):
        loss(a, {"0": a["0"]})
    with pytest.raises(ValueError, match="same layers, got none and none"):
        loss({}, {})
