"""Training: what a step learns, and a run that is interrupted."""

import json
import os
import shutil
import signal
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util
from tiny import TINY

from jaxpaint import runtime, training
from jaxpaint.brushes import BRUSHES, Look
from jaxpaint.brushes.textures import pyramid
from jaxpaint.cli import train_renderer
from jaxpaint.io import weights
from jaxpaint.io.images import read_image, write_image
from jaxpaint.renderers import engine
from jaxpaint.renderers.networks import ARCHITECTURES
from jaxpaint.training import steps as training_steps

# Of a brush that compiles in no time; at the rate of the command's own recipe, so that its programs are these.
QUICK = {
    "brush": "rectangle",
    "learning_rate": 1.5e-3,
    "steps": 60,
    "distance_steps": 10,
    "silhouette_steps": 10,
    "batch": 8,
    "warmup": 5,
    "validated": 64,
}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """A network that learns something in a second."""
    monkeypatch.setitem(ARCHITECTURES, "light", TINY)


def recipe(**settings):
    return training.Recipe(**{**QUICK, **settings})


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


@pytest.mark.parametrize("name", ["oilpaintbrush", "watercolor"])
def test_targets_are_the_engine_s(name):
    strokes = training.sample(BRUSHES[name], 5, key=jax.random.key(0))
    foreground, alpha = training.targets(recipe(brush=name), strokes)
    # The average, with colour and one alpha, also where strokes are glazes in the end.
    expected = jax.jit(engine(BRUSHES[name], 32, look=Look(flat=True)))(strokes[3])
    np.testing.assert_allclose(foreground[3], np.stack(expected.foreground, -1), atol=1e-5)
    np.testing.assert_allclose(alpha[3, ..., 0], expected.alpha[0], atol=1e-5)


def test_strokes_fill_the_unit_cube_and_some_are_small():
    brush = BRUSHES["watercolor"]
    uniform = np.asarray(training.sample(brush, 4000, key=jax.random.key(0)))
    np.testing.assert_allclose(uniform.mean(axis=0), 0.5, atol=0.03)
    assert uniform.min() >= 0 and uniform.max() <= 1
    small = np.asarray(training.sample(brush, 4000, key=jax.random.key(0), small=1.0))
    sizes = brush.mask("size")
    np.testing.assert_allclose(small[:, sizes].mean(axis=0), 1 / 3, atol=0.03)
    np.testing.assert_array_equal(small[:, ~sizes], uniform[:, ~sizes])


def test_distances_are_to_the_sides_of_a_box():
    """Of a turned rectangle, at the points of one pixel, in half pixels: outside of each side is positive."""
    stroke = jnp.array([0.4, 0.55, 0.5, 0.2, 0.3, 0, 0, 0, 1])
    maps = np.asarray(training.distances(recipe(), stroke[None])[0])
    angle, half = -np.pi * 0.3, 1 / 512 + np.array([0.5, 0.2]) / 4
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    row, column = 6, 11
    for view, shift in enumerate((-0.25, 0.25)):
        point = np.array([column + 0.5 + shift, row + 0.5 + shift]) / 16
        along = axes @ (point - np.asarray(stroke[:2]))
        expected = 32 * np.concatenate([along - half, -along - half]) + 0.5
        np.testing.assert_allclose(maps[row, column, 4 * view :][:4], expected, atol=1e-4)


def test_targets_of_a_set_of_stamps_are_averages():
    """Which of them a stroke takes can't be learned; one alone is shown as it is."""
    stamps = np.ones((2, 128, 256, 3), np.float32)
    stamps[:, 48:80, :, 1] = 0.0
    strokes = jnp.full((1, 12), 0.5)
    _, average = training.targets(recipe(brush="oilpaintbrush"), strokes, pyramid(stamps))
    _, seen = training.targets(recipe(brush="oilpaintbrush"), strokes, pyramid(stamps[:1]))
    middle = average.shape[1] // 2
    assert average[0, middle, middle].min() > 0.9 and seen[0, middle, middle].max() < 0.1


