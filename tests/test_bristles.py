"""Strokes of oil paint: outline, streaks, ridges; no two alike, and each always the same."""

import jax.numpy as jnp
import numpy as np
import pytest
from strokes import FLAT, SMOOTH, TEXTURED, draw

from jaxpaint.brushes import BRUSHES, Look, bristles, from_window, to_window

SIZE = 128
GRAINED = [name for name, brush in BRUSHES.items() if brush.grained]
OIL = BRUSHES["oilpaintbrush"]


def drawn(name, strokes, size=SIZE, look=TEXTURED):
    """Foreground `[n, S, S, 3]`, alpha and height `[n, S, S]`."""
    foreground, (alpha,), height, _ = draw(name, strokes, size=size, look=look)
    return np.stack(foreground, axis=-1), alpha, height[0] if height else None


def straight(name, *, grain, heading=0.0, color=1.0, length=0.8, width=0.3):
    """Strokes through the middle of the picture, one for each grain."""
    n = len(grain)
    parts = np.full((n, 2), 0.5), np.full(n, heading), np.full(n, length), np.full(n, width), np.full((n, 3), color)
    return BRUSHES[name].lay(*(np.asarray(part, np.float32) for part in parts), np.asarray(grain, np.float32))


@pytest.mark.parametrize("name", GRAINED)
def test_no_two_strokes_are_alike_and_the_same_stroke_is_the_same_twice(name):
    grains = np.random.default_rng(0).uniform(size=8)
    strokes = straight(name, grain=[*grains, *grains])
    _, alpha, height = drawn(name, strokes)
    for planes in (alpha, height * alpha):
        np.testing.assert_array_equal(planes[:8], planes[8:])
        apart = np.abs(planes[:8, None] - planes[None, :8]).mean(axis=(2, 3)) / planes[:8].mean()
        assert apart[~np.eye(8, dtype=bool)].min() > 0.03


