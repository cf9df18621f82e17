"""Two processes paint, train and film like one; minutes on a slow machine, so pytest finds it only by its name.

python -m pytest -q tests/two_processes.py
"""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest
from test_processes import EXAMPLE, PAINT, TRAIN, environment

from jaxpaint import films, videos
from jaxpaint.commands import paint, train, video

VIDEO = ["paint_video", "--config.brush=rectangle", "--config.strokes=20", "--config.steps=12"]
# What each of two processes does: the first command joins them.
TOGETHER = """
import sys
from jaxpaint.commands import paint, train, video
from two_processes import EXAMPLE, PAINT, TRAIN, VIDEO
folder, port, number = sys.argv[1:]
join = [f"--coordinator=localhost:{port}", "--num_processes=2", f"--process_id={number}"]
assert paint.main([*PAINT, EXAMPLE, f"--out={folder}", "--report", *join]) == 0
assert train.main([*TRAIN, f"--workdir={folder}/run"]) == 0
assert video.main([*VIDEO, f"{folder}/clip.mp4", f"--out={folder}/painted.mp4"]) == 0
"""


@pytest.fixture(scope="module")
def clip():
    """Three scenes of squares that move, of two, three and two frames."""
    rng = np.random.default_rng(0)
    scenes = rng.integers(0, 256, (3, 6, 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    return [np.roll(scene, i, axis=1) for scene, count in zip(scenes, (2, 3, 2), strict=True) for i in range(count)]


def test_two_processes_paint_train_and_film_like_one(tmp_path, clip):
    together, alone = tmp_path / "together", tmp_path / "alone"
    for folder in (together, alone):
        folder.mkdir()
        videos.write_video(folder / "clip.mp4", clip, fps=10.0)
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TOGETHER, str(together), str(port), str(number)],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    (first, _), (second, _) = outputs = [process.communicate(timeout=900) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    # Only the first one says what it has written.
    assert f"{together}/painted.mp4" in first and str(together) not in second

    assert paint.main([*PAINT, EXAMPLE, f"--out={alone}", "--report"]) == 0
    assert train.main([*TRAIN, f"--workdir={alone}/run"]) == 0
    assert video.main([*VIDEO, f"{alone}/clip.mp4", f"--out={alone}/painted.mp4"]) == 0
    names = [
        {str(path.relative_to(folder)) for path in folder.rglob("*.*") if "checkpoints" not in path.parts}
        for folder in (together, alone)
    ]
    assert names[0] == names[1]
    reports = [json.loads((folder / "astronaut.json").read_text()) for folder in (together, alone)]
    assert reports[0]["processes"] == 2 and abs(reports[0]["psnr"] - reports[1]["psnr"]) < 0.1
    metrics = [(folder / "run" / "metrics.jsonl").read_text().splitlines()[-1] for folder in (together, alone)]
    assert json.loads(metrics[0])["psnr"] == pytest.approx(json.loads(metrics[1])["psnr"], abs=0.01)
    by_two, by_one = ([frame for frame, _ in films.read(folder / "painted.film")[1]] for folder in (together, alone))
    assert [frame.number for frame in by_two if frame.anew] == [0, 2, 5] and len(by_two) == 7
    for a, b in zip(by_two, by_one, strict=True):
        assert (a.number, a.anew) == (b.number, b.anew)
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_array_equal(a.strokes, b.strokes)
