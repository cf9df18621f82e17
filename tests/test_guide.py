"""The guide's examples of a brush, a term, a network and a format: as they are written, in a copy of the package."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import jaxpaint

PACKAGE = pathlib.Path(jaxpaint.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`jaxpaint/(\S+\.py)`:\n\n```python\n(.*?)^```", PAGE, re.M | re.S))
# Programs of their own: they import what they need.
PROGRAMS = re.findall(r"^```python\n(import .*?)^```", PAGE, re.M | re.S)
PAINTING = """
import jax, numpy as np
import jaxpaint
from jaxpaint.cli import export, paint
from jaxpaint.io import weights
from jaxpaint.renderers.networks import network
rake = jaxpaint.BRUSHES["rake"]
variables = network("small", rake).init(jax.random.key(0), np.zeros((2, rake.dim), "float32"))
weights.save("small.safetensors", weights.Weights("small", "rake", variables, {}))
picture = np.full((24, 32, 3), 0.25, np.float32)
settings = jaxpaint.Settings(brush="rake", contours=1.0, strokes=9, steps=30, size=32)
painting = jaxpaint.paint(picture, key=0, settings=settings)
assert painting.brush == "rake" and np.abs(painting.canvas - picture).mean() < 0.2
jaxpaint.write_image("picture.png", picture)
flags = ["--config.strokes=3", "--config.steps=4", "--config.size=32", "--config.contours=2"]
network = ["--config.brush=rake", "--config.renderer=small", "--config.weights=small.safetensors"]
assert paint.main(["paint", "picture.png", *flags, *network]) == 0
assert export.main(["export", "paintings/picture.npz", "--out=picture.txt", "--decimals=1"]) == 0
assert [len(line.split()) for line in open("picture.txt")] == [3, 3, 3]
"""


@pytest.fixture
def copy(tmp_path):
    """A folder with a copy of the package, to which the guide's files are added."""
    package = tmp_path / "jaxpaint"
    folders = {"."} | {str(parent) for file in FILES for parent in pathlib.PurePosixPath(file).parents}
    for folder in folders:
        (package / folder).mkdir(parents=True, exist_ok=True)
    for folder in folders:
        for path in (PACKAGE / folder).iterdir():
            if not (package / folder / path.name).exists():
                (package / folder / path.name).symlink_to(path)
    (tmp_path / "configs").symlink_to(PACKAGE.parent / "configs")
    for file, text in FILES.items():
        (package / file).write_text(text)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("program", [PAINTING, *PROGRAMS], ids=["painting", "stroke", "gradient"])
def test_the_guide_s_examples_work(program, copy):
    assert sorted(FILES) == [
        "architectures/small.py",
        "brushes/rake.py",
        "io/exports/txt.py",
        "losses/terms/contours.py",
    ]
    environment = os.environ | {"PYTHONPATH": str(copy)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
