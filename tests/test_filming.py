"""Painting videos: strokes that go with what they show, cuts, going on, the report's own methods."""

import dataclasses
import itertools
import math

import jax
import numpy as np
import pytest
from filmed import scene
from small import stripes

import jaxpaint
from jaxpaint import drawing, optimize, styling
from jaxpaint.brushes import BRUSHES
from jaxpaint.optimize import densify, initialize
from jaxpaint.painter import prepared
from jaxpaint.pictures import resize
from jaxpaint.problem import Fit
from jaxpaint.settings import FilmSettings, StyleSettings
from jaxpaint.types import Style
from jaxpaint.video import frames, painter

KEY = jax.random.key(5)
SMALL = FilmSettings(brush="rectangle", strokes=60, steps=40, size=64, textured=False, frame_steps=20)
CURVES = dataclasses.replace(SMALL, brush="watercolor", strokes=40, steps=24)


def filmed(pictures, settings=SMALL, **options):
    return list(painter.film(pictures, key=KEY, settings=settings, **options))


def drawn(state, settings=SMALL, shape=(48, 64)):
    """A frame in dry paint, as fits draw it."""
    return drawing.draw_flat(drawing.relit(frames.painting_of(state.frame, settings, shape), {"wet": 0.0}))


@pytest.fixture(scope="module")
def pictures():
    return list(scene(6))


@pytest.fixture(scope="module")
def film(pictures):
    return filmed(pictures)


def test_every_frame_has_its_budget_and_looks_like_its_source(film, pictures):
    assert [state.frame.number for state, _ in film] == list(range(6))
    for (state, facts), picture in zip(film, pictures, strict=True):
        frame = state.frame
        assert frame.strokes.shape == (60, 9) and len(set(frame.ids.tolist())) == 60
        assert frame.strokes.min() >= 0 and frame.strokes.max() <= 1
        squared = np.mean((drawn(state) - picture) ** 2)
        assert facts.psnr == pytest.approx(-10 * np.log10(squared), abs=1e-3)
        assert facts.psnr > film[0][1].psnr - 1.0 and facts.seconds > 0


def test_strokes_go_with_what_they_show(film):
    """Those on the square with the square; those elsewhere stay exactly where they are, but for a few."""
    brush = BRUSHES[SMALL.brush]
    (first, _), (last, facts) = film[1], film[5]
    _, here, there = np.intersect1d(first.frame.ids, last.frame.ids, return_indices=True)
    assert len(here) > 0.9 * 60 and facts.survived > 0.95
    before, after = (brush.middle(s.frame.strokes[at]) * 64 for s, at in ((first, here), (last, there)))
    width = first.frame.strokes[here][:, brush.index("size")].max(axis=1) * 64
    on_square = (np.abs(before - [18, 24]) < 6).all(axis=1) & (width < 12)
    # The square's edge comes to 34.
    far = before[:, 0] > 50
    assert on_square.sum() >= 2 and far.sum() >= 5
    way = after - before
    np.testing.assert_allclose(np.median(way[on_square], axis=0), [8, 0], atol=2.5)
    assert (way[far] == 0).all(axis=1).mean() > 0.7


def test_a_frame_gets_more_steps_where_it_is_painted_anew_and_the_fewer_strokes_move(film, pictures, monkeypatch):
    """At last with the texture; half of the strokes or more are frozen here, so that there are twice as many."""
    taken = []

    def spied(model, strokes, state, problem, *, rates, **_):
        bounds, springs = problem.bounds, problem.springs
        # A painting's own stages have no springs, and candidates for new strokes are tried without.
        if springs is not None and springs.stiffness.any():
            taken.append((model.flat, len(rates), float((bounds.low == bounds.high).all(axis=-1).mean())))
        # Nothing is fitted: a program of textured strokes takes long to compile.
        return strokes, state, Fit(0.0, 0.0)

    monkeypatch.setattr(optimize, "descend", spied)
    filmed(pictures[2:4], dataclasses.replace(CURVES, textured=True))
    flats = [flat for flat, steps, _ in taken for _ in range(steps)]
    third, frozen = math.ceil(len(flats) / 3), taken[0][2]
    assert frozen > 0 and len(flats) == round(SMALL.frame_steps * min(2, 1 / (1 - frozen)))
    assert flats == [True] * (len(flats) - third) + [False] * third and third > 0
    steps = [int(state.plain.optimizer.count) for state, _ in film]
    assert steps[0] == 8 * SMALL.frame_steps
    assert all(SMALL.frame_steps <= number <= 2 * SMALL.frame_steps for number in np.diff(steps))


