"""How good paintings are, and what they cost: `bin/paint` as a whole process, cold and warm.

    python benchmarks/quality.py --photos=astronaut,coffee --configs=quick,paint
    python benchmarks/quality.py --photos=china --brushes=watercolor --strokes=200,1000 --config.texture=0.5
    python benchmarks/quality.py --configs=quick --seconds=5,20 --in-process
    python benchmarks/quality.py --full --resume

Each painting runs in a process of its own: with an empty compilation cache, with that of the first run, and, untimed,
once more for its report; or in this process, and only once. The seam ratio, for `--config.mode=grid` and `blocks`, is
the mean error within 4 pixels of the blocks' borders over that elsewhere.

`--full` is the table of all brushes, in this process. By the engine, five photographs in 200 to 4,000 strokes and in 10
and 30 seconds of fitting (in 10, 500 strokes of the brushes that follow curves, for their rounds alone take longer with
4,000), two of them in 60 seconds, and with the oil brush in 120; by `light`, two photographs in 200 strokes, and with
the oil brush in 500, in 1,000 and in 30 seconds. That took two cores 87 minutes; all seconds of all photographs alone
are 73 of fitting, and 1,000 strokes of all brushes by a network some 30. They can be added: with `--resume`, rows of
the same photograph, settings and seconds that are in NAME.json, of whatever machine and commit, are not painted again,
and others that are there stay. Each is saved when it is done.

Writes to --out: NAME.json; NAME_summary.json, mean and standard deviation over photographs of all rows that are alike
but for that; NAME.svg, PSNR over strokes and seconds, if there are several; NAME.png, a strip for each photograph,
brush and renderer, with the photograph and its paintings, which are kept in NAME-pictures/. `benchmarks/compare.py`
compares two such files.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import machine
import numpy as np

from jaxpaint import pictures, runtime
from jaxpaint.cli import paint
from jaxpaint.cli.app import Refused
from jaxpaint.cli.options import command_line, define_flags
from jaxpaint.io import images
from jaxpaint.settings import Settings

PAINT = pathlib.Path(__file__).parents[1] / "bin" / "paint"
# Steps of the runs that say what time a painting takes, and a step: by the engine, and by a network. None has fewer.
TRIALS, NETWORK_TRIALS = (20, 60), (4, 8)
NEAR_SEAM = 4
# Heights of the paintings on a sheet, of few and of many strips.
HIGH, LOW, MANY = 320, 160, 6
FIVE, TWO, OIL = "astronaut,coffee,chelsea,china,flower", "astronaut,coffee", "oilpaintbrush"
ALL, BOXES, CURVES = "oilpaintbrush,watercolor,markerpen,rectangle", "oilpaintbrush,rectangle", "watercolor,markerpen"
FULL = (
    {"photos": FIVE, "brushes": ALL, "renderers": "exact", "strokes": "200,500,1000,4000", "seconds": ""},
    {"photos": FIVE, "brushes": BOXES, "renderers": "exact", "strokes": "", "seconds": "10"},
    {"photos": FIVE, "brushes": CURVES, "renderers": "exact", "strokes": "500", "seconds": "10"},
    {"photos": FIVE, "brushes": ALL, "renderers": "exact", "strokes": "", "seconds": "30"},
    {"photos": TWO, "brushes": ALL, "renderers": "exact", "strokes": "", "seconds": "60"},
    {"photos": TWO, "brushes": OIL, "renderers": "exact", "strokes": "", "seconds": "120"},
    {"photos": TWO, "brushes": ALL, "renderers": "light", "strokes": "200", "seconds": ""},
    {"photos": TWO, "brushes": OIL, "renderers": "light", "strokes": "500,1000", "seconds": ""},
    {"photos": TWO, "brushes": OIL, "renderers": "light", "strokes": "", "seconds": "30"},
)
# What a summary tells of the paintings that it averages.
SHOWN = ("brush", "renderer", "config", "strokes", "seconds")


class Task(NamedTuple):
    """A painting to be made: of a photograph, with flags of `bin/paint`, one of which names a file in configs/.

    In so many seconds of fitting, roughly, or, if None, in as many steps as they say.
    """

    photo: str
    config: str
    flags: tuple[str, ...]
    seconds: float | None

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that the flags give.

        Raises:
          Refused: they are wrong.
        """
        values = define_flags(out="")
        line = command_line(["paint", *self.flags], values, Settings, config="paint.py", usage="")
        assert line is not None  # They do not ask for help.
        return dataclasses.asdict(line.settings)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--photos", default=TWO, help="names or paths, with commas")
    parser.add_argument("--brushes", default="", help="names, with commas; empty: as the config says")
    parser.add_argument("--renderers", default="", help="names, with commas; empty: as the config says")
    parser.add_argument("--configs", default="paint", help="names of files in configs/, with commas")
    parser.add_argument("--strokes", default="", help="numbers, with commas; empty: as the config says")
    parser.add_argument("--seconds", default="", help="of fitting, roughly, with commas; empty: as the steps take")
    parser.add_argument("--full", action="store_true", help="the table described above")
    parser.add_argument("--in-process", action="store_true", help="paints once, here: no whole-process seconds")
    parser.add_argument("--resume", action="store_true", help="goes on with what is in --out")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    parser.add_argument("--name", default="quality", help="of the files in --out")
    options, others = parser.parse_known_args(argv)
    if unknown := [flag for flag in others if not flag.startswith("--config.")]:
        parser.error(f"expected flags as above or --config.KEY=VALUE, got {' '.join(unknown)}")
    try:
        tasks = {task: task.settings for task in _tasks(options, others)}
    except Refused as error:
        parser.error(str(error))
    here = options.in_process or options.full
    rows, settings = _earlier(options.out / f"{options.name}.json") if options.resume else ([], [])
    places = {_identity(*both): place for place, both in enumerate(zip(rows, settings, strict=True))}
    pictures = options.out / f"{options.name}-pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    strips: dict[tuple[str, str, str], list[np.ndarray]] = {}
    if here:
        runtime.use_all_cores()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for task, chosen in tasks.items():
            path = machine.photograph_file(task.photo, work)
            about = {"photo": path.stem, "brush": chosen["brush"], "renderer": chosen["renderer"]}
            about |= {"config": task.config, "seconds": task.seconds, "whole process": not here}
            place = places.setdefault(_identity(about, chosen), len(rows))
            kept = pictures / f"{place:03d}.png"
            if place == len(rows):
                alike = [row for row, other in zip(rows, settings, strict=True) if other == chosen]
                known = {row["steps"]: row["fitting"] for row in alike if row["photo"] == path.stem}
                row, picture = _painting(path, task, work, known, here=here)
                images.write_image(kept, machine.contact_sheet([[picture]], HIGH))
                rows.append(about | row)
                settings.append(chosen)
                machine.save(options.name, rows, options.out, settings=settings)
                print(machine.table(rows[-1:]).splitlines()[-1], flush=True)
            strip = strips.setdefault(tuple(about[name] for name in ("photo", "brush", "renderer")), [])
            # Pictures stay behind when a table is handed on.
            strip += [images.read_image(file) for file in (path, kept)[bool(strip) :] if file.exists()]
    machine.write(options.name, rows, options.out, settings=settings)
    summary = _summary(rows, settings)
    machine.write(f"{options.name}_summary", summary, options.out)
    panels, marks = _panels(rows)
    if panels:
        machine.plot(options.out / f"{options.name}.svg", panels, end=marks)
    sheet = machine.contact_sheet(list(strips.values()), HIGH if len(strips) < MANY else LOW)
    images.write_image(options.out / f"{options.name}.png", sheet)


