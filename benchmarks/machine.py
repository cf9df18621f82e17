"""What every benchmark says beside its figures: the machine, how fast it is right now, and the photographs."""

from __future__ import annotations

import json
import pathlib
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from jaxpaint import pictures, runtime
from jaxpaint.io import atomic, images

REFERENCE_GFLOPS = 140.0
RESULTS = pathlib.Path(__file__).parent / "results"
# Curves of no more values than these have a dot at each.
DOTS = 8


def median_seconds(function: Callable[[], Any], *, repeats: int = 5) -> float:
    """Median wall time of a call whose results are waited for, after one to warm up."""
    return alternating_seconds([function], repeats=repeats)[0]


def alternating_seconds(functions: Sequence[Callable[[], Any]], *, repeats: int = 5) -> list[float]:
    """`median_seconds` of each; they take turns, so that what else the machine does slows all alike."""
    return [statistics.median(spent) for spent in turns(functions, repeats=repeats)]


def turns(functions: Sequence[Callable[[], Any]], *, repeats: int = 5) -> list[list[float]]:
    """What `alternating_seconds` takes the medians of: of each function, the wall time of every call."""
    for function in functions:
        jax.block_until_ready(function())
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, spent in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            jax.block_until_ready(function())
            spent.append(time.perf_counter() - start)
    return seconds


def spread(seconds: Sequence[float]) -> float:
    """How far apart the quartiles of some measurements are."""
    low, high = np.percentile(seconds, [25, 75])
    return float(high - low)


def matrix_product_gflops(size: int = 2048) -> float:
    """Measured rate of a float32 matrix product."""
    a = jnp.ones((size, size))
    product = jax.jit(lambda a: a @ a)
    return 2 * size**3 / median_seconds(lambda: product(a)) / 1e9


def copy_gigabytes_per_second(megabytes: int = 256) -> float:
    """Measured rate at which memory is read and written by an elementwise program."""
    a = jnp.ones(megabytes * 2**18)
    double = jax.jit(lambda a: 2 * a)
    return 2 * a.nbytes / median_seconds(lambda: double(a)) / 1e9


def photograph(name: str) -> pathlib.Path | np.ndarray:
    """A photograph by name (scikit-image's astronaut, coffee, …; scikit-learn's china, flower) or by path."""
    if name in ("astronaut", "camera", "chelsea", "coffee", "hubble_deep_field", "rocket"):
        import skimage.data

        picture = getattr(skimage.data, name)()
        return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)
    if name in ("china", "flower"):
        import sklearn.datasets

        return sklearn.datasets.load_sample_image(f"{name}.jpg")
    return pathlib.Path(name)


def picture(name: str) -> np.ndarray:
    """The photograph in [0, 1]."""
    found = photograph(name)
    return images.read_image(found) if isinstance(found, pathlib.Path) else np.asarray(found, np.float32) / 255


def photograph_file(name: str, folder: pathlib.Path) -> pathlib.Path:
    """The photograph as a file, written to the folder if need be."""
    picture = photograph(name)
    if isinstance(picture, pathlib.Path):
        return picture
    path = folder / f"{name}.png"
    images.write_image(path, np.asarray(picture, np.float32) / 255)
    return path


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a Markdown table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names)]
    lines += [[_shown(value) for value in row.values()] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def contact_sheet(strips: Sequence[Sequence[np.ndarray]], height: int) -> np.ndarray:
    """Pictures of one height side by side, each strip below the last."""
    rows = []
    for strip in strips:
        shapes = [(height, max(1, round(height * p.shape[1] / p.shape[0]))) for p in strip]
        rows.append(np.concatenate([pictures.resize(p, s) for p, s in zip(strip, shapes, strict=True)], axis=1))
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=1.0) for r in rows])


def plot(
    path: pathlib.Path,
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    end: str | Sequence[str | Sequence[str]] = "",
    columns: int = 3,
) -> None:
    """Draws curves as SVG.

    Args:
      path: of the file.
      panels: title to curves; a curve's label to its values, evenly spread; NaN where it has none.
      end: what the last value of the longest curve stands at, in all panels or in each, or what all of its values
        stand at; by default, there is a value for each step.
      columns: panels side by side.
    """
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.8 * min(len(panels), columns), 3.0 * rows), layout="constrained")
    for number, (title, curves) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, min(len(panels), columns), number + 1)
        longest = max(map(len, curves.values()))
        for label, curve in curves.items():
            values = np.asarray(curve, float)
            at = np.flatnonzero(np.isfinite(values))
            dots = "." if len(at) <= DOTS else ""
            axes.plot(at, values[at], marker=dots, linewidth=1.2, label=label, gid=f"curve {number + 1} {label}")
        last = (end if isinstance(end, str) else end[number]) or f"step {longest}"
        axes.set_xticks(
            [longest - 1] if isinstance(last, str) else range(longest), [last] if isinstance(last, str) else last
        )
        axes.set_title(title, loc="left", fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    # Texts as texts, and the same file for the same values.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "jaxpaint", "font.size": 9.0}):
        figure.savefig(path, metadata={"Date": None})


def write(name: str, rows: Sequence[Mapping[str, Any]], out: pathlib.Path, **facts: Any) -> None:
    """Prints the table, and saves it."""
    print(table(rows), flush=True)
    save(name, rows, out, **facts)


def save(name: str, rows: Sequence[Mapping[str, Any]], out: pathlib.Path, **facts: Any) -> None:
    """Writes the table with machine, versions, commit and command to `out/NAME.json`, all of it or nothing."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=False
    )
    command = shlex.join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])
    result = {"command": command, "commit": commit.stdout.strip(), **runtime.report(), **facts, "rows": list(rows)}
    out.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(out / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