def test_candidates_for_new_strokes_are_fitted_before_they_compete(film, pictures, monkeypatch):
    """To what the others leave wrong: at first many of them are worth nothing, or less."""
    place, worth, laid, competing = initialize.place, optimize.leave_one_out_gains, [], []

    def placed(*args, **options):
        laid.append(place(*args, **options))
        return laid[-1]

    def valued(model, strokes, problem):
        competing.append((model, strokes, problem))
        return worth(model, strokes, problem)

    monkeypatch.setattr("jaxpaint.painter.place", placed)
    monkeypatch.setattr(densify, "leave_one_out_gains", valued)
    filmed(pictures[2:4], dataclasses.replace(SMALL, renewed=0.2), resume=film[2][0])
    ((untried,), ((model, every, problem),)) = laid, competing
    assert len(untried) == 12 and len(every) == 72
    before = worth(model, np.concatenate([every[:60], untried]), problem)[60:]
    after = worth(model, every, problem)[60:]
    assert after.sum() > before.sum() + 0.5 * np.abs(before).sum()
    assert (after > 0).mean() > max(0.8, (before > 0).mean())


def test_the_first_frame_is_renewed_each_time_it_is_mended(pictures, monkeypatch):
    renewed, canvases = optimize.compete, []

    def spied(model, strokes, candidates, canvas, problem, **options):
        # A painting's own rounds have no springs.
        if problem.springs is not None:
            canvases.append(canvas)
        return renewed(model, strokes, candidates, canvas, problem, **options)

    monkeypatch.setattr(optimize, "compete", spied)
    filmed(pictures[:1])
    errors = [np.mean((canvas - pictures[0]) ** 2) for canvas in canvases]
    assert len(errors) == 8 and errors[-1] < 0.9 * errors[0]


def test_order_is_kept(film):
    for (earlier, _), (later, _) in itertools.pairwise(film):
        place = {number: i for i, number in enumerate(earlier.frame.ids.tolist())}
        kept = [place[number] for number in later.frame.ids.tolist() if number in place]
        assert kept == sorted(kept)
        # New ones lie on top, and their numbers were never used.
        new = [number not in place for number in later.frame.ids.tolist()]
        assert new == sorted(new)
        assert all(number >= earlier.made for number in later.frame.ids[np.array(new)])


def test_persistent_strokes_are_steadier_than_frames_painted_apart(film, pictures):
    apart = filmed(pictures[:3], dataclasses.replace(SMALL, method="independent"))
    still = np.s_[:, 52:]

    def change(states):
        return np.mean([np.abs(drawn(a) - drawn(b))[still].mean() for (a, _), (b, _) in itertools.pairwise(states)])

    assert change(film) < 0.1 * change(apart)


def test_going_on_equals_never_having_stopped(film, pictures):
    rest = filmed(pictures[2:], resume=film[2][0])
    for (expected, _), (state, _) in zip(film[3:], rest, strict=True):
        np.testing.assert_array_equal(state.frame.strokes, expected.frame.strokes)
        np.testing.assert_array_equal(state.frame.ids, expected.frame.ids)
        assert state.made == expected.made


def test_a_cut_is_keyframe(film, pictures):
    states = [*film[:2], *filmed([pictures[1], *scene(2, seed=9)], resume=film[1][0])]
    assert [state.frame.keyframe for state, _ in states] == [True, False, True, False]
    assert not set(states[2][0].frame.ids.tolist()) & set(states[1][0].frame.ids.tolist())
    assert np.isnan(states[2][1].survived)


def test_strokes_that_leave_are_replaced_unless_much_of_them_is_seen():
    """The ground moves under the frame; the budget stays."""
    wide = resize(np.random.default_rng(5).uniform(0, 1, (6, 16, 3)).astype(np.float32), (48, 128))
    states = filmed([wide[:, 4 * i : 4 * i + 64] for i in range(8)])
    brush = BRUSHES[SMALL.brush]
    for state, facts in states:
        assert len(state.frame.strokes) == 60
        assert brush.middle(state.frame.strokes)[:, 0].min() >= 0 and facts.psnr > 17
    kept = []
    for (earlier, _), (later, _) in itertools.pairwise(states):
        leaves = brush.middle(earlier.frame.strokes)[:, 0] * 64 < 2
        kept += np.isin(earlier.frame.ids[leaves], later.frame.ids).tolist()
    assert 0 < sum(kept) < len(kept)
    assert all(facts.survived < 1 for _, facts in states[1:])


def test_nothing_moves_where_nothing_happens():
    picture = next(scene(1))
    (first, _), (second, facts) = filmed([picture, picture])
    kept = np.isin(second.frame.ids, first.frame.ids)
    order = {number: i for i, number in enumerate(first.frame.ids.tolist())}
    same = first.frame.strokes[[order[number] for number in second.frame.ids[kept].tolist()]]
    np.testing.assert_array_equal(second.frame.strokes[kept], same)
    assert facts.survived > 0.95


