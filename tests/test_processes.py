"""Work shared out between devices and processes gives what one alone gives."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest
from tiny import TINY_SHADING

from jaxpaint.cli import paint, paint_video, train_renderer
from jaxpaint.renderers.networks import ARCHITECTURES

TRAIN = [
    "train_renderer",
    "--config.net=dcgan32",
    "--config.brush=rectangle",
    "--config.distance_steps=0",
    "--config.silhouette_steps=0",
    *(f"--config.{key}={value}" for key, value in {"steps": 4, "batch": 8, "warmup": 0, "validated": 64}.items()),
]
# So many strokes that it does not matter which of two candidates that are worth the same wins by rounding.
PAINT = ["paint", "--config.brush=rectangle", "--config.strokes=160", "--config.steps=24", "--config.size=96"]
# With unequal weights, rounding decides between candidates of almost the same worth.
PAINT += ["--config.detail=alike"]
EXAMPLE = str(pathlib.Path(__file__).parents[1] / "examples" / "astronaut.png")
# A step on eight devices, and on one.
EIGHT = """
import jax, numpy as np
jax.config.update("jax_num_cpu_devices", 8)
from jax.sharding import AxisType
import jaxpaint
from jaxpaint import metrics, settings, training
from jaxpaint.renderers.networks import ARCHITECTURES
from tiny import TINY_SHADING
ARCHITECTURES["dcgan32"] = TINY_SHADING
recipe = training.Recipe("dcgan32", "rectangle", batch=8, steps=2, distance_steps=0, silhouette_steps=0, warmup=0)
image = jaxpaint.read_image({example!r})
how = settings.Settings(brush="rectangle", strokes=160, steps=24, size=96, detail="alike")

def found():
    state, errors = training.train(recipe, training.start(recipe), 1)
    paintings = [jaxpaint.paint(image, key=jax.random.key(i), settings=how) for i in range(4)]
    wanted = jaxpaint.pictures.resize(image, paintings[0].canvas.shape[:2])
    # Not the weights: Adam divides each gradient by its size, and of those that are all rounding nothing is known.
    return jax.device_get((errors, state.optimizer[0].mu)), [float(metrics.psnr(p.canvas, wanted)) for p in paintings]

by_eight, psnr_by_eight = found()
with jax.set_mesh(jax.make_mesh((1,), ("devices",), axis_types=(AxisType.Auto,), devices=jax.devices()[:1])):
    alone, psnr_alone = found()
for a, b in zip(jax.tree.leaves(by_eight), jax.tree.leaves(alone), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())
print(*psnr_by_eight, *psnr_alone)
"""
# What each of two processes does: the first command joins them.
TOGETHER = """
import sys
from jaxpaint.cli import paint, train_renderer
from jaxpaint.renderers.networks import ARCHITECTURES
from test_processes import EXAMPLE, PAINT, TRAIN
from tiny import TINY_SHADING
ARCHITECTURES["dcgan32"] = TINY_SHADING
folder, *join = sys.argv[1:]
assert paint.main([*PAINT, EXAMPLE, f"--out={folder}", "--report", *join]) == 0
assert train_renderer.main([*TRAIN, f"--workdir={folder}/run"]) == 0
"""


def environment():
    """That of a process that knows the tests and this package, on CPU."""
    here = pathlib.Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": paths, "JAX_PLATFORMS": "cpu"}


def by_two_processes(program, folder):
    """What each of them prints that runs this program, of a folder and the flags that have the two join."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    join = [f"--coordinator=localhost:{port}", "--num_processes=2"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder), *join, f"--process_id={number}"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    outputs = [process.communicate(timeout=900) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    return [printed for printed, _ in outputs]


@pytest.mark.slow
def test_a_step_and_a_painting_on_eight_devices_are_those_of_one():
    program = EIGHT.format(example=EXAMPLE)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    by_eight, alone = np.array(done.stdout.split(), float).reshape(2, 4)
    # In some paintings, rounding decides between two candidates of the same worth, and they part ways.
    apart = np.abs(by_eight - alone)
    assert alone.min() > 20 and apart.min() < 0.01 and apart.max() < 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num_processes=2"], "expected only with a --coordinator"),
        (["--coordinator=localhost:1"], "expected --num_processes, and a --process_id below it"),
        (["--coordinator=localhost:1", "--num_processes=2", "--process_id=2"], "a --process_id below it"),
        (["--coordinator=nowhere:port", "--num_processes=1", "--process_id=0"], "expected HOST:PORT, or auto"),
        (["--coordinator=localhost:1", "--num_processes=0", "--process_id=0"], "num_processes=0"),
    ],
)
def test_bad_processes_are_refused(flags, message, tmp_path, capsys):
    assert paint.main([*PAINT, EXAMPLE, f"--out={tmp_path}/out", *flags]) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(paint, [*PAINT, EXAMPLE]), (paint_video, ["paint_video", EXAMPLE]), (train_renderer, TRAIN)],
)
def test_processes_join_before_a_brush_is_read(command, arguments, tmp_path, monkeypatch, capsys):
    """To read it takes JAX, which must not have begun to compute when they join."""
    monkeypatch.chdir(tmp_path)
    wrong = ["--coordinator=localhost:1", "--num_processes=2", "--process_id=2"]
    assert command.main([*arguments, "--config.brush=oilpaintbrush", "--config.brush_image=none.png", *wrong]) == 1
    assert "a --process_id below it" in capsys.readouterr().err


def test_a_batch_has_to_be_divided_evenly(tmp_path, capsys):
    assert train_renderer.main([*TRAIN, "--config.batch=5", f"--workdir={tmp_path}/run"]) == 1
    assert "config.batch: expected a multiple of the 2 devices, got 5" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_paint_and_train_like_one(tmp_path, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "dcgan32", TINY_SHADING)
    together, alone = tmp_path / "together", tmp_path / "alone"
    first, second = by_two_processes(TOGETHER, together)
    # Only the first one says what it has written.
    assert f"{together}/astronaut.png" in first and str(together) not in second
    assert paint.main([*PAINT, EXAMPLE, f"--out={alone}", "--report"]) == 0
    assert train_renderer.main([*TRAIN, f"--workdir={alone}/run"]) == 0
    names = [
        {str(path.relative_to(folder)) for path in folder.rglob("*.*") if "checkpoints" not in path.parts}
        for folder in (together, alone)
    ]
    assert names[0] == names[1]
    reports = [json.loads((folder / "astronaut.json").read_text()) for folder in (together, alone)]
    assert reports[0]["processes"] == 2 and abs(reports[0]["psnr"] - reports[1]["psnr"]) < 0.1
    metrics = [(folder / "run" / "metrics.jsonl").read_text().splitlines()[-1] for folder in (together, alone)]
    assert json.loads(metrics[0])["psnr"] == pytest.approx(json.loads(metrics[1])["psnr"], abs=0.01)
