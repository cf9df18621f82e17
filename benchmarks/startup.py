"""How long the commands take to start, cold and warm, and what they compile.

    python benchmarks/startup.py

Every script of bin/, as a process of its own: `--help`; then a tiny run with an empty folder of compiled programs
("cold"), and the same again with what that left there ("warm"). It paints the astronaut in 12 strokes, draws a painting
of random strokes, styles it for 2 steps, paints a clip of 3 frames, trains `light` for 3 steps on 8 strokes each, or
converts the weights of `light` for PyTorch. All but a moment of these runs is starting: Python, imports, tracing, and
compiling or reading programs.

The three take turns, after one --help to have the files in memory: so what a first start after a boot reads from the
disk is not in the figures. Seconds are medians, "spread" is how far apart their quartiles are.

"compiled" is how many programs XLA compiled, by JAX's own log of its compilations less those that it says it read from
the folder. To count new files in the folder would overlook what is compiled before the folder is named, or can't be
kept. Writes startup.json and startup.svg to --out.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import machine
import numpy as np

import jaxpaint
from jaxpaint import pictures
from jaxpaint.io import images, npz, videos

ROOT = pathlib.Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "astronaut.png"
TINY = ("--config.strokes=12", "--config.steps=12", "--config.size=32")
# A tiny run of each script; files and folders are those of the run.
RUNS: dict[str, tuple[str, ...]] = {
    "paint": (str(PHOTO), *TINY),
    "draw": ("painting.npz",),
    "export": ("painting.npz", "--out=painting.svg"),
    "stylize": ("painting.npz", f"--style={PHOTO}", "--config.steps=2", "--config.vgg_size=32"),
    "paint_video": ("clip.mp4", *TINY, "--config.frame_steps=4"),
    "train_renderer": (
        "--config.batch=8",
        "--config.steps=3",
        "--config.distance_steps=1",
        "--config.silhouette_steps=1",
        "--config.warmup=1",
        "--config.validated=64",
    ),
    "convert_weights": (
        str(ROOT / "jaxpaint" / "weights" / "light-oilpaintbrush.safetensors"),
        "light.pt",
        "--net=light",
        "--brush=oilpaintbrush",
    ),
}


class Started(NamedTuple):
    """What a process took: seconds from its start to its end, and programs that were compiled for it."""

    seconds: float
    compiled: int


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripts", default=",".join(RUNS), help="names, with commas")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    scripts = options.scripts.split(",")
    if unknown := set(scripts) - set(RUNS):
        parser.error(f"--scripts: expected some of {', '.join(RUNS)}, got {', '.join(sorted(unknown))}")
    gflops = machine.matrix_product_gflops()
    rows = []
    for script in scripts:
        rows.append(_row(script, options.repeats))
        print(machine.table(rows[-1:]).splitlines()[-1], flush=True)
    machine.write("startup", rows, options.out, gflops=gflops)
    bars = {script: [row[kind] for kind in ("help", "warm", "cold")] for script, row in zip(scripts, rows, strict=True)}
    machine.plot(options.out / "startup.svg", {"seconds": bars}, end=[["--help", "warm", "cold"]])


def _row(script: str, repeats: int) -> dict[str, Any]:
    """The figures of one script."""
    helped: list[Started] = []
    cold: list[Started] = []
    warm: list[Started] = []
    _started(script, ["--help"], cache="", folder=ROOT)
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as cache:
            helped.append(_started(script, ["--help"], cache="", folder=ROOT))
            for times, name in ((cold, "cold"), (warm, "warm")):
                folder = pathlib.Path(work) / name
                folder.mkdir()
                _prepare(folder)
                times.append(_started(script, RUNS[script], cache=cache, folder=folder))
    row: dict[str, Any] = {"script": script}
    for name, times in (("help", helped), ("cold", cold), ("warm", warm)):
        seconds = [each.seconds for each in times]
        row |= {name: round(statistics.median(seconds), 3), f"{name}, spread": round(machine.spread(seconds), 3)}
    # The most of all runs: none may compile what another has compiled before.
    return row | {
        f"compiled {name}": max(each.compiled for each in times) for name, times in (("cold", cold), ("warm", warm))
    }


def _prepare(folder: pathlib.Path) -> None:
    """Puts into the folder what scripts are given: a painting of random strokes, and a clip that moves over a photo."""
    settings = jaxpaint.Settings(strokes=12, size=32)
    dim = jaxpaint.BRUSHES[settings.brush].dim
    strokes = np.random.default_rng(0).uniform(0.2, 0.8, (12, dim)).astype(np.float32)
    painting = jaxpaint.Painting(strokes, settings.brush, 32, 32, settings.canvas_rgb, None, settings)
    npz.save_painting(folder / "painting.npz", painting)
    photo = np.round(pictures.resize(images.read_image(PHOTO), (40, 40)) * 255).astype(np.uint8)
    videos.write_video(folder / "clip.mp4", [photo[4:28, i : 32 + i] for i in range(3)], fps=10.0)


def _started(script: str, arguments: Sequence[str], *, cache: str, folder: pathlib.Path) -> Started:
    """Runs a script in a folder, with another for compiled programs (none if empty)."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "bin" / script), *arguments],
        cwd=folder,
        env=os.environ | {"JAXPAINT_CACHE": cache, "JAX_LOG_COMPILES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)} failed:\n{done.stderr}")
    asked, read = (done.stderr.count(said) for said in ("Finished XLA compilation of", "compilation cache hit for"))
    return Started(seconds, asked - read)


if __name__ == "__main__":
    main()