@pytest.mark.parametrize("made", [training.targets, training.distances])
def test_what_is_learned_is_the_same_drawn_all_at_once(made, monkeypatch):
    """As it is by other devices than a CPU, which draws eight strokes at a time."""
    strokes = training.sample(BRUSHES["rectangle"], 16, key=jax.random.key(0))
    eight_by_eight = made(recipe(), strokes)
    asked: list[int] = []
    monkeypatch.setattr(runtime, "on_cpu", lambda: bool(asked.append(1)))
    for one, other in zip(*map(jax.tree.leaves, (eight_by_eight, made(recipe(), strokes))), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert asked


@pytest.mark.parametrize("brush", BRUSHES)
def test_two_relus_make_a_silhouette_of_distances(brush):
    """The first convolution begins as the second of them: its first unit is every other pixel of the silhouette."""
    # Bristles end a stroke as its edges have it; pigment that pools is no matter of shape.
    own = recipe(brush=brush, texture=float(BRUSHES[brush].grained))
    strokes = training.sample(BRUSHES[brush], 64, key=jax.random.key(0))
    strokes = strokes.at[:, BRUSHES[brush].index("alpha")].set(1.0)
    kernel, bias = (training.start(own).params["rasterization"]["conv0"][name] for name in ("kernel", "bias"))
    np.testing.assert_array_equal(kernel[jnp.array([0, 2])][..., 0], 0.0)
    distances = jax.jit(training.distances, static_argnums=0)(own, strokes)
    silhouette = jax.nn.relu(jax.nn.relu(distances) @ kernel[1, 1, :, :1] + bias[0])
    error = silhouette - jax.jit(training.targets, static_argnums=0)(own, strokes).alpha[:, ::2, ::2]
    # A nib has corners.
    assert float(jnp.abs(error).mean()) < (0.01 if brush == "markerpen" else 0.003)


@pytest.mark.slow
def test_distances_are_learned_first_then_the_silhouette_then_the_shading():
    own = recipe()
    state = training.start(own)

    kinds = {"rasterization/dense", "rasterization/conv", "shading/conv"}
    # As many steps as a run takes together: one program for both.
    learned = ({"rasterization/dense"}, 10), ({"rasterization/dense", "rasterization/conv"}, 10), ({"shading/conv"}, 20)
    for learning, steps in learned:
        before = traverse_util.flatten_dict(jax.tree.map(np.asarray, state.params), sep="/")
        state, _ = training.train(own, state, steps)
        after = traverse_util.flatten_dict(state.params, sep="/")
        same = {kind for kind in kinds if all((after[k] == before[k]).all() for k in before if k.startswith(kind))}
        assert same == kinds - learning


@pytest.mark.parametrize("init, learning", [("", {"rasterization", "shading"}), ("light", {"shading"})])
def test_without_steps_of_the_silhouette_all_is_learned_at_once_from_scratch(init, learning):
    own = recipe(distance_steps=0, silhouette_steps=0, warmup=0, init=init)
    state = training.start(own)
    before = jax.tree.map(np.asarray, state.params)
    state, _ = training.train(own, state, 1)
    assert {name for name in before if (flat(state.params[name]) != flat(before[name])).any()} == learning


def test_layers_that_know_distances_move_a_tenth_as_far_in_the_silhouette():
    """Adam's first steps are as long as the rate, in each number."""
    own = recipe(warmup=0)
    state = training.start(own)._replace(step=jnp.asarray(10))
    before = jax.tree.map(np.asarray, state.params["rasterization"])
    state, _ = training.train(own, state, 1)
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), state.params["rasterization"], before)
    np.testing.assert_allclose(moved["dense1"]["kernel"], 0.1 * moved["conv0"]["kernel"], rtol=0.05)


def test_the_parts_of_a_run_follow_each_other():
    parts = training.parts(recipe())
    assert parts == (("distances", 0, 10), ("silhouette", 10, 20), ("shading", 20, 60))
    assert [training.part_of(recipe(), step).name for step in (0, 10, 59, 60)] == [
        *(p.name for p in parts),
        "shading",
    ]
    assert [training.drawn(recipe(), step) for step in (5, 12, 60)] == [0, 16, 400]
    # Whoever begins with weights has no distances to learn.
    assert training.parts(recipe(init="light", distance_steps=60))[0] == ("silhouette", 0, 10)
    rates = np.array([training.schedule(recipe())(step) for step in range(60)])
    assert (rates[[0, 10, 20]] == 0).all() and (rates[[9, 19, 59]] < 0.2 * rates.max()).all()


