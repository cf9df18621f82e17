"""`paint_video`: turns a video into a painted video."""

from __future__ import annotations

import dataclasses
import itertools
import math
import pathlib
import re
import statistics
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from absl import flags

from jaxpaint import pictures, runtime
from jaxpaint.cli import app, maps, options, outputs, progress
from jaxpaint.cli.app import Interrupted, Refused
from jaxpaint.cli.options import CommandLine
from jaxpaint.cli.outputs import Made
from jaxpaint.cli.resumable import SECONDS_BETWEEN_SAVES, check_same
from jaxpaint.errors import FilmFileError, JaxpaintError, WriteError
from jaxpaint.io import films, videos
from jaxpaint.io.atomic import locked
from jaxpaint.io.images import read_brush, read_image, write_image
from jaxpaint.settings import LIGHT, FilmSettings, StyleSettings
from jaxpaint.types import Style
from jaxpaint.video import distributed, painter
from jaxpaint.video.frames import Film, FrameMetrics, Painted, VideoProgress, VideoState

HELP = """\
usage: {program} VIDEO [--out=OUT.mp4] [--style=IMAGE[,IMAGE...]] [--size=N] [--report]
       [--detail=MAP] [--wet=X] [--relief=X] [--light=X] [--gloss=X] [--ground=NAME]
       [--previews] [--overwrite] [--stylize=FILE] [--config=FILE] [--config.KEY=VALUE]...

Paints a video: OUT.mp4, with the sound and subtitles of the source, and OUT.film, its strokes frame
by frame, from which bin/draw draws it at any size. The same command again continues it.

  {program} clip.mp4                                        1,000 strokes a frame
  {program} clip.mp4 -o small.gif --size=320 --config.stride=2
  {program} clip.mp4 --style=style.jpg                      in the style of a picture

  -o, --out=OUT  a folder, or the painted video: .mp4, .mov, .mkv, .webm or .gif
                 (default: paintings)
  --style=IMAGE  in the style of this picture; several with commas, or with the flag again
  --size=N       long side of the painted video in pixels (default: the source's)
  --detail=MAP   smaller strokes, closer to the video, where this picture or video is light
  --report       also OUT.json: how close every frame is, how long it took
{light}
  --resume       the default; --noresume refuses a film that there is already
  --previews     also OUT-frames/000000.png and so on
{overwrite}
  --stylize=FILE a file of settings for the style (default: configs/stylize.py)
  --config=FILE  a file of settings (default: configs/video.py)
{preview}
{quiet}
{help}

Settings, as --config.KEY=VALUE, with their values in {config}; --help=KEY describes one:

"""


def main(argv: Sequence[str] | None = None) -> int:
    """Paints a video; returns the exit status."""
    return app.run(_main, argv, usage=HELP)


def _main(argv: list[str]) -> int:
    values = options.basic_flags()
    flags.DEFINE_string("out", "paintings", "folder or video", short_name="o", flag_values=values)
    options.define_style(values)
    maps.define(values, film=True)
    flags.DEFINE_string("stylize", None, "settings of the style", flag_values=values)
    flags.DEFINE_integer("size", None, "long side in pixels", 1, pictures.LARGEST, flag_values=values)
    flags.DEFINE_boolean("report", False, "also OUT.json", flag_values=values)
    flags.DEFINE_boolean("resume", True, "go on", flag_values=values)
    options.define_light(values)
    flags.DEFINE_boolean("previews", False, "also OUT-frames", flag_values=values)
    flags.DEFINE_boolean("preview", False, "shows pictures", flag_values=values)
    line = options.command_line(argv, values, FilmSettings, config="video.py", usage=HELP)
    if line is None:
        return 0
    if len(line.files) != 1:
        raise Refused(f"expected one video, got {len(line.files)}; see --help")
    source = line.files[0]
    out = outputs.placed(values.out, source.stem, videos.ENDINGS)

    app.start(values)
    video = videos.probe(source)
    settings = line.settings
    brush = read_brush(settings.brush_image) if settings.brush_image else None
    given = maps.check(values, settings)
    detail = maps.read_details(given[0], video, stride=settings.stride) if given else None
    run = _Run(video, settings, brush, _style(line), detail, out, outputs.origin_of("film", source), line)
    read = [
        source,
        *given,
        *options.styles_of(values),
        *line.read,
        *([pathlib.Path(values.stylize)] if values.stylize else []),
    ]
    outputs.check_outputs(run.made, read, overwrite=values.overwrite)
    with outputs.output_folder(out.parent), locked(run.film):
        outputs.check_outputs(run.made, read, overwrite=values.overwrite)
        _paint(run)
    return 0


