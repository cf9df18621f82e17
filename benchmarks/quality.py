"""How good paintings are, and what they cost: `bin/paint` as a whole process, cold and warm.

    python benchmarks/quality.py --photos=astronaut,coffee --configs=quick,paint
    python benchmarks/quality.py --photos=china --brushes=watercolor --strokes=200,1000 --config.texture=0.5
    python benchmarks/quality.py --configs=quick --seconds=5,20 --in-process

Each painting runs in a process of its own: with an empty compilation cache, with that of the first run, and, untimed,
once more for its report; or in this process, and only once. Writes quality.json and quality.png (photographs, and to
their right their paintings) to --out. The seam ratio, for `--config.mode=grid` and `blocks`, is the mean error within 4
pixels of the blocks' borders over that elsewhere.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import machine
import numpy as np

from jaxpaint import images
from jaxpaint.commands import paint

PAINT = pathlib.Path(__file__).parents[1] / "bin" / "paint"
# Steps of the run that says how long a step takes.
TRIAL = 60
NEAR_SEAM = 4


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--photos", default="astronaut,coffee", help="names or paths, with commas")
    parser.add_argument("--brushes", default="oilpaintbrush", help="names, with commas")
    parser.add_argument("--configs", default="paint", help="names of files in configs/, with commas")
    parser.add_argument("--strokes", default="", help="numbers, with commas; empty: as the config says")
    parser.add_argument("--seconds", default="", help="of fitting, roughly, with commas; empty: as the steps take")
    parser.add_argument("--in-process", action="store_true", help="paints once, here: no whole-process seconds")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    parser.add_argument("--name", default="quality", help="of the files in --out")
    options, others = parser.parse_known_args(argv)
    if unknown := [flag for flag in others if not flag.startswith("--config.")]:
        parser.error(f"expected flags as above or --config.KEY=VALUE, got {' '.join(unknown)}")
    kinds = [getattr(options, name).split(",") for name in ("brushes", "configs", "strokes", "seconds")]
    options.out.mkdir(parents=True, exist_ok=True)
    rows, sheet = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for photo in options.photos.split(","):
            path = machine.photograph_file(photo, work)
            strip = [images.read_image(path)]
            for brush, config, strokes, seconds in itertools.product(*kinds):
                flags = [f"--config={config}.py", f"--config.brush={brush}", *others]
                flags += [f"--config.strokes={strokes}"] if strokes else []
                if seconds:
                    trial = _report(path, [*flags, f"--config.steps={TRIAL}"], work)
                    steps = max(1, round(TRIAL * float(seconds) / trial["seconds"]["fitting"]))
                    flags.append(f"--config.steps={steps}")
                row, picture = _painting(path, flags, work, here=options.in_process)
                rows.append({"photo": path.stem, "brush": brush, "config": config, **row})
                print(machine.table(rows[-1:]).splitlines()[-1], flush=True)
                strip.append(picture)
            sheet.append(strip)
    machine.write(options.name, rows, options.out)
    images.write_image(options.out / f"{options.name}.png", machine.contact_sheet(sheet, 320))


def _report(path: pathlib.Path, flags: list[str], work: pathlib.Path, cache: str | None = None) -> dict:
    """The report of `bin/paint`; with a folder for compiled programs, as a process of its own."""
    flags = [f"--out={work}/out", "--report", *flags]
    if cache is not None:
        _process(path, flags, cache)
    else:
        with contextlib.redirect_stdout(io.StringIO()):
            if paint.main(["paint", str(path), *flags]):
                raise SystemExit(f"paint {path} {' '.join(flags)} failed")
    return json.loads((work / "out" / f"{path.stem}.json").read_text())


def _process(path: pathlib.Path, flags: list[str], cache: str) -> float:
    """Seconds that the process of `bin/paint` takes."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, str(PAINT), str(path), *flags],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"JAXPAINT_CACHE": cache},
    )
    return time.perf_counter() - start


def _painting(
    path: pathlib.Path, flags: list[str], work: pathlib.Path, *, here: bool
) -> tuple[dict[str, object], np.ndarray]:
    """The figures of one painting, and the painting."""
    gflops = machine.matrix_product_gflops()
    scale = gflops / machine.REFERENCE_GFLOPS
    with tempfile.TemporaryDirectory(dir=work) as cache:
        plain = [f"--out={work}/out", *flags]
        cold, warm = (None, None) if here else (_process(path, plain, cache) for _ in range(2))
        report = _report(path, flags, work, None if here else cache)
    picture = images.read_image(work / "out" / f"{path.stem}.png")
    row = {
        "strokes": report["strokes"],
        "psnr": report["psnr"],
        "ssim": report["ssim"],
        "l1": report["l1"],
        "seam ratio": _seam_ratio(picture, images.read_image(path), report["settings"]),
        "seconds cold": cold and round(cold, 1),
        "seconds warm": warm and round(warm, 1),
        "fitting": report["seconds"]["fitting"],
        # Of this process, it would say nothing about the painting.
        "peak MiB": None if here else report["peak_memory_bytes"] // 2**20,
        "GFLOP/s": round(gflops),
        "cold at 140": cold and round(cold * scale, 1),
        "warm at 140": warm and round(warm * scale, 1),
        "fitting at 140": round(report["seconds"]["fitting"] * scale, 1),
    }
    return row, picture


def _seam_ratio(picture: np.ndarray, photo: np.ndarray, settings: dict) -> float | None:
    """Mean absolute error near the borders between a grid's blocks over that elsewhere; None without borders."""
    if settings["mode"] == "progressive" or settings["grid"] == 1:
        return None
    error = np.abs(picture - images.resize(photo, picture.shape[:2])).mean(axis=-1)
    # In mode `blocks` they are square.
    divided = [max(error.shape)] * 2 if settings["mode"] == "blocks" else error.shape
    row, column = (
        _near_seam(side, length / settings["grid"]) for side, length in zip(error.shape, divided, strict=True)
    )
    near = row[:, None] | column
    return round(float(error[near].mean() / error[~near].mean()), 4) if near.any() and not near.all() else None


def _near_seam(side: int, block: float) -> np.ndarray:
    """Whether the pixels along a side lie within reach of a border between blocks of that length."""
    borders = np.arange(block, side - block / 100, block)
    return np.any(np.abs(np.arange(side)[:, None] + 0.5 - borders) < NEAR_SEAM, axis=1)


if __name__ == "__main__":
    main()