@pytest.mark.slow
def test_training_teaches():
    own = recipe(
        brush="oilpaintbrush", steps=700, distance_steps=300, silhouette_steps=100, batch=16, learning_rate=0.005
    )
    state = training.start(own)
    state, distances = training.train(own, state, 300)
    assert distances.alpha[-20:].mean() < 0.9 * distances.alpha[:3].mean()
    state, first = training.train(own, state, 100)
    state, middle = training.train(own, state, 100)
    for _ in range(2):
        state, last = training.train(own, state, 100)
    assert first.alpha[-20:].mean() < 0.8 * first.alpha[:3].mean()
    assert last.foreground[-50:].mean() < 0.8 * middle.foreground[:3].mean()


def test_steps_do_not_depend_on_how_they_are_divided():
    own = recipe()
    whole, _ = training.train(own, training.start(own), 10)
    parts, _ = training.train(own, training.start(own), 5)
    parts, _ = training.train(own, parts, 5)
    np.testing.assert_allclose(flat(parts.params), flat(whole.params), atol=1e-6)


def test_seeds_share_their_programs():
    texts = {
        training_steps._train.trace(runtime.mesh(), own, "shading", 5, jnp.uint32(own.seed), training.shapes(own), None)
        .lower()
        .as_text()
        for own in (recipe(), recipe(seed=1))
    }
    assert len(texts) == 1


def test_statistics_are_those_of_fresh_strokes():
    """With them, drawing few strokes or many is the same, and the pictures are as right as in training."""
    own = recipe()
    params = training.start(own).params
    statistics = training.statistics(own, params, jax.random.key(0))
    strokes = training.sample(BRUSHES[own.brush], 512, key=jax.random.key(5))
    model = training_steps.net(own)
    draw = jax.jit(model.apply, static_argnames="mutable")
    with_batch, _ = draw({"params": params}, strokes, mutable="batch_stats")
    alone = draw({"params": params, "batch_stats": statistics}, strokes)
    spread = float(jnp.std(with_batch.foreground))
    assert float(jnp.abs(with_batch.foreground - alone.foreground).mean()) < 0.1 * spread


@pytest.mark.slow
def test_shading_may_multiply_shorter_numbers():
    """The first step's errors are nearly those of float32; what it learns of them is kept in float32."""
    steps = {"distance_steps": 0, "silhouette_steps": 0, "init": "light"}
    own = [recipe(dtype=dtype, **steps) for dtype in ("float32", "bfloat16")]
    (exact, wanted), (short, metrics) = (training.train(each, training.start(each), 5) for each in own)
    np.testing.assert_allclose(metrics.foreground, wanted.foreground, rtol=0.02)
    assert 0 < np.abs(flat(exact.params) - flat(short.params)).max() < 0.01
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(short.params))


@pytest.mark.parametrize("settings", [{"silhouette_steps": 50}, {"net": "dcgan32"}, {"batch": 0}, {"net": "big"}])
def test_bad_recipes(settings):
    with pytest.raises(ValueError, match=r"config\.(steps|distance_steps|batch|net): expected"):
        recipe(**settings)


FLAGS = [f"--config.{key}={value}" for key, value in QUICK.items()]
FLAGS += ["--config.validate_every=20", "--config.log_every=20"]


def run(folder, *flags):
    return train_renderer.main(["train_renderer", f"--workdir={folder}", *FLAGS, *flags])


@pytest.mark.slow
def test_a_run_leaves_weights_metrics_a_sheet_and_goes_on_to_the_same_numbers(tmp_path, monkeypatch, capsys):
    assert run(tmp_path / "whole") == 0
    whole = weights.load(tmp_path / "whole" / "best.safetensors")
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "psnr" in line] == [20, 40, 60]
    assert float(whole.facts["psnr"]) == pytest.approx(max(line["psnr"] for line in lines if "psnr" in line), abs=0.01)
    assert int(whole.facts["strokes"]) == 8 * (int(whole.facts["steps"]) - QUICK["distance_steps"])
    assert read_image(tmp_path / "whole" / "strokes.png").std() > 0.05

    # Stopped between two checkpoints; then on with the same command.
    taken, real = [], training.train

    def interrupted(own, state, count, picture):
        if len(taken) == 3:
            raise KeyboardInterrupt
        taken.append(count)
        return real(own, state, count, picture)

    monkeypatch.setattr(training, "train", interrupted)
    assert run(tmp_path / "parts") == 130
    assert "kept step 40. Continue with: train_renderer" in capsys.readouterr().err
    monkeypatch.setattr(training, "train", real)
    assert run(tmp_path / "parts") == 0
    parts = weights.load(tmp_path / "parts" / "best.safetensors")
    np.testing.assert_array_equal(flat(parts.variables), flat(whole.variables))