def test_curves(pictures):
    states = filmed(pictures[:3], CURVES)
    assert all(len(state.frame.strokes) == 40 and facts.psnr > 10 for state, facts in states)
    assert states[-1][1].survived > 0.9


def test_fixed_seed(pictures):
    settings = dataclasses.replace(SMALL, method="independent", steps=12)
    fixed = dataclasses.replace(settings, fixed_seed=True)
    same = [pictures[0]] * 2
    (first, _), (second, _) = filmed(same, fixed)
    np.testing.assert_array_equal(first.frame.strokes, second.frame.strokes)
    (first, _), (second, facts) = filmed(same, settings)
    assert np.abs(first.frame.strokes - second.frame.strokes).mean() > 0.01
    assert not set(first.frame.ids.tolist()) & set(second.frame.ids.tolist()) and np.isnan(facts.survived)


def test_previous_draws_nearer_to_the_frame_before(pictures):
    """The fit is to what two squared differences together want."""
    black, white = np.zeros((48, 64, 3), np.float32), np.ones((48, 64, 3), np.float32)
    for nearness, expected in ((0.0, 1.0), (1.0, 0.5)):
        settings = dataclasses.replace(SMALL, method="previous", nearness=nearness, steps=24)
        (_, _), (second, _) = filmed([black, white], settings)
        assert drawn(second, settings).mean() == pytest.approx(expected, abs=0.1)


SHALLOW = StyleSettings(style=10.0, steps=24, vgg_size=48, style_layers="relu1_1,relu2_1", content_layers="relu2_1")


@pytest.fixture(scope="module")
def styled(pictures):
    return filmed(pictures[:4], style=Style([stripes()], SHALLOW))


def test_a_style_goes_along(styled, film, pictures):
    """Colours of the style from the first frame to the last; steady where nothing moves; beneath, the same film."""
    looks, target = [drawn(state) for state, _ in styled], stripes().mean(axis=(0, 1))
    for (state, facts), (plain, plain_facts), look in zip(styled, film, looks, strict=False):
        np.testing.assert_array_equal(state.plain.strokes, plain.plain.strokes)
        np.testing.assert_array_equal(state.ids, plain.ids)
        assert facts.psnr == plain_facts.psnr
        before = np.abs(drawn(plain).mean(axis=(0, 1)) - target).mean()
        assert np.abs(look.mean(axis=(0, 1)) - target).mean() < 0.8 * before
    still = np.s_[:, 56:]
    change = np.mean([np.abs(a - b)[still].mean() for a, b in itertools.pairwise(looks)])
    assert change < 0.1 * np.abs(looks[0] - drawn(film[0][0]))[still].mean()


def test_a_styled_film_goes_on_too(styled, pictures):
    rest = filmed(pictures[1:4], style=Style([stripes()], SHALLOW), resume=styled[1][0])
    np.testing.assert_array_equal(rest[-1][0].styled.strokes, styled[-1][0].styled.strokes)


def test_colours_alone_are_styled(pictures):
    colors_alone = dataclasses.replace(SHALLOW, mode="color")
    color = BRUSHES[SMALL.brush].mask("color")
    styling._features.cache_clear()
    for state, _ in filmed(pictures[:2], style=Style([stripes()], colors_alone)):
        plain, seen = state.plain.strokes, state.frame.strokes
        np.testing.assert_array_equal(plain[:, ~color], seen[:, ~color])
        assert np.abs(plain - seen)[:, color].mean() > 0.05
    # The network looks at the style picture once, not in every frame.
    assert styling._features.cache_info()[:2] == (1, 1)


def test_strokes_of_a_styled_film_keep_their_colours(pictures):
    brush, keeping = BRUSHES[SMALL.brush], dataclasses.replace(SHALLOW, color="keep")
    for state, _ in filmed(pictures[:2], style=Style([stripes()], keeping)):
        plain, seen = (each[:, brush.index("color")] for each in (state.plain.strokes, state.frame.strokes))
        hues = [colors - (colors @ [0.2126, 0.7152, 0.0722])[:, None] for colors in (plain, seen)]
        # Those at rest stay as they are.
        moved = (state.frame.strokes != state.plain.strokes).any(axis=1)
        np.testing.assert_allclose(hues[0][moved], hues[1][moved], atol=1e-5)
        assert np.abs(plain - seen).mean() > 0.02


@pytest.mark.usefixtures("unchecked")
def test_a_style_is_checked_and_compared_by_its_contents():
    assert Style([stripes()], SHALLOW) == Style((stripes(),), SHALLOW) != Style([stripes()])
    assert Style([stripes()]) != Style([1 - stripes()])
    for pictures, settings, expected in (
        ([], SHALLOW, "expected a style picture, got none"),
        (stripes(), SHALLOW, "expected style pictures in a list, got ndarray of shape"),
        ([stripes()], {}, "expected settings as StyleSettings, got dict"),
        ([stripes()], StyleSettings(style_weights="1,2"), "expected 1 numbers of 0 or more"),
    ):
        with pytest.raises((ValueError, TypeError), match=expected):
            Style(pictures, settings)


