"""A new brush, loss term, network or format is one new file: toy ones, added to a copy of the package, are used."""

import os
import pathlib
import subprocess
import sys

import pytest

import jaxpaint

PACKAGE = pathlib.Path(jaxpaint.__file__).parent
TOYS = {
    "brushes/toy.py": """
import dataclasses
from jaxpaint.brushes.rectangle import BRUSH as RECTANGLE
BRUSH = dataclasses.replace(RECTANGLE, name="toy")
""",
    "losses/terms/toy.py": """
from jaxpaint.losses.pixel import canvas_l2
from jaxpaint.losses.terms.base import Term
TERM = Term("toy", canvas_l2, meaning="weight of a toy")
""",
    "architectures/toy.py": """
from jaxpaint.architectures.base import Architecture
SHADING = ((16, 1), (16, 2), (16, 2), (6, 2))
ARCHITECTURE = Architecture(size=32, shading=SHADING, dense=(16, 2048), convs=((8, False), (12, True)))
""",
    "io/exports/toy.py": """
import dataclasses
from jaxpaint.io.exports.base import Export
from jaxpaint.settings import Checked, setting
@dataclasses.dataclass(frozen=True)
class Options(Checked):
    prefix = ""
    loud: bool = setting(False, "in capitals")
def write(painting, path, options):
    path.write_text(f"{len(painting.strokes)} strokes".upper() if options.loud else "strokes")
EXPORTS = (Export((".toy",), "for children", Options, write),)
""",
}
PROGRAM = """
import sys
import jax, numpy as np
import jaxpaint
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import export, paint
from jaxpaint.io import weights
from jaxpaint.renderers.networks import network
variables = network("toy", BRUSHES["toy"]).init(jax.random.key(0), np.zeros((2, BRUSHES["toy"].dim), "float32"))
weights.save("toy.safetensors", weights.Weights("toy", "toy", variables, {}))
picture = np.full((24, 32, 3), 0.25, np.float32)
settings = jaxpaint.Settings(brush="toy", toy=1.0, l2=0.0, strokes=9, steps=30, size=32)
*_, (painting, progress) = jaxpaint.paint_stages(picture, key=jax.random.key(0), settings=settings)
assert painting.brush == "toy" and np.abs(painting.canvas - picture).mean() < 0.1
assert abs(progress.loss / 10 ** (-progress.psnr / 10) - 1) < 0.01, progress
jaxpaint.write_image("picture.png", picture)
flags = ["--config.strokes=3", "--config.steps=4", "--config.size=32"]
toys = ["--config.brush=toy", "--config.renderer=toy", "--config.weights=toy.safetensors", "--config.toy=2"]
assert paint.main(["paint", "picture.png", *flags, *toys]) == 0
assert export.main(["export", "paintings/picture.npz", "--out=a.toy", "--loud"]) == 0
assert open("a.toy").read() == "3 STROKES"
paint.main(["paint", "--help"])
"""


@pytest.mark.slow
def test_a_brush_a_term_and_a_network_are_one_file_each(tmp_path):
    copy = tmp_path / "jaxpaint"
    folders = {"."} | {str(pathlib.Path(toy).parent) for toy in TOYS} | {"io", "losses"}
    for folder in folders:
        (copy / folder).mkdir(parents=True, exist_ok=True)
    for folder in folders:
        for path in (PACKAGE / folder).iterdir():
            if not (copy / folder / path.name).exists():
                (copy / folder / path.name).symlink_to(path)
    (tmp_path / "configs").symlink_to(PACKAGE.parent / "configs")
    for toy, text in TOYS.items():
        (copy / toy).write_text(text)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert lines["toy"].endswith("weight of a toy") and " toy, " in lines["brush"]
    assert (tmp_path / "paintings" / "picture.png").exists()