@pytest.mark.slow
def test_a_signal_to_end_keeps_the_step_that_a_training_is_at(tmp_path, monkeypatch, capsys):
    """Though the next validation is far; without one, checkpoints are kept now and then."""
    flags, real = ["--config.validate_every=60"], training.train
    assert run(tmp_path / "whole", *flags) == 0

    def ended(own, state, count, picture):
        found = real(own, state, count, picture)
        os.kill(os.getpid(), signal.SIGTERM)
        return found

    monkeypatch.setattr(training, "train", ended)
    capsys.readouterr()
    assert run(tmp_path / "parts", *flags) == 130
    waits, line = (line for line in capsys.readouterr().err.splitlines() if line.startswith("jaxpaint: "))
    assert "stopping after these steps" in waits and "kept step 10. Continue with: train_renderer" in line
    monkeypatch.setattr(training, "train", real)
    monkeypatch.setattr(train_renderer, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    assert run(tmp_path / "parts", *flags) == 0
    assert sorted(path.name for path in (tmp_path / "parts" / "checkpoints").iterdir() if path.is_dir()) == ["40", "60"]
    whole, parts = (tmp_path / name / "best.safetensors" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch, capsys):
    real = training.train

    def poisoned(own, state, count, picture):
        state, metrics = real(own, state, count, picture)
        return state, metrics._replace(
            alpha=jnp.where(state.step > 30, metrics.alpha.at[4].set(jnp.nan), metrics.alpha)
        )

    monkeypatch.setattr(training, "train", poisoned)
    assert run(tmp_path / "run") == 1
    assert "step 25: the loss is not finite; the last checkpoint is kept" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir() if path.is_dir()] == ["20"]
    shutil.rmtree(tmp_path / "run")


def test_bad_runs(tmp_path, monkeypatch, capsys):
    assert run(tmp_path / "a", "--config.batch=8", "--config.learning_rate=2") == 1
    assert "config.learning_rate: expected a number from 1e-07 to 1, got 2.0" in capsys.readouterr().err
    assert run(tmp_path / "a", "--config.brush=spoon") == 1
    assert "config.brush: expected filbert or" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
    # A folder knows its recipe before the first step.
    monkeypatch.setattr(training, "train", mock.Mock(side_effect=KeyboardInterrupt))
    assert run(tmp_path / "a") == 130
    capsys.readouterr()
    assert run(tmp_path / "a", "--config.seed=3") == 1
    assert "made with config.seed=0, not 3; choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "content"), [("strokes.png", "a picture"), ("recipe.json", '{"net":')])
def test_files_of_others_are_not_replaced(tmp_path, capsys, name, content):
    (tmp_path / name).write_text(content)
    assert run(tmp_path) == 1
    assert f"{name} is there already, and not of a training; choose another --out" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, content)]


@pytest.mark.slow
def test_a_run_can_begin_with_weights(tmp_path, capsys):
    assert run(tmp_path / "first") == 0
    init = f"--config.init={tmp_path / 'first' / 'best.safetensors'}"
    second = ["--config.seed=5", "--config.learning_rate=0.000001", "--config.steps=30"]
    assert run(tmp_path / "second", init, *second) == 0
    first, second = (weights.load(tmp_path / name / "best.safetensors") for name in ("first", "second"))
    np.testing.assert_allclose(flat(second.variables["params"]), flat(first.variables["params"]), atol=1e-3)
    assert run(tmp_path / "third", init, "--config.brush=watercolor") == 1
    assert "config.init: expected weights of light for watercolor, got light for rectangle" in capsys.readouterr().err
    # What was refused has not taken the folder.
    assert not (tmp_path / "third" / "recipe.json").exists()


@pytest.mark.slow
def test_ones_own_brush_is_learned(tmp_path):
    picture = np.zeros((40, 100, 3), np.float32)
    picture[5:20, 10:90], picture[20:35, 10:90] = 0.5, 1.0
    write_image(tmp_path / "brush.png", picture)
    image = f"--config.brush_image={tmp_path / 'brush.png'}"
    # Distances do not depend on the picture.
    few = ["--config.distance_steps=0", "--config.steps=20"]
    assert run(tmp_path / "own", "--config.brush=oilpaintbrush", image, *few) == 0
    facts = weights.load(tmp_path / "own" / "best.safetensors").facts
    assert json.loads(facts["recipe"])["brush_image"] == "brush.png"
