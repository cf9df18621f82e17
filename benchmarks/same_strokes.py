"""Tells whether two checkouts paint the same strokes, bit for bit.

    git worktree add ../before HEAD~1
    python benchmarks/same_strokes.py ../before

Paints small pictures with every brush, network and mode, styles two of them and films a moving crop, in this checkout
and in the other one, on this machine, and compares checksums. A stored checksum would not do: another processor rounds
otherwise. --only=NAME[,NAME...] chooses cases. Exit status 1 if any differs.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import types
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).resolve().parents[1]
FRAMES = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Compares two checkouts; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=pathlib.Path, nargs="?", help="another checkout; none: prints checksums")
    parser.add_argument("--only", default="", help="cases, with commas")
    options = parser.parse_args(argv)
    chosen = [name for name in options.only.split(",") if name] or list(_cases())
    if options.other is None:
        for name in chosen:
            print(json.dumps({name: _checksum(_cases()[name]())}), flush=True)
        return 0
    runs = [_run(checkout, chosen) for checkout in (options.other.resolve(), HERE)]
    different = 0
    for name, other, here in zip(chosen, *runs, strict=True):
        different += other != here
        print(f"{name:<16} {other:08x} {here:08x} {'same' if other == here else 'DIFFERENT'}", flush=True)
    return int(different > 0)


def _run(checkout: pathlib.Path, chosen: Sequence[str]) -> list[int]:
    """The checksums of a checkout's cases."""
    command = [sys.executable, __file__, f"--only={','.join(chosen)}"]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [next(iter(json.loads(line).values())) for line in output.splitlines()]


def _checksum(arrays: Sequence[Any]) -> int:
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array).tobytes(), checksum)
    return checksum


def _cases() -> dict[str, Callable[[], Sequence[Any]]]:
    """Every case, by its name: a function that gives arrays."""
    import jaxpaint

    # Sizes at which the proportions are rounded.
    few = {"strokes": 60, "steps": 60, "size": 101}
    cases: dict[str, Callable[[], Sequence[Any]]] = {}

    def add(name: str, **settings: Any) -> None:
        cases[name] = lambda: _painting(settings)

    for brush in jaxpaint.BRUSHES:
        add(brush, **few, brush=brush)
    add("economy", **few, economy=0.05, accents=0.1, jitter=0.05, max_aspect=4.0)
    add("underpainting", **few, underpainting=0.2)
    add("grid", **few, mode="grid", brush="oilpaintbrush", l1=1.0, direction=0.0)
    add("transport", strokes=20, steps=30, size=64, brush="rectangle", transport=1.0, detail="alike")
    add("ink", **few, ink="0,0,0", brush="markerpen", upright=True, spread=0.5)
    add("blocks", **few, mode="blocks", grid=2, brush="oilpaintbrush")
    add("light", **few | {"steps": 24}, renderer="light", brush="oilpaintbrush")
    add("light-blocks", **few | {"steps": 24}, renderer="light", brush="watercolor", mode="blocks", grid=3)
    cases |= {"stamps": _with_stamps, "styled": _styled, "styled-colors": lambda: _styled(mode="color")}
    for method in ("persistent", "previous", "independent"):
        cases[f"film-{method}"] = lambda method=method: _film(method)
    cases["film-styled"] = lambda: _film("persistent", styled=True)
    cases["film-light"] = lambda: _film("persistent", renderer="light")
    return cases


def _picture(top: int = 0) -> np.ndarray:
    """A crop of the astronaut, `[96, 80, 3]`."""
    import skimage.data

    return (skimage.data.astronaut()[top : top + 288 : 3, 100:340:3] / 255).astype(np.float32)


def _painting(settings: dict[str, Any], **options: Any) -> list[np.ndarray]:
    import jax

    import jaxpaint

    jaxpaint.use_all_cores()
    painting = jaxpaint.paint(_picture(), key=jax.random.key(1), settings=jaxpaint.Settings(**settings), **options)
    return [painting.strokes, jaxpaint.draw(painting, size=128)]


def _with_stamps() -> list[np.ndarray]:
    """A painting with a brush of one's own, of two stamps."""
    stamps = np.random.default_rng(0).uniform(0.5, 1.0, (2, 16, 48, 3)).astype(np.float32)
    return _painting({"strokes": 60, "steps": 60, "size": 101}, brush_image=stamps)


def _styled(mode: str = "full") -> list[np.ndarray]:
    import jax

    import jaxpaint

    jaxpaint.use_all_cores()
    settings = jaxpaint.Settings(strokes=60, steps=30, size=67, brush="oilpaintbrush")
    painting = jaxpaint.paint(_picture(), key=jax.random.key(1), settings=settings)
    style = jaxpaint.StyleSettings(mode=mode, steps=5, vgg_size=64)
    return [jaxpaint.stylize(painting, _picture(100), key=jax.random.key(2), settings=style).strokes]


def _film(method: str, *, styled: bool = False, **settings: Any) -> list[np.ndarray]:
    """Strokes and their numbers of a few frames of a moving crop."""
    import jax

    import jaxpaint

    jaxpaint.use_all_cores()
    how = jaxpaint.FilmSettings(strokes=60, steps=30, size=67, method=method, frame_steps=12, **settings)
    style = jaxpaint.StyleSettings(steps=3, vgg_size=64)
    frames = jaxpaint.film(
        [_picture(2 * number) for number in range(FRAMES)],
        key=jax.random.key(3),
        settings=how,
        # Not jaxpaint.Style, which earlier checkouts lack.
        style=types.SimpleNamespace(pictures=[_picture(100)], settings=style) if styled else None,
    )
    return [array for state, _ in frames for array in (state.frame.strokes, state.frame.ids)]


if __name__ == "__main__":
    raise SystemExit(main())
