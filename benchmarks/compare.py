"""Two tables of `benchmarks/quality.py` beside each other: what the second has that the first has not.

    python benchmarks/compare.py before.json after.json
    python benchmarks/compare.py exact.json light.json --apart-from=renderer

Compares the rows that are of the same photograph, brush, renderer, config, strokes and seconds, but for what
--apart-from names. Differences are the second's figures less the first's, seconds those at the same rate of a matrix
product. Writes NAME.json, NAME_summary.json (mean and standard deviation of the differences, and in how many rows the
second is better) and NAME.svg to --out.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import machine

SAME = ("photo", "brush", "renderer", "config", "strokes", "seconds")
# What is compared, and whether more of it is better.
FIGURES = {"psnr": True, "ssim": True, "l1": False, "fitting at 140": False}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=pathlib.Path, nargs=2, help="of quality.py")
    parser.add_argument("--apart-from", default="", help=f"which of {', '.join(SAME)} may differ, with commas")
    parser.add_argument("--name", default="compare", help="of the files in --out")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    same = [name for name in SAME if name not in options.apart_from.split(",")]
    before, after = (_rows(path, same) for path in options.files)
    common = [key for key in before if key in after]
    if not common:
        raise SystemExit(f"no row of {options.files[1]} is of the same painting as one of {options.files[0]}")
    rows = [
        dict(zip(same, key, strict=True)) | {name: round(after[key][name] - before[key][name], 5) for name in FIGURES}
        for key in common
    ]
    files = [path.name for path in options.files]
    machine.write(options.name, rows, options.out, files=files)
    machine.write(f"{options.name}_summary", [_summary(name, rows) for name in FIGURES], options.out, files=files)
    panels = {f"difference in {name}, row by row": {"": [row[name] for row in rows]} for name in FIGURES}
    machine.plot(options.out / f"{options.name}.svg", panels, end=f"row {len(rows)}")


def _rows(path: pathlib.Path, same: Sequence[str]) -> dict[tuple, Mapping[str, Any]]:
    """A table's rows, by what they are of."""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    found = {tuple(row.get(name) for name in same): row for row in rows}
    if len(found) < len(rows):
        raise SystemExit(f"{path}: several rows are alike in {', '.join(same)}")
    return found


def _summary(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean, standard deviation and sign of one figure's differences."""
    values = [row[name] for row in rows]
    return {
        "difference in": name,
        "rows": len(values),
        "mean": statistics.mean(values),
        "sd": statistics.stdev(values) if values[1:] else None,
        "better in": sum(value > 0 if FIGURES[name] else value < 0 for value in values),
    }


if __name__ == "__main__":
    main()
