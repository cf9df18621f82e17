"""Benchmarks of speed, losses, networks, videos and exports, as small as they go."""

import functools
import itertools
import json
import re

import numpy as np
import pytest
from tiny import TINY, TINY_SHADING

from jaxpaint.renderers.networks import ARCHITECTURES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("benchmarks")]


def test_profile_training(tmp_path, monkeypatch):
    import profile_training

    monkeypatch.setitem(ARCHITECTURES, "light", TINY)
    small = ["--nets=light", "--dtypes=bfloat16", "--brush=rectangle", "--batch=2", "--steps=1"]
    profile_training.main([*small, f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "profile_training.json").read_text())["rows"]
    assert [(row["network"], row["learning"], row["multiplies"]) for row in rows] == [
        ("light", "distances", "float32"),
        ("light", "silhouette", "float32"),
        ("light", "shading", "bfloat16"),
    ]
    assert profile_training._parts("dcgan32") == ("shading",)
    assert all(row["strokes/s"] > 0 for row in rows)


def test_profile_network(tmp_path):
    import profile_network

    profile_network.main(["--counts=1,2", "--steps=1", "--dtypes=bfloat16", f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "profile_network.json").read_text())["rows"]
    assert [(row["multiplies"], row["strokes a block"]) for row in rows] == [
        ("bfloat16", count) for count in (1, 2, "1 to 2")
    ]
    paces = [row["evaluations/s"] for row in rows]
    assert min(paces[:2]) - 1 <= paces[2] <= max(paces[:2]) + 1


def test_profile_fit(tmp_path):
    import profile_fit

    tiny = ["--brush=rectangle", "--pixels=4096", "--blocks=32,64", "--strokes=12", "--drawings=32x48"]
    profile_fit.main([*tiny, f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "profile_fit.json").read_text())["rows"]
    assert [row["block"] for row in rows] == [32, 32, 64, 64]
    assert all(row["ns"] > 0 for row in rows)
    stages = json.loads((tmp_path / "profile_stages.json").read_text())["rows"]
    assert {row["stage"] for row in stages} == {"levels", "rounds", "full size", "texture"}
    parts = json.loads((tmp_path / "profile_parts.json").read_text())["rows"]
    again = {row["part"]: row["again"] for row in parts}
    assert 0 < again["descending"] < again["total"]
    assert all(again[part] > 0 for part in ("placing", "worth", "listing", "drawing"))
    (drawing,) = json.loads((tmp_path / "profile_drawing.json").read_text())["rows"]
    assert 50 < drawing["peak MiB"] < 1500