def _style(line: CommandLine[FilmSettings]) -> Style | None:
    """Reads the style pictures and settings, if the user gave style pictures.

    Raises:
      Refused: the style's flags or settings are wrong.
      ImageError: a picture can't be read.
    """
    paths, file = options.styles_of(line.flags), line.flags.stylize
    if not paths:
        if file:
            raise Refused(f"--stylize={file}: expected only with a --style")
        return None
    config = options.load_config(options.find_config(file, default="stylize.py", flag="stylize"), flag="stylize")
    try:
        settings = StyleSettings.from_config(config)
        settings.weights_of(len(paths))
    except (ValueError, TypeError) as error:
        raise Refused(error) from None
    return Style([read_image(path) for path in paths], settings)


@dataclasses.dataclass(frozen=True)
class _Run:
    """The constants of a run: source, settings, brush, style, map, outputs and their origin, command line."""

    video: videos.Video
    settings: FilmSettings
    brush: np.ndarray | None
    style: Style | None
    detail: maps.FrameMaps | None
    out: pathlib.Path
    origin: str
    line: CommandLine[FilmSettings]

    @property
    def film(self) -> pathlib.Path:
        """Path of the film's file."""
        return self.out.with_suffix(".film")

    @property
    def report(self) -> pathlib.Path:
        """Path of the report."""
        return self.out.with_suffix(".json")

    @property
    def previews(self) -> pathlib.Path:
        """Folder of the frames as pictures."""
        return self.out.with_name(f"{self.out.stem}-frames")

    @property
    def made(self) -> list[Made]:
        """All files that the run writes; of the pictures of frames those that are there already."""
        paths = [self.out, self.film, *([self.report] if self.line.flags.report else [])]
        if self.line.flags.previews and self.previews.is_dir():
            paths += [path for path in self.previews.iterdir() if re.fullmatch(r"\d{6,}\.png", path.name)]
        return [Made(path, self.origin, self.video.path) for path in paths]


def _paint(run: _Run) -> None:
    """Paints the video, or the rest of a film, and writes all files."""
    film, state, finished = _begun(run)
    # The first process changes files that all processes read in `_begun`.
    runtime.wait("begun")
    if not runtime.is_first():
        for _ in () if finished else _painted(run, film, state, lambda: False):
            pass
        return
    size = run.line.flags.size or max(run.video.height, run.video.width)
    with app.until_interrupted("this frame") as stopped:
        painted = films.read(run.film)[1] if state or finished else iter(())
        if not finished:
            painted = itertools.chain(painted, _painted(run, film, state, stopped))
        frames = film.drawn((each.frame for each in painted), size=size)
        if run.line.flags.previews:
            frames = _previewed(frames, run)
        try:
            videos.write_video(run.out, frames, fps=film.shown_rate, sound_of=run.video.path, origin=run.origin)
        except WriteError as error:
            # As on a full disk.
            if not run.film.exists():
                raise
            raise Refused(f"{error}; what is painted is kept in {run.film}. Continue with: {run.line.again}") from None
    if not films.is_finished(run.film):
        done = sum(1 for _ in films.read(run.film)[1])
        again = f"Continue with: {run.line.again}"
        raise Interrupted(f"interrupted; kept {done} frame{'s' * (done != 1)} in {run.film} and {run.out}. {again}")
    print(run.out)
    if run.line.flags.report:
        print(_report(run))


