"""How good paintings are, and what they cost: `bin/paint` as a whole process, cold and warm.

    python benchmarks/quality.py --photos=astronaut,coffee --configs=quick,paint
    python benchmarks/quality.py --photos=china --brushes=watercolor --strokes=200,1000

Each painting runs in a process of its own, first with an empty compilation cache, then with that of the first run.
Writes
quality.json and quality.png (photographs, and to their right their paintings) to --out.
"""

from __future__ import annotations

import argparse
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

PAINT = pathlib.Path(__file__).parents[1] / "bin" / "paint"


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default="astronaut,coffee", help="names or paths, with commas")
    parser.add_argument("--brushes", default="oilpaintbrush", help="names, with commas")
    parser.add_argument("--configs", default="paint", help="names of files in configs/, with commas")
    parser.add_argument("--strokes", default="", help="numbers, with commas; empty: as the config says")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    parser.add_argument("--name", default="quality", help="of the files in --out")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    rows, sheet = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for photo in options.photos.split(","):
            path = machine.photograph_file(photo, work)
            strip = [images.read_image(path)]
            for brush in options.brushes.split(","):
                for config in options.configs.split(","):
                    for strokes in options.strokes.split(","):
                        settings = [f"--config.brush={brush}", *(f"--config.{s}" for s in options.set)]
                        settings += [f"--config.strokes={strokes}"] if strokes else []
                        row, picture = _painting(path, [f"--config={config}.py", *settings], work)
                        rows.append({"photo": path.stem, "brush": brush, "config": config, **row})
                        print(machine.table(rows[-1:]).splitlines()[-1], flush=True)
                        strip.append(picture)
            sheet.append(strip)
    machine.write(options.name, rows, options.out)
    images.write_image(options.out / f"{options.name}.png", _contact_sheet(sheet))


def _painting(path: pathlib.Path, flags: list[str], work: pathlib.Path) -> tuple[dict[str, object], np.ndarray]:
    """The figures of one painting, and the painting."""
    gflops = machine.matrix_product_gflops()
    with tempfile.TemporaryDirectory(dir=work) as cache:
        environment = os.environ | {"JAXPAINT_CACHE": cache}
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            command = [sys.executable, str(PAINT), str(path), f"--out={work}/out", "--report", *flags]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
            seconds.append(time.perf_counter() - start)
    report = json.loads((work / "out" / f"{path.stem}.json").read_text())
    row = {
        "strokes": report["strokes"],
        "psnr": report["psnr"],
        "ssim": report["ssim"],
        "l1": report["l1"],
        "seconds cold": round(seconds[0], 1),
        "seconds warm": round(seconds[1], 1),
        "fitting": report["seconds"]["fitting"],
        "peak MiB": report["peak_memory_bytes"] // 2**20,
        "GFLOP/s": round(gflops),
    }
    return row, images.read_image(work / "out" / f"{path.stem}.png")


def _contact_sheet(strips: list[list[np.ndarray]], height: int = 320) -> np.ndarray:
    """Pictures of one height side by side, photographs one below the other."""
    rows = []
    for strip in strips:
        shapes = [(height, max(1, round(height * p.shape[1] / p.shape[0]))) for p in strip]
        rows.append(np.concatenate([images.resize(p, s) for p, s in zip(strip, shapes, strict=True)], axis=1))
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=1.0) for r in rows])


if __name__ == "__main__":
    main()