@pytest.mark.usefixtures("unchecked")
def test_bad_frames_are_refused(pictures):
    with pytest.raises(ValueError, match="values in"):
        filmed([255 * pictures[0]])
    with pytest.raises(ValueError, match="expected frames of 64 × 48"):
        filmed([pictures[0], pictures[0][:, :32]], dataclasses.replace(SMALL, steps=2, method="independent"))
    for options, expected in (
        ({"settings": {}}, "expected settings as FilmSettings, got dict"),
        ({"style": pictures[0]}, "expected a style as jaxpaint.Style, got ndarray of shape"),
        ({"resume": "a.film"}, "expected a state to go on from, got str"),
        ({"first": -1}, "expected the number of the first frame, a whole number from 0 to 1000000000, got -1"),
        (
            {"frames": pictures[0]},
            r"expected frames one after the other, got one picture, ndarray of shape \(48, 64, 3\)",
        ),
    ):
        with pytest.raises((ValueError, TypeError), match=expected):
            next(jaxpaint.film(**({"frames": pictures, "key": 0, "settings": SMALL} | options)))
    with pytest.raises(ValueError, match="only with method persistent"):
        FilmSettings(method="independent", interpolate=True)


def test_a_frame_in_one_ink_is_the_painting_in_that_ink(pictures):
    """The picture is turned into shades once, not once for the film and again for the painting."""
    settings = dataclasses.replace(SMALL, method="independent", fixed_seed=True, steps=12, ink="0.1,0.1,0.1")
    [(state, facts)] = filmed(pictures[:1], settings)
    whole = jaxpaint.paint(pictures[0], key=KEY, settings=settings.painting)
    np.testing.assert_array_equal(state.frame.strokes, whole.strokes)
    shades = prepared(settings, pictures[0])
    assert facts.psnr == pytest.approx(-10 * np.log10(np.mean((drawn(state, settings) - shades) ** 2)), abs=1e-3)


def test_strokes_keep_within_their_greatest_length_in_every_frame(pictures):
    settings = dataclasses.replace(SMALL, max_aspect=2.0)
    for state, _ in filmed(pictures[:3], settings):
        sides = state.frame.strokes[:, 2:4] + BRUSHES[SMALL.brush].hair
        assert (sides.max(axis=1) / sides.min(axis=1)).max() <= 2.001


def test_a_map_says_where_details_matter(pictures):
    """One map for all frames, and a map for each, as arrays that are as large as they like."""
    settings, sides = dataclasses.replace(SMALL, frame_steps=12), np.zeros((2, 6, 8), np.float32)
    sides[0, :, :4] = sides[1, :, 4:] = 1.0
    films = [filmed(pictures[:4], settings, detail=each) for each in (sides[0], sides[1], [*sides[:1]] * 4)]
    errors = [
        [np.mean((drawn(state) - picture)[:, :32] ** 2) for (state, _), picture in zip(film, pictures, strict=False)]
        for film in films
    ]
    assert np.mean(errors[0]) < 0.9 * np.mean(errors[1])
    assert errors[2] == errors[0]
    # A resumed film takes the map of the state's frame first.
    states = [state for state, _ in filmed(pictures[:4], settings, detail=[*sides, *sides])]
    resumed = filmed(pictures[1:4], settings, detail=[*sides[1:], *sides], resume=states[1])
    np.testing.assert_array_equal(resumed[-1][0].plain.strokes, states[-1].plain.strokes)


@pytest.mark.parametrize(
    ("detail", "changes", "expected"),
    [
        ([np.ones((4, 4), np.float32)], {}, "expected a map of detail for each frame, got fewer maps than frames"),
        (np.full((4, 4), 2.0, np.float32), {}, r"expected a map of detail of values in \[0, 1\], got 2 to 2"),
        (np.ones((4, 4), np.float32), {"mode": "blocks"}, "with config.mode other than blocks"),
    ],
)
def test_bad_maps(pictures, detail, changes, expected):
    with pytest.raises(ValueError, match=expected):
        filmed(pictures[:2], dataclasses.replace(SMALL, steps=6, frame_steps=2, **changes), detail=detail)


def test_frames_smaller_than_the_fit_s_size_may_have_detail_where_people_look(pictures):
    settings = dataclasses.replace(SMALL, size=128, detail="auto", steps=6, frame_steps=2)
    assert [state.number for state, _ in filmed(pictures[:2], settings)] == [0, 1]
