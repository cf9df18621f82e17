"""Stylized Neural Painting (SNP) against ours: the same photograph, budget, schedule and weights, side by side.

    python benchmarks/against_snp.py --snp=CHECKOUT
    python benchmarks/against_snp.py --snp=CHECKOUT --smoke --photo=coffee --brush=watercolor

For whoever has SNP's repository, and PyTorch. It paints in its grid mode on white, with the weights of `light` that
come with the package, turned into PyTorch's; ours paints by `configs/snp.py` with the same weights, and with the engine
(`exact`). All are whole processes: ours with `--report`, and warm, after one that compiled; SNP's with a PNG for each
stroke and a video. Seconds a step are of the fit alone: SNP's from its first line of a step to its last. SNP squashes
the photograph to a square: each drawing is compared with the photograph at the drawing's own size. Memory is the most
that a process held (`ru_maxrss`).

Flags `--config.KEY=VALUE` go to ours alone. Writes against_snp.json and against_snp.png (the photograph, and the
drawings in the table's order) to --out.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

import machine
import numpy as np
import quality

from jaxpaint import metrics, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import convert_weights
from jaxpaint.io import images, weights

GRID = 5
# Strokes of a run that only shows that all works.
SMOKE = 50
# Lines of a program that failed.
SHOWN = 20
# Linux says of a program that it held at least what the one that started it did: so a small one does.
STARTER = """
import os, sys
program = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(program, 0)
code = os.waitstatus_to_exitcode(status)
if code:
    sys.exit(code if code > 0 else 128 - code)
