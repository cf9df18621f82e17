"""Films painted by several processes: each process paints whole scenes, and all processes receive all frames.

A scene runs from one keyframe to the next, and does not depend on any other scene. In each round, every process paints
one scene; then the processes exchange their frames.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import Float, PRNGKeyArray

from jaxpaint import runtime
from jaxpaint.painter import Map
from jaxpaint.settings import FilmSettings
from jaxpaint.types import Picture, Style
from jaxpaint.video import painter
from jaxpaint.video.cuts import fitted, is_keyframe
from jaxpaint.video.frames import FrameMetrics, Layer, VideoState


class Scene(NamedTuple):
    """A range of a film's frames.

    Attributes:
      first: number of the first frame.
      end: number after that of the last frame.
    """

    first: int
    end: int


def scenes(frames: Iterable[Picture], settings: FilmSettings) -> list[Scene]:
    """Splits a video into scenes at its keyframes.

    Args:
      frames: pictures of the video, as for `painter.film`.
      settings: the film's settings.
    """
    firsts, before, end = [], None, 0
    for end, picture in enumerate(frames, start=1):
        small = fitted(picture, settings)
        if before is None or is_keyframe(before, small, settings):
            firsts.append(end - 1)
        before = small
    return [Scene(*ends) for ends in zip(firsts, [*firsts[1:], end], strict=True)]


def film(
    read: Callable[[Scene], Iterable[Picture]],
    every: Iterable[Scene],
    *,
    key: PRNGKeyArray,
    settings: FilmSettings = FilmSettings(),
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    style: Style | None = None,
    detail: Callable[[Scene], Map | Iterable[Map] | None] = lambda _: None,
    resume: VideoState | None = None,
) -> Iterator[tuple[VideoState, FrameMetrics]]:
    """Paints the frames of a video with all processes (see `runtime.join`).

    Every process has to call this function.

    Args:
      read: function that returns the frames of a scene; a resumed scene starts with the frame of `resume`.
      every: all scenes, in order.
      key, settings, brush_image, style, resume: as for `painter.film`.
      detail: function that returns the maps of detail of a scene's frames, as for `painter.film`.

    Yields:
      The state and the metrics of each frame, as `painter.film` does. The first process's frames come as they are
      painted. The other processes' frames come once all processes have painted their scenes. These frames come without
      the optimiser's state, which is of no use at a scene's end.
    """
    ahead = list(every)
    if resume:
        ahead = [Scene(max(s.first, resume.number), s.end) for s in ahead if s.end > resume.number + 1]
    processes, here = jax.process_count(), jax.process_index()
    made = resume.made if resume else 0
    for start in range(0, len(ahead), processes):
        together = ahead[start : start + processes]
        # Stroke ids start at 0 in every scene, except in a resumed one.
        before = [resume if resume and scene.first == resume.number else None for scene in together]
        painted = []
        if here < len(together):
            scene = painter.film(
                read(together[here]),
                key=key,
                settings=settings,
                brush_image=brush_image,
                style=style,
                detail=detail(together[here]),
                resume=before[here],
                first=together[here].first,
            )
            for state, facts in _by_own_devices(scene):
                painted.append((_without_optimizer(state), facts))
                if here == 0:
                    yield _renumbered(state, 0 if before[0] else made), facts
        for process, frames in enumerate(_exchanged(painted)[: len(together)]):
            earlier = 0 if before[process] else made
            for state, facts in frames:
                state = _renumbered(state, earlier)
                made = state.made
                if here or process:
                    yield state, facts


def _by_own_devices(frames: Iterator[tuple[VideoState, FrameMetrics]]) -> Iterator[tuple[VideoState, FrameMetrics]]:
    """Computes the frames on this process's own devices; between frames, the caller's mesh is set."""
    while True:
        with jax.set_mesh(runtime.own_mesh()):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def _renumbered(state: VideoState, made: int) -> VideoState:
    """Shifts a scene's stroke ids by the number of strokes made in earlier scenes."""
    return state._replace(ids=state.ids + made, made=state.made + made)


def _without_optimizer(state: VideoState) -> VideoState:
    """Drops the optimiser's state, which begins anew with every scene."""

    def forgetful(layer: Layer | None) -> Any:
        return layer and Layer.fresh(layer.strokes)

    return state._replace(plain=forgetful(state.plain), styled=forgetful(state.styled))


def _exchanged(painted: list[tuple[VideoState, FrameMetrics]]) -> list[list[tuple[VideoState, FrameMetrics]]]:
    """Gathers the painted frames of every process, in the order of the processes."""
    data = np.frombuffer(pickle.dumps(painted), np.uint8)
    sizes = multihost_utils.process_allgather(np.array(len(data)))
    everybodys = multihost_utils.process_allgather(np.pad(data, (0, sizes.max() - len(data))))
    return [pickle.loads(row[:size].tobytes()) for row, size in zip(everybodys, sizes, strict=True)]