def _tasks(options: argparse.Namespace, others: Sequence[str]) -> Iterator[Task]:
    """What is to be painted."""
    parts = [vars(options) | part for part in (FULL if options.full else ({},))]
    names = ("photos", "brushes", "renderers", "configs", "strokes", "seconds")
    for part in parts:
        for photo, brush, renderer, config, strokes, seconds in itertools.product(
            *(part[name].split(",") for name in names)
        ):
            given = {"brush": brush, "renderer": renderer, "strokes": strokes}
            flags = [f"--config.{key}={value}" for key, value in given.items() if value]
            yield Task(photo, config, (f"--config={config}.py", *flags, *others), float(seconds) if seconds else None)


def _earlier(path: pathlib.Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of an earlier run, and the settings of each; none if there was none."""
    if not path.exists():
        return [], []
    found = json.loads(path.read_text(encoding="utf-8"))
    if "settings" not in found or any("steps" not in row for row in found["rows"]):
        raise SystemExit(f"{path}: rows tell no settings or no steps; leave out --resume, or choose another --name")
    return found["rows"], found["settings"]


def _identity(row: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What a row is of: two of the same need not both be painted."""
    return json.dumps([*(row[name] for name in ("photo", "seconds", "whole process")), settings], sort_keys=True)


def _summary(rows: Sequence[Mapping[str, Any]], settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Means and standard deviations over photographs."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row, chosen in zip(rows, settings, strict=True):
        groups.setdefault(_identity({**row, "photo": "any"}, chosen), []).append(row)
    found = []
    for alike in groups.values():
        summary = {name: alike[0][name] for name in SHOWN} | {"photos": len(alike)}
        for name in ("psnr", "ssim", "l1", "fitting"):
            values = [row[name] for row in alike]
            summary |= {name: statistics.mean(values), f"{name} sd": statistics.stdev(values) if values[1:] else None}
        found.append(summary)
    return found


def _panels(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, dict[str, list[float]]], list[list[str]]]:
    """Curves of each brush over the strokes, or the seconds, and what these are; none of a single number of them.

    A value is the mean of the best PSNR of each of those photographs that have all values of a plot.
    """
    tables: dict[tuple[str, str], dict[str, dict[float, dict[str, float]]]] = {}
    for row in rows:
        by = "seconds" if row["seconds"] else "strokes"
        curves = tables.setdefault((by, row["renderer"]), {})
        best = curves.setdefault(row["brush"], {}).setdefault(row[by], {})
        best[row["photo"]] = max(row["psnr"], best.get(row["photo"], 0.0))
    panels: dict[str, dict[str, list[float]]] = {}
    marks = []
    for (by, renderer), curves in tables.items():
        values = sorted({value for curve in curves.values() for value in curve})
        photos = set.intersection(*(set(best) for curve in curves.values() for best in curve.values()))
        if len(values) > 1 and photos:
            marks.append([f"{value:g}" for value in values])
            panels[f"PSNR in dB by {by}, {renderer}, {', '.join(sorted(photos))}"] = {
                brush: [
                    statistics.mean(curve[value][photo] for photo in photos) if value in curve else np.nan
                    for value in values
                ]
                for brush, curve in sorted(curves.items())
            }
    return panels, marks


def _steps(path: pathlib.Path, task: Task, work: pathlib.Path, known: Mapping[int, float]) -> int:
    """How many steps take about as long as the task may.

    By a line through what has taken how long, for steps are not all: candidates for strokes are fitted by themselves.

    Args:
      path, task, work: the painting, and where to make others.
      known: seconds that the same painting took in other numbers of steps; trials make up for what there is not.
    """
    assert task.seconds
    trials, known = TRIALS if task.settings["renderer"] == "exact" else NETWORK_TRIALS, dict(known)
    for steps in trials:
        if len(known) < 2 and steps not in known:
            known[steps] = _report(path, [*task.flags, f"--config.steps={steps}"], work)["seconds"]["fitting"]
    start = np.polyfit(list(known), list(known.values()), 1)[1]
    start = min(max(start, 0.0), 0.9 * min(known.values()))
    most = max(known)
    return max(trials[0], round((task.seconds - start) * most / (known[most] - start)))


def _report(path: pathlib.Path, flags: Sequence[str], work: pathlib.Path, cache: str | None = None) -> dict:
    """The report of `bin/paint`; with a folder for compiled programs, as a process of its own."""
    flags = [f"--out={work}/out", "--report", *flags]
    if cache is not None:
        _process(path, flags, cache)
    else:
        with contextlib.redirect_stdout(io.StringIO()):
            if paint.main(["paint", str(path), *flags]):
                raise SystemExit(f"paint {path} {' '.join(flags)} failed")
    return json.loads((work / "out" / f"{path.stem}.json").read_text())


def _process(path: pathlib.Path, flags: Sequence[str], cache: str) -> float:
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
    path: pathlib.Path, task: Task, work: pathlib.Path, known: Mapping[int, float], *, here: bool
) -> tuple[dict[str, object], np.ndarray]:
    """The figures of one painting, and the painting; see `_steps` for what is known."""
    flags = list(task.flags)
    if task.seconds:
        flags.append(f"--config.steps={_steps(path, task, work, known)}")
    gflops = machine.matrix_product_gflops()
    scale = gflops / machine.REFERENCE_GFLOPS
    with tempfile.TemporaryDirectory(dir=work) as cache:
        plain = [f"--out={work}/out", *flags]
        cold, warm = (None, None) if here else (_process(path, plain, cache) for _ in range(2))
        report = _report(path, flags, work, None if here else cache)
    picture = images.read_image(work / "out" / f"{path.stem}.png")
    row = {
        "strokes": report["strokes"],
        "steps": report["settings"]["steps"],
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
    error = np.abs(picture - pictures.resize(photo, picture.shape[:2])).mean(axis=-1)
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