def _begun(run: _Run) -> tuple[Film, VideoState | None, bool]:
    """Finds an existing film.

    Returns:
      The film's properties, the state to resume from or None, and whether the film is finished.

    Raises:
      Refused: the existing film is of another video, or has other settings or another style.
    """
    video, stride = run.video, run.settings.stride
    film = Film(
        settings=run.settings,
        height=video.height,
        width=video.width,
        rate=video.rate / stride,
        frames=-(-video.frames // stride),
        source=video.path.name,
        brush_image=run.brush,
        origin=run.origin,
        shown=video.frames,
    )
    if run.style:
        sums = (zlib.crc32(picture.tobytes()) for picture in run.style.pictures)
        names = (path.name for path in options.styles_of(run.line.flags))
        styles = tuple(f"{name} {checksum:08x}" for name, checksum in zip(names, sums, strict=True))
        film = dataclasses.replace(film, styling=run.style.settings, styles=styles)
    asked = run.line.flags
    if asked.detail:
        path = pathlib.Path(asked.detail)
        film = dataclasses.replace(film, detail=f"{path.name} {zlib.crc32(path.read_bytes()):08x}")
    if run.film.exists() and not (asked.resume or asked.overwrite):
        raise Refused(f"{run.film} is there already; choose another --out, or --overwrite to start over")
    if not (run.film.exists() and asked.resume):
        return film, None, False
    try:
        return _resumed(run, film)
    except JaxpaintError as error:
        if asked.overwrite:
            return film, None, False
        if isinstance(error, FilmFileError):
            raise Refused(f"{error}; bin/draw draws what can be read, --overwrite starts over") from None
        raise


def _resumed(run: _Run, film: Film) -> tuple[Film, VideoState | None, bool]:
    """Reads an existing film, which has to be one of the same video, settings and style; see `_begun`."""
    earlier, _ = films.read(run.film)
    # Settings of light may change, because they do not affect the strokes.
    light = {name: getattr(run.settings, name) for name in LIGHT}
    earlier = dataclasses.replace(earlier, settings=dataclasses.replace(earlier.settings, **light))
    film = dataclasses.replace(film, format=earlier.format, brush_image=earlier.brush_image)
    settings, hint = run.settings, "choose another --out, or --overwrite to start over"
    check_same(run.film, vars(earlier.settings), vars(settings), settings.defaults(), hint=hint)
    if (earlier.styling, earlier.styles) != (film.styling, film.styles):
        raise Refused(f"{run.film}: a film in another style; {hint}")
    if earlier.detail != film.detail:
        raise Refused(f"{run.film}: a film with another map of detail; {hint}")
    if earlier != film:
        raise Refused(f"{run.film}: a film of another video, {earlier.source}; {hint}")
    state, finished = films.resume(run.film)
    if finished:
        print(f"{run.film}: finished already; drawing it again")
    return film, state, finished


def _painted(run: _Run, film: Film, state: VideoState | None, stopped: Callable[[], bool]) -> Iterator[Painted]:
    """Paints the remaining frames, and saves each frame before it is yielded."""
    before, following = state.frame if state else None, _following(run, film, state)
    kept = time.monotonic()
    asked = run.line.flags
    with progress.display(run.out.stem, quiet=asked.quiet, preview=asked.preview) as show:
        for state, metrics in following:
            painted = Painted(state.frame, metrics)
            if runtime.is_first():
                if before is None:
                    films.create(run.film, film)
                films.append(run.film, painted, before)
                if before is None or time.monotonic() - kept > SECONDS_BETWEEN_SAVES:
                    films.keep(run.film, state)
                    kept = time.monotonic()
            before = state.frame
            how_far = VideoProgress(before.number + 1, max(film.frames, before.number + 1), metrics)
            show(how_far, film.painting(before))
            yield painted
            if stopped():
                films.keep(run.film, state)
                return
    if runtime.is_first():
        films.finish(run.film)


def _following(run: _Run, film: Film, state: VideoState | None) -> Iterator[tuple[VideoState, FrameMetrics]]:
    """Paints the frames after a state; each of several processes paints some of the scenes."""

    def read(first: int, end: int | None = None) -> Iterator[Any]:
        canvas = run.settings.canvas_rgb
        pictures = videos.read(run.video, stride=run.settings.stride, start=first, canvas_color=canvas)
        return (picture.astype(np.float32) / 255 for picture in itertools.islice(pictures, end and end - first))

    how: dict[str, Any] = {
        "key": jax.random.key(run.settings.seed),
        "settings": run.settings,
        "brush_image": film.brush_image,
        "style": run.style,
        "resume": state,
    }

    def detail(first: int) -> Any:
        return run.detail and run.detail(first)

    if jax.process_count() == 1:
        first = state.number if state else 0
        return painter.film(read(first), detail=detail(first), **how)
    every = distributed.scenes(read(0), run.settings)
    return distributed.film(lambda scene: read(*scene), every, detail=lambda scene: detail(scene.first), **how)


def _previewed(frames: Iterator[np.ndarray], run: _Run) -> Iterator[np.ndarray]:
    """Yields the frames, and writes each as a picture, except for repeated ones; removes those of an earlier run."""
    run.previews.mkdir(exist_ok=True)
    earlier = {made.path for made in run.made if made.path.parent == run.previews}
    before = None
    for number, frame in enumerate(frames):
        if frame is not before:
            path = run.previews / f"{number:06d}.png"
            write_image(path, frame.astype(np.float32) / 255, origin=run.origin)
            earlier.discard(path)
        before = frame
        yield frame
    for path in earlier:
        path.unlink(missing_ok=True)


def _report(run: _Run) -> pathlib.Path:
    """Writes the metrics of each frame and of the whole film."""
    film, painted = films.read(run.film)
    every = [metrics for _, metrics in painted]
    survived = [metrics.survived for metrics in every if not math.isnan(metrics.survived)]
    report = {
        "frames": len(every),
        "psnr": round(statistics.fmean(metrics.psnr for metrics in every), 4),
        "least psnr": round(min(metrics.psnr for metrics in every), 4),
        "survived": round(statistics.fmean(survived), 5) if survived else None,
        "painted anew": [number for number, metrics in enumerate(every) if math.isnan(metrics.survived)],
        "seconds a frame": round(statistics.median(metrics.seconds for metrics in every), 3),
        "rate": float(film.shown_rate),
        **runtime.report(),
        "settings": dataclasses.asdict(film.settings),
        "styling": film.styling and dataclasses.asdict(film.styling),
        "styles": film.styles,
        "each": [
            {
                "psnr": round(metrics.psnr, 4),
                "survived": None if math.isnan(metrics.survived) else round(metrics.survived, 5),
                "seconds": round(metrics.seconds, 3),
            }
            for metrics in every
        ],
    }
    outputs.write_json(run.report, report, origin=run.origin)
    return run.report