print("\\n%d" % (usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)))
"""


class Run(NamedTuple):
    """A process that has ended well.

    Attributes:
      seconds: that it took.
      peak: the most memory that it held, in bytes.
      steps: seconds after which it told of each gradient step, if it does that.
    """

    seconds: float
    peak: int
    steps: list[float]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--snp", type=pathlib.Path, required=True, help="folder of its checkout")
    parser.add_argument("--python", default=sys.executable, help="that runs it, with what it needs")
    parser.add_argument("--photo", default="astronaut", help="a name or a path")
    parser.add_argument("--brush", default="oilpaintbrush", choices=list(BRUSHES))
    parser.add_argument("--strokes", type=int, default=500, help=f"a multiple of {GRID**2}")
    parser.add_argument("--smoke", dest="strokes", action="store_const", const=SMOKE, help=f"--strokes={SMOKE}")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options, flags = parser.parse_known_args(argv)
    if unknown := [flag for flag in flags if not flag.startswith("--config.")]:
        parser.error(f"expected flags as above or --config.KEY=VALUE, got {' '.join(unknown)}")
    if problem := _problem(options):
        parser.error(problem)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        path = machine.photograph_file(options.photo, work).absolute()
        if not path.is_file():
            parser.error(f"--photo={options.photo}: no such file")
        photo = images.read_image(path)
        # The engine first: soonest done, it tells early of a flag that is wrong.
        exact = _ours("exact", path, photo, options, flags, work)
        painted = [_theirs(path, photo, options, work), _ours("light", path, photo, options, flags, work), exact]
    rows, drawings = zip(*painted, strict=True)
    facts = {"photo": path.stem, "brush": options.brush}
    machine.write("against_snp", rows, options.out, **facts)
    images.write_image(options.out / "against_snp.png", machine.contact_sheet([[photo, *drawings]], 320))
    light, exact = (rows[0]["seconds"] / row["seconds"] for row in rows[1:])
    print(f"SNP took {light:.3g} times as long as ours with light, and {exact:.3g} times as long as ours with exact.")


def _problem(options: argparse.Namespace) -> str | None:
    """What is missing, in a line."""
    if not (options.snp / "demo.py").is_file():
        return f"--snp={options.snp}: expected a checkout of Stylized Neural Painting, but there is no demo.py"
    if options.strokes < 1 or options.strokes % GRID**2:
        return f"--strokes={options.strokes}: expected a multiple of {GRID**2}, as many strokes for each block"
    if importlib.util.find_spec("torch") is None:
        return "SNP's weights are PyTorch's: pip install 'jaxpaint[torch]'"
    python = shutil.which(options.python)
    if python is None:
        return f"--python={options.python}: no such program"
    search = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    if subprocess.run([python, "-c", search], check=False, capture_output=True).returncode:
        return f"--python={options.python}: expected a Python that has PyTorch"
    return None


def _theirs(
    path: pathlib.Path, photo: np.ndarray, options: argparse.Namespace, work: pathlib.Path
) -> tuple[dict[str, object], np.ndarray]:
    """The row of SNP, and its drawing."""
    out, checkpoint = work / "snp", work / "checkpoint"
    checkpoint.mkdir()
    source = weights.SHIPPED / f"light-{options.brush}.safetensors"
    with contextlib.redirect_stdout(io.StringIO()):
        if convert_weights.main(["convert_weights", str(source), str(checkpoint / "last_ckpt.pt")]):
            raise SystemExit(f"{source.name}: cannot be written as PyTorch's")
    flags = {
        "img_path": path,
        "canvas_color": "white",
        "max_m_strokes": options.strokes,
        "m_grid": GRID,
        "renderer": options.brush,
        "net_G": "zou-fusion-net-light",
        "renderer_checkpoint_dir": checkpoint,
        "output_dir": out,
    }
    command = [os.path.abspath(shutil.which(options.python)), "demo.py", "--disable_preview"]
    command += [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]
    made = out / f"{path.stem}_final.png", out / f"{path.stem}_strokes.npz"
    gflops = machine.matrix_product_gflops()
    # Its lines as they are printed.
    run = _run(command, made, folder=options.snp, PYTHONUNBUFFERED="1")
    with np.load(made[1]) as strokes:
        count = int(np.prod(strokes["x_ctt"].shape[:2]))
    steps = len(run.steps)
    pace = (run.steps[-1] - run.steps[0]) / (steps - 1) if steps > 1 else None
    drawing = images.read_image(made[0])
    return _row("SNP", run, pace, drawing, photo, gflops, strokes=count, steps=steps), drawing


def _ours(
    renderer: str,
    path: pathlib.Path,
    photo: np.ndarray,
    options: argparse.Namespace,
    flags: list[str],
    work: pathlib.Path,
) -> tuple[dict[str, object], np.ndarray]:
    """The row of our painter with a renderer, and its drawing."""
    out = work / renderer
    command = [sys.executable, str(quality.PAINT), str(path), f"--out={out}", "--report", "--config=snp.py"]
    command += [f"--config.{key}={getattr(options, key)}" for key in ("brush", "strokes")]
    command += [f"--config.renderer={renderer}", *flags]
    made = out / f"{path.stem}.png", out / f"{path.stem}.json"
    _run(command, made)
    gflops = machine.matrix_product_gflops()
    run = _run(command, made)
    report = json.loads(made[1].read_text())
    steps = report["settings"]["steps"]
    pace = report["seconds"]["fitting"] / steps
    drawing = images.read_image(made[0])
    row = _row(f"ours, {renderer}", run, pace, drawing, photo, gflops, strokes=report["strokes"], steps=steps)
    return row, drawing


def _row(
    painter: str,
    run: Run,
    pace: float | None,
    drawing: np.ndarray,
    photo: np.ndarray,
    gflops: float,
    **counts: int,
) -> dict[str, object]:
    """The figures of one painter; `pace` is its seconds a step."""
    height, width = drawing.shape[:2]
    close = metrics.closeness(drawing, pictures.resize(photo, (height, width)))
    return {
        "painter": painter,
        **counts,
        "seconds": round(run.seconds, 2),
        "seconds a step": pace,
        "psnr": close["psnr"],
        "ssim": close["ssim"],
        "drawing": f"{width} × {height}",
        "peak MiB": run.peak // 2**20,
        "GFLOP/s": round(gflops),
        "seconds at 140": round(run.seconds * gflops / machine.REFERENCE_GFLOPS, 2),
    }


def _run(
    command: Sequence[str], made: Sequence[pathlib.Path], *, folder: pathlib.Path | None = None, **environment: str
) -> Run:
    """Runs a program that writes some files.

    Raises:
      SystemExit: it failed, or they are not there; with the last lines that it printed.
    """
    told: collections.deque[str] = collections.deque(maxlen=SHOWN)
    steps = []
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, *command],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "step_psnr" in line:
                steps.append(time.perf_counter() - start)
            told.append(line.rstrip())
    seconds = time.perf_counter() - start
    missing = [path.name for path in made if not path.exists()]
    if process.returncode or missing:
        how = f"exit status {process.returncode}" if process.returncode else f"no {' and no '.join(missing)}"
        raise SystemExit("\n".join([*told, f"{shlex.join(command)}: {how}; above, the last lines that it printed"]))
    return Run(seconds, int(told[-1]), steps)


if __name__ == "__main__":
    main()