def test_forms_of_morphology():
    """All are a 3 × 3 maximum, whose gradient goes to where that is."""
    import jax
    import morphology
    import scipy.ndimage

    rng = np.random.default_rng(0)
    pictures, wanted = rng.permutation(2 * 2 * 3 * 5 * 6).reshape(2, 2, 3, 5, 6).astype(np.float32)
    greatest = scipy.ndimage.maximum_filter(pictures, (1, 1, 3, 3))
    gradient = np.zeros_like(pictures)
    for place in np.ndindex(*pictures.shape):
        (row, column), (picture, channel) = place[2:], place[:2]
        near = pictures[picture, channel, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        gradient[pictures == near.max()] += wanted[place]

    @functools.partial(jax.jit, static_argnums=0)
    def everything(form, pictures, wanted):
        found, back = jax.vjp(form, pictures)
        return found, *back(wanted), morphology.treated(form, pictures, pictures)[1]

    for name, form in morphology.FORMS.items():
        dilated, back, eroded = everything(form, pictures, wanted)
        np.testing.assert_array_equal(dilated, greatest, err_msg=name)
        np.testing.assert_array_equal(back, gradient, err_msg=name)
        np.testing.assert_array_equal(eroded, scipy.ndimage.minimum_filter(pictures, (1, 1, 3, 3)), err_msg=name)


def test_morphology(tmp_path):
    """Fits of strokes whose rims are treated are others."""
    import morphology

    tiny = ["--renderer=exact", "--brush=rectangle", "--each=1", "--strokes=25", "--steps=4", "--size=40"]
    tiny += ["--pictures=2x8", "--forms=separable", "--photos=astronaut", "--repeats=1"]
    morphology.main([*tiny, f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "morphology.json").read_text())["rows"]
    assert [(row["pictures"], row["side"], row["form"]) for row in rows] == [(2, 8, "separable")]
    assert all(row["ms"] > 0 and row["ms with gradient"] > 0 for row in rows)
    plain, treated = json.loads((tmp_path / "morphology_step.json").read_text())["rows"]
    assert (plain["strokes"], plain["share"]) == (25, None)
    assert treated["share"] == pytest.approx(rows[0]["ms with gradient"] / plain["ms"])
    assert treated["added"] == pytest.approx(treated["ms"] / plain["ms"] - 1)
    without, with_it = json.loads((tmp_path / "morphology_paintings.json").read_text())["rows"]
    assert without["psnr"] > 3 and with_it["psnr"] > 3 and without["psnr"] != with_it["psnr"]
    assert (tmp_path / "morphology.svg").read_text().count('id="curve ') == len(rows)
    assert (tmp_path / "morphology.png").exists()


def test_profile_losses(tmp_path):
    """In as many iterations, ours are nearer the end; dots in opposite corners take ott longest."""
    import profile_losses

    profile_losses.main(["--blocks=8", "--size=48", "--seen=32", "--strokes=9", "--steps=1", f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "profile_losses.json").read_text())["rows"]
    assert all(row["ms"] > 0 for row in rows) and rows[-1]["what"] == "style transfer, a step of 9 strokes"
    ours, log_domain, kernels = rows[:3]
    assert ours["error"] < 1e-2 and ours["error of dots"] < 1e-2
    assert log_domain["error of dots"] > 0.1 and kernels["error of dots"] > 0.1


def test_learning(tmp_path):
    """Two folders make one run, without the steps of the distances."""
    import learning

    for folder, init, first in (("a", "", 100), ("b", "a", 0)):
        (tmp_path / folder).mkdir()
        recipe = {"init": init, "distance_steps": 100, "batch": 64}
        (tmp_path / folder / "recipe.json").write_text(json.dumps(recipe))
        lines = [
            {"step": 100, "foreground": 0.0, "alpha": 0.1, "seconds": 9.0},
            {"step": first + 400, "foreground": 0.01, "alpha": 0.001, "seconds": 1800.0},
            {"step": first + 400, "psnr": 25.0, "psnr_foreground": 20.0, "psnr_alpha": 30.0, "seconds": 1800.0},
        ]
        (tmp_path / folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    learning.main([f"--runs=twice:{tmp_path}/a+{tmp_path}/b", f"--out={tmp_path}"])
    found = json.loads((tmp_path / "learning.json").read_text())
    (row,) = found["rows"]
    assert (row["run"], row["steps"], row["hours"], row["psnr"]) == ("twice", 800, 1.0, 25.0)
    assert [line["step"] for line in found["validations"]["twice"]] == [400, 800]
    # Alpha and foreground, from where there is one.
    curves = re.findall('id="curve .*?<path d="([^"]*)"', (tmp_path / "learning.svg").read_text(), re.S)
    assert [len(curve.splitlines()) for curve in curves] == [learning.POINTS // 2] * 2


def test_renderers(tmp_path, monkeypatch):
    """Of a network that learns in a second; the command again trains the seed that is new, and no other."""
    import renderers

    monkeypatch.setitem(ARCHITECTURES, "dcgan32", TINY_SHADING)
    tiny = ["--nets=dcgan32", "--brush=rectangle", "--strokes=480", "--batch=8", "--learning-rate=0.01"]
    tiny += [f"--workdir={tmp_path}/runs", f"--out={tmp_path}"]
    trained, real = [], renderers.train_renderer.main

    def train(argv):
        trained.append(next(flag for flag in argv if flag.startswith("--workdir=")).rpartition("/")[2])
        return real(argv)

    monkeypatch.setattr(renderers.train_renderer, "main", train)
    renderers.main([*tiny, "--seeds=1"])
    first = json.loads((tmp_path / "renderers.json").read_text())
    assert re.fullmatch(r"\d+\.\d\d", first["rows"][0]["psnr"])
    renderers.main([*tiny, "--seeds=2"])
    found = json.loads((tmp_path / "renderers.json").read_text())
    assert trained == ["dcgan32-0", "dcgan32-1"]
    assert found["runs"][:1] == first["runs"] and [run["seed"] for run in found["runs"]] == [0, 1]
    for run in found["runs"]:
        assert run["strokes"] == [160, 320, 480] and run["psnr"][-1] > run["psnr"][0]
        assert len(run["loss"]) == 3 and 0 < run["seconds"][0] < run["seconds"][2]
    (row,) = found["rows"]
    last = [run["psnr"][-1] for run in found["runs"]]
    assert row["psnr"] == f"{np.mean(last):.2f} ± {abs(last[0] - last[1]) / 2**0.5:.2f}"
    # Kernels of 4 × 4, and a scale and a bias for each channel that is normalised.
    channels = [9, *(width for width, _ in TINY_SHADING.shading)]
    kernels = [16 * a * b for a, b in itertools.pairwise(channels)]
    assert row["parameters"] == sum(kernels) + 2 * sum(channels[1:-1])
    # A product for each weight and place: 1, 4 × 4, 8 × 8, 16 × 16 of them; the rest is little.
    products = 2e-6 * sum(kernel * side**2 for kernel, side in zip(kernels, (1, 4, 8, 16), strict=True))
    assert products < row["MFLOP forward"] < 1.2 * products
    assert 2 * products < row["MFLOP training"] < 4 * products
    assert row["training strokes/s"] > 0 and row["painting strokes/s"] > 0
    svg = (tmp_path / "renderers.svg").read_text()
    assert svg.count('id="curve ') == 4 and svg.count(">480 strokes<") == svg.count(", logarithmic<") == 2
    # Data of another number are another run's.
    with pytest.raises(SystemExit):
        renderers.main([*tiny, "--strokes=960"])


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--nets=light,big"], "expected some of light, heavy, lite, dcgan32, got big"),
        (["--nets=light,lite", "--seeds=3"], "expected 2 numbers above 0"),
        (["--seeds=1,1,0,1"], "expected 4 numbers above 0"),
        (["--strokes=64"], "config.steps: expected"),
    ],
)
def test_renderers_refuses(tmp_path, capsys, flags, message):
    import renderers

    with pytest.raises(SystemExit) as stopped:
        renderers.main([f"--workdir={tmp_path}", *flags])
    assert stopped.value.code == 2 and message in capsys.readouterr().err.splitlines()[-1]


def test_transport(tmp_path):
    """Under L1 a stroke stays, under transport it arrives."""
    import transport

    transport.main(["--brushes=rectangle", "--size=24", "--steps=150", f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "transport.json").read_text())["rows"]
    assert [(row["moved"], row["loss"]) for row in rows] == list(
        itertools.product(("place", "shape"), ("L1", "transport"))
    )
    l1, ot, vanished, shaped = (row["at last"] for row in rows)
    assert abs(l1 - rows[0]["distance at first"]) < 0.02
    assert ot < 0.05 and shaped < 0.05
    assert vanished is None or vanished > 0.2
    assert (tmp_path / "transport.png").exists()
    assert (tmp_path / "transport.svg").read_text().count('id="curve ') == 4


def test_transport_painting(tmp_path):
    """All get better in as many steps, good placing is better from the start, and transport goes elsewhere."""
    import transport_painting

    tiny = ["--photos=coffee", "--placings=good,heap", "--transport=0,1", "--strokes=20", "--size=64", "--steps=30"]
    transport_painting.main([*tiny, f"--out={tmp_path}"])
    found = json.loads((tmp_path / "transport_painting.json").read_text())
    rows = found["rows"]
    assert [(row["placing"], row["transport"]) for row in rows] == list(itertools.product(("good", "heap"), (0, 1)))
    assert all(row["at last"] > row["psnr at first"] + 0.5 for row in rows)
    good, same, heap, _ = (row["psnr at first"] for row in rows)
    assert good == same > heap + 1
    assert len({row["at last"] for row in rows}) == 4
    assert [curve["step"] for curve in found["curves"]] == [[0, 20, 30]] * 4
    svg = (tmp_path / "transport_painting.svg").read_text()
    assert svg.count('id="curve ') == 4 and ">step 30<" in svg
    assert (tmp_path / "transport_painting.png").exists()


def test_transport_painting_in_equal_time(tmp_path):
    """Steps with transport take longer, so there are fewer."""
    import transport_painting

    tiny = ["--photos=coffee", "--placings=random", "--transport=0,1", "--strokes=20", "--size=64", "--seconds=0.3"]
    transport_painting.main([*tiny, f"--out={tmp_path}"])
    plain, transported = json.loads((tmp_path / "transport_painting.json").read_text())["rows"]
    assert plain["steps"] > transported["steps"] > 0
    assert ">0.3 s<" in (tmp_path / "transport_painting.svg").read_text()


def test_video(tmp_path):
    """On clips of its own, joined: a square that moves over a ground that stays, and another scene."""
    import video

    from jaxpaint.io import videos

    frames = [np.full((32, 48, 3), (30, 90, 60), np.uint8) for _ in range(13)]
    for number, frame in enumerate(frames):
        frame[10:20, 5 + number : 15 + number] = (240, 200, 60)
    videos.write_video(tmp_path / "clip.mp4", frames, fps=10.0)
    videos.write_video(tmp_path / "other.mp4", [frame[::-1, ::2, ::-1] for frame in frames[:2]], fps=10.0)
    clips = f"--clips={tmp_path / 'clip.mp4'}+{tmp_path / 'other.mp4'}"
    tiny = [clips, "--methods=persistent", "--strokes=30", "--steps=30"]
    video.main([*tiny, f"--out={tmp_path}"])
    written = json.loads((tmp_path / "video.json").read_text())
    apart, persistent = written["rows"]
    assert (apart["method"], apart["frames"], apart["survived"], apart["below"]) == ("independent", 10, None, 0)
    assert (persistent["method"], persistent["frames"], persistent["anew"]) == ("persistent", 15, 2)
    assert persistent["survived"] > 0.8 and persistent["jitter"] > 0
    assert persistent["excess"] < 0.5 * apart["excess"]
    by_frame = [each["psnr"] for each in written["frames"]]
    assert [*map(int, by_frame[0])] == [*range(6), 10, 11, 13, 14] and len(by_frame[1]) == 15
    assert persistent["below"] == pytest.approx(max(by_frame[0][n] - by_frame[1][n] for n in by_frame[0]), abs=0.01)
    plot = (tmp_path / "video.svg").read_text()
    assert plot.count('id="curve ') == 2 and ">frame 15<" in plot
    assert (tmp_path / "video.png").exists()


def test_scaling(tmp_path, monkeypatch):
    """A program's memory does not grow with strokes; calls that take 6, 8 and 10 seconds by turns, are told as such."""
    import scaling

    def turns(calls, *, repeats):
        for call in calls:
            call()
        return [[seconds] * repeats for _, seconds in zip(calls, itertools.cycle((6.0, 8.0, 10.0)), strict=False)]

    monkeypatch.setattr("machine.turns", turns)
    tiny = ["--brush=rectangle", "--size=64", "--all-strokes=40,80", "--steps=2", "--repeats=1"]
    scaling.main(["--axes=strokes", *tiny, f"--out={tmp_path}"])
    few, many = json.loads((tmp_path / "scaling.json").read_text())["rows"]
    assert (few["strokes"], many["strokes"]) == (40, 80)
    assert many["strokes × pixels"] == 80 * 64**2
    # Two steps a call.
    assert all([row[what] for what in ("step", "listing", "drawing")] == [3.0, 8.0, 10.0] for row in (few, many))
    assert all(50 < row["process MiB"] < 1500 for row in (few, many))
    (exponents,) = json.loads((tmp_path / "scaling_exponents.json").read_text())["rows"]
    assert abs(exponents["program MiB"]) < 0.2 and exponents["step"] == 0.0
    assert (tmp_path / "scaling.svg").read_text().count('id="curve ') == 4


def test_scaling_of_what_is_too_large(tmp_path):
    """In blocks, each stroke takes memory for all of its block; what would take too much is not run."""
    import scaling

    tiny = ["--brush=rectangle", "--size=64", "--strokes=16", "--all-blocks=1,2", "--memory=0.0001"]
    scaling.main(["--axes=blocks", *tiny, f"--out={tmp_path}"])
    whole, parts = json.loads((tmp_path / "scaling.json").read_text())["rows"]
    assert (whole["blocks"], parts["blocks"]) == (1, 4)
    assert whole["program MiB"] > 2 * parts["program MiB"] > 0
    assert all(row["step"] is None and row["process MiB"] is None for row in (whole, parts))
    (exponents,) = json.loads((tmp_path / "scaling_exponents.json").read_text())["rows"]
    assert exponents["program MiB"] < -0.5 and exponents["step"] is None


def test_exponent():
    import scaling

    assert scaling._exponent([(2, 12), (4, 48), (8, 192)]) == pytest.approx(2)
    assert scaling._exponent([(2, 12)]) is None


def test_exports(tmp_path):
    import exports

    exports.main(["--brushes=rectangle,markerpen", "--strokes=40", "--steps=24", "--many=50", f"--out={tmp_path}"])
    boxes, pens = json.loads((tmp_path / "exports.json").read_text())["rows"]
    assert boxes["resvg dB"] > 38 and boxes["skia dB"] > 38
    assert pens["resvg dB"] > 30 and pens["skia dB"] is None
    assert 0 < boxes["svgz kB"] < boxes["svg kB"] < 40
    orders = json.loads((tmp_path / "orders.json").read_text())["rows"]
    ways = {row["order"]: row["travel"] for row in orders if row["brush"] == "rectangle"}
    assert ways["travel"] < ways["painted"]
    rows = json.loads((tmp_path / "many.json").read_text())["rows"]
    assert [row["work"] for row in rows][:3] == ["write svg", "write json", "read json"]


def test_startup(tmp_path):
    """The first run compiles, the second finds what that compiled."""
    import startup

    startup.main(["--scripts=draw", "--repeats=1", f"--out={tmp_path}"])
    (row,) = json.loads((tmp_path / "startup.json").read_text())["rows"]
    assert row["script"] == "draw"
    assert row["compiled cold"] > 0 and row["compiled warm"] == 0
    assert 0 < row["help"] < row["cold"] and row["warm"] > 0
    assert (tmp_path / "startup.svg").read_text().count('id="curve ') == 1


def test_every_script_starts_in_the_benchmark():
    import startup

    assert set(startup.RUNS) == {path.name for path in (startup.ROOT / "bin").iterdir() if path.is_file()}
