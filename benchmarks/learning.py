"""How networks learn: curves of training runs, and where they ended.

    python benchmarks/learning.py --runs=oil:runs/light+runs/more,markerpen:runs/markerpen

A run is a folder of `bin/train_renderer`, or several, with +, of which each began with the weights of the one before.
Writes learning.json (with the validations) and learning.svg (PSNR of alpha and of the foreground, of the steps' own
strokes, by steps that draw: those of the distances do not count) to --out.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
from collections.abc import Sequence

import machine
import numpy as np

# Points of a curve, evenly spread over the longest run.
POINTS = 200


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--runs", required=True, help="name:folder[+folder]..., with commas")
    parser.add_argument("--name", default="learning", help="of the files in --out")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    rows, validations = [], {}
    parts: dict[str, dict[str, np.ndarray]] = {"alpha": {}, "foreground": {}}
    for run in options.runs.split(","):
        name, _, folders = run.partition(":")
        steps, seconds, kept = 0, 0.0, []
        curves: dict[str, list] = {part: [] for part in parts}
        for folder in map(pathlib.Path, folders.split("+")):
            recipe = json.loads((folder / "recipe.json").read_text())
            lines = metrics(folder)
            undrawn = 0 if recipe["init"] else recipe["distance_steps"]
            for line in lines:
                at = steps + line["step"] - undrawn
                if "psnr" in line:
                    kept.append({**line, "step": at})
                elif at > steps:
                    for part, curve in curves.items():
                        if line[part]:
                            curve.append((at, -10 * math.log10(line[part])))
            steps += lines[-1]["step"] - undrawn
            seconds += lines[-1]["seconds"]
        validations[name] = kept
        best = max(kept, key=lambda line: line["psnr"])
        rows.append(
            {
                "run": name,
                "steps": steps,
                "strokes, million": round(steps * recipe["batch"] / 1e6, 2),
                "hours": round(seconds / 3600, 2),
                **{key: round(best[key], 2) for key in ("psnr_foreground", "psnr_alpha", "psnr")},
            }
        )
        for part, curve in curves.items():
            parts[part][name] = np.array(curve)
    machine.write(options.name, rows, options.out, validations=validations)
    longest = max(row["steps"] for row in rows)
    at = np.linspace(0, longest, POINTS)
    machine.plot(
        options.out / f"{options.name}.svg",
        {f"{part}, dB": {name: values(curve, at) for name, curve in curves.items()} for part, curves in parts.items()},
        end=f"step {longest}",
    )


def metrics(folder: pathlib.Path) -> list[dict[str, float]]:
    """What a run noted, line by line."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def values(curve: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A curve of pairs (place, value) at some places; NaN where it has not begun, or is over."""
    return np.interp(at, *curve.T, left=np.nan, right=np.nan) if len(curve) else np.full(len(at), np.nan)


if __name__ == "__main__":
    main()
