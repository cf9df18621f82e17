"""Films by two processes are those of one."""

import subprocess
import sys

import numpy as np
import pytest
from test_processes import by_two_processes, environment

from jaxpaint.io import films, videos

VIDEO = ["paint_video", "--config.brush=rectangle", "--config.strokes=20", "--config.steps=12"]
TOGETHER = """
import sys
from jaxpaint.cli import paint_video
from test_distributed import VIDEO
folder, *join = sys.argv[1:]
assert paint_video.main([*VIDEO, f"{folder}/clip.mp4", f"--out={folder}/painted.mp4", *join]) == 0
"""


@pytest.mark.slow
def test_two_processes_film_like_one(tmp_path):
    """Three scenes of squares that move, of two, three and two frames."""
    rng = np.random.default_rng(0)
    scenes = rng.integers(0, 256, (3, 6, 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    clip = [np.roll(scene, i, axis=1) for scene, count in zip(scenes, (2, 3, 2), strict=True) for i in range(count)]
    together, alone = tmp_path / "together", tmp_path / "alone"
    for folder in (together, alone):
        folder.mkdir()
        videos.write_video(folder / "clip.mp4", clip, fps=10.0)
    first, second = by_two_processes(TOGETHER, together)
    assert f"{together}/painted.mp4" in first and str(together) not in second
    # In a process of its own, too: other tests leave their programs in this one.
    subprocess.run([sys.executable, "-c", TOGETHER, str(alone)], env=environment(), check=True, capture_output=True)
    by_two, by_one = ([frame for frame, _ in films.read(folder / "painted.film")[1]] for folder in (together, alone))
    assert [frame.number for frame in by_two if frame.keyframe] == [0, 2, 5] and len(by_two) == 7
    for a, b in zip(by_two, by_one, strict=True):
        assert (a.number, a.keyframe) == (b.number, b.keyframe)
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_array_equal(a.strokes, b.strokes)