@pytest.mark.parametrize("name", GRAINED)
def test_a_stroke_is_the_same_in_every_window(name):
    """What tells strokes apart is their grain, not where or how large they are: else walls look like brickwork."""
    brush = BRUSHES[name]
    stroke = straight(name, grain=[0.37], heading=0.4, length=0.5, width=0.2)
    origin, side = np.float32([0.25, 0.25]), 0.5
    whole = drawn(name, stroke, size=2 * SIZE)
    window = drawn(name, to_window(brush, stroke, origin, side))
    np.testing.assert_allclose(
        from_window(brush, to_window(brush, stroke, origin, side), origin, side), stroke, atol=1e-6
    )
    inside = slice(SIZE // 2, 3 * SIZE // 2)
    for one, other in zip(whole, window, strict=True):
        assert np.abs(one[0, inside, inside] - other[0]).mean() < 2e-3


@pytest.mark.parametrize("name", GRAINED)
def test_white_is_white(name):
    """Paint of 1.0 is seen as 0.98 or more, and colour carries little of the texture."""
    grains = np.random.default_rng(1).uniform(size=64)
    for look in (TEXTURED, FLAT):
        foreground, alpha, _ = drawn(name, straight(name, grain=grains), look=look)
        inside = foreground[alpha > 0.99]
        assert inside.mean() >= 0.98 and inside.std() <= 0.05


@pytest.mark.parametrize("name", GRAINED)
def test_starts_are_rounded_and_ends_run_dry(name):
    """Of strokes along x: at the start the middle is first, at the end bristles end one by one."""
    grains = np.random.default_rng(2).uniform(size=64)
    _, alpha, _ = drawn(name, straight(name, grain=grains))
    if name == "oilpaintbrush":  # Its start is at the top, which a heading of 0 turns to the right.
        alpha = alpha[:, :, ::-1]
    rows = slice(SIZE // 2 - 16, SIZE // 2 + 16)
    first = (alpha[:, rows] > 0.5).argmax(axis=2)
    last = (alpha[:, rows, ::-1] > 0.5).argmax(axis=2)
    middle, sides = first[:, 12:20].mean(), first[:, [0, 1, -2, -1]].mean()
    assert sides - middle > 2
    # Raggedness from one row of pixels to the next.
    assert np.abs(np.diff(last, axis=1)).mean() > 1.5 * np.abs(np.diff(first, axis=1)).mean()


@pytest.mark.parametrize("name", GRAINED)
def test_contrast_goes_from_the_plain_silhouette_to_the_texture(name):
    strokes = straight(name, grain=[0.2, 0.7])
    looks = [drawn(name, strokes, look=look) for look in (SMOOTH, Look(contrast=0.5), TEXTURED)]
    covered = [alpha.mean() for _, alpha, _ in looks]
    assert covered[0] > covered[1] > covered[2] > 0.75 * covered[0]
    assert (looks[0][0][looks[0][1] > 0.99] == 1).all()


@pytest.mark.parametrize("name", GRAINED)
def test_paint_with_little_texture_is_smooth_as_from_a_knife(name):
    # Away from the sides, where a knife leaves paint, too.
    strokes, middle = straight(name, grain=np.linspace(0.1, 0.9, 8)), slice(56, 72)
    smooth, ridged = (
        drawn(name, strokes, look=look)[2][:, middle, middle].std(axis=(1, 2)).mean()
        for look in (Look(contrast=0.2, height=True), TEXTURED)
    )
    assert smooth < 0.4 * ridged


@pytest.mark.parametrize("name", GRAINED)
def test_streaks_are_of_unmixed_pigment(name):
    """Of white paint: within a stroke, red, green and blue do not all rise and fall alike; on average it is white."""
    foreground, alpha, _ = drawn(name, straight(name, grain=np.linspace(0.03, 0.97, 24)))
    apart = [np.ptp(colors[full].std(axis=0)) for colors, full in zip(foreground, alpha > 0.99, strict=True)]
    assert np.median(apart) > 2e-3
    mean = np.array([colors[full].mean(axis=0) for colors, full in zip(foreground, alpha > 0.99, strict=True)])
    assert mean.mean() > 0.97 and np.ptp(mean.mean(axis=0)) < 0.01


def test_streaks_run_along_the_longer_side():
    foreground, _, height = drawn("oilpaintbrush", straight("oilpaintbrush", grain=np.linspace(0, 1, 16)))
    middle = height[:, 48:80, 48:80]
    across, along = (np.abs(np.diff(middle, axis=axis)).mean() for axis in (1, 2))
    assert across > 3 * along


def test_a_lying_stroke_is_a_standing_one_turned_by_a_quarter():
    standing = np.float32([0.5, 0.5, 0.3, 0.75, 0.0] + [1.0] * 6 + [0.3])
    lying = standing[[0, 1, 3, 2, *range(4, 12)]]
    turned = np.concatenate([standing[:4], [0.5], standing[5:]])
    _, alpha, height = drawn("oilpaintbrush", [standing, lying, turned])
    for planes in (alpha, height * alpha):
        np.testing.assert_allclose(planes[1], planes[2], atol=3e-3)
        np.testing.assert_allclose(planes[1], np.rot90(planes[0], -1), atol=3e-3)


def test_what_is_finer_than_a_pixel_fades_to_its_average():
    at = np.linspace(0, 1, 201, dtype=np.float32)
    along, s = jnp.meshgrid(3 * at, at - 0.5)
    fine, coarse = (
        bristles.bristles(s, along, 3 - along, jnp.float32(0.3), jnp.float32(footprint), 1.0, jnp.float32(0))
        for footprint in (1e-3, 3.0)
    )
    assert np.std(fine.streak) > 0.15 and np.ptp(coarse.streak) < 1e-3
    assert abs(np.mean(fine.streak) - np.mean(coarse.streak)) < 0.05
    for name in ("inside", "inset"):
        assert abs(np.mean(getattr(fine, name) - getattr(coarse, name))) < 0.02
    assert np.min(fine.inset) >= 0 and np.all(fine.inside <= jnp.minimum(along, 3 - along))


@pytest.mark.parametrize("name", GRAINED)
def test_paint_is_pushed_to_the_sides_and_to_the_end(name):
    """Mean heights of many strokes along x, by how far they are from the middle."""
    grains = np.random.default_rng(3).uniform(size=64)
    _, alpha, height = drawn(name, straight(name, grain=grains))
    if name == "oilpaintbrush":
        alpha, height = alpha[:, :, ::-1], height[:, :, ::-1]
    columns = slice(48, 80)
    profile = (height * alpha)[:, :, columns].sum(axis=(0, 2)) / alpha[:, :, columns].sum(axis=(0, 2)).clip(1e-3)
    middle, half = SIZE // 2, int(0.15 * SIZE)
    assert profile[middle - half + 2 : middle - half + 6].max() > 1.08 * profile[middle - 5 : middle + 5].mean()
    way = (height * alpha)[:, middle - 10 : middle + 10].sum(axis=(0, 1))
    way /= alpha[:, middle - 10 : middle + 10].sum(axis=(0, 1)).clip(1e-3)
    end = int(0.9 * SIZE)
    assert way[end - 24 : end - 4].max() > 1.1 * way[SIZE // 2 - 10 : SIZE // 2 + 10].mean()
