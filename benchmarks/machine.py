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
    width, height, left, right, above = 420, 260, 60, 150, 30
    colors = ("#1b6ca8", "#d1495b", "#2e8b57", "#e0a100", "#7b4ea3", "#444444")
    shapes = []
    for i, (title, curves) in enumerate(panels.items()):
        x0, top = (i % columns) * (width + left + right) + left, (i // columns) * (height + 2 * above) + above
        values = np.concatenate([np.asarray(curve, float) for curve in curves.values()])
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        shapes.append(f'<text x="{x0}" y="{top - 10}">{title}</text>')
        shapes.append(f'<rect x="{x0}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>')
        for value in np.linspace(low, high, 5):
            y = top + height * (1 - (value - low) / max(high - low, 1e-12))
            shapes.append(f'<text x="{x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        longest = max(map(len, curves.values()))
        last = (end if isinstance(end, str) else end[i]) or f"step {longest}"
        if isinstance(last, str):
            marks = [(1.0, "end", last)]
        else:
            marks = [(k / max(longest - 1, 1), "middle", mark) for k, mark in enumerate(last)]
        for along, anchor, mark in marks:
            at = f'x="{x0 + width * along:.1f}" y="{top + height + 16}" text-anchor="{anchor}"'
            shapes.append(f"<text {at}>{mark}</text>")
        for j, (label, curve) in enumerate(curves.items()):
            x = x0 + width * np.arange(len(curve)) / max(longest - 1, 1)
            y = top + height * (1 - (np.asarray(curve) - low) / max(high - low, 1e-12))
            points = [(f"{a:.1f}", f"{b:.1f}") for a, b in zip(x, y, strict=True) if np.isfinite(b)]
            line, color = " ".join(map(",".join, points)), colors[j % len(colors)]
            shapes.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
            if len(points) <= DOTS:
                shapes += [f'<circle cx="{a}" cy="{b}" r="2.5" fill="{color}"/>' for a, b in points]
            shapes.append(f'<text x="{x0 + width + 6}" y="{top + 12 + 16 * j}" fill="{color}">{label}</text>')
    rows = -(-len(panels) // columns)
    size = f'width="{min(len(panels), columns) * (width + left + right)}" height="{rows * (height + 2 * above)}"'
    style = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12"'
    body = "\n".join(shapes)
    background = '<rect width="100%" height="100%" fill="white"/>'
    path.write_text(f"<svg {style} {size}>\n{background}\n{body}\n</svg>\n", encoding="utf-8")


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
