"""`train_renderer`: trains a network to draw as the engine does."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, SupportsFloat

import jax
import numpy as np
from absl import flags
from orbax.checkpoint import CheckpointManager

from jaxpaint import runtime, training
from jaxpaint.architectures import ARCHITECTURES
from jaxpaint.brushes import BRUSHES
from jaxpaint.brushes.textures import Stamps, pyramid
from jaxpaint.cli import app, options, outputs
from jaxpaint.cli.app import Interrupted, Refused
from jaxpaint.cli.resumable import check_same
from jaxpaint.io import weights
from jaxpaint.io.atomic import locked, replacing
from jaxpaint.io.images import read_brush, write_image
from jaxpaint.io.weights import Weights
from jaxpaint.training import Metrics, Part, Recipe, State, checkpoints

HELP = """\
usage: {program} [--out=DIR] [--overwrite] [--config=FILE] [--config.KEY=VALUE]...

Trains a network to draw a brush's strokes. The same command again continues it.

  {program} --config=configs/light.py
  {program} --config=configs/light.py --config.brush=pastel -o runs/pastel

  -o, --out=DIR  best.safetensors, metrics.jsonl, sheets of strokes, checkpoints
                 (default: runs/NET-BRUSH; also --workdir=DIR)
  --resume       the default; --noresume refuses a folder that there is already
{overwrite}
  --config=FILE  a recipe (default: configs/light.py)
{quiet}
{help}

Settings, as --config.KEY=VALUE, with their values in {config}; --help=KEY describes one:

"""
# Steps per call: metrics and interruptions are handled between calls.
CHUNK = 20
SECONDS_BETWEEN_CHECKPOINTS = 300.0
# Strokes on a sheet.
SHOWN = 12
RECIPE, LOG, SHEET, BEST = "recipe.json", "metrics.jsonl", "strokes.png", "best.safetensors"


class _Run(NamedTuple):
    """The constants of a run.

    Attributes:
      recipe: the recipe of the training.
      folder: the output folder.
      picture: the user's own brush, or None.
      initial: initial weights, or None.
      again: the command that resumes after Ctrl-C.
    """

    recipe: Recipe
    folder: pathlib.Path
    picture: Stamps | None
    initial: Weights | None
    again: str

    @property
    def earlier(self) -> int:
        """Number of strokes that the initial weights have seen."""
        return int(self.initial.facts.get("strokes", 0)) if self.initial else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Trains a network; returns the exit status."""
    return app.run(_main, argv)


def _main(argv: list[str]) -> int:
    values = options.basic_flags()
    flags.DEFINE_string("out", None, "folder", short_name="o", flag_values=values)
    flags.DEFINE_alias("workdir", "out", flag_values=values)
    flags.DEFINE_boolean("resume", True, "go on", flag_values=values)
    line = options.command_line(argv, values, Recipe, config="light.py", usage=HELP)
    if line is None:
        return 0
    if line.files:
        raise Refused(f"{line.files[0]}: expected flags only; see --help")
    recipe = line.settings
    folder = pathlib.Path(values.out or f"runs/{recipe.net}-{recipe.brush}")
    app.start(values, divided=False)
    picture = pyramid(read_brush(recipe.brush_image)) if recipe.brush_image else None
    if recipe.batch % (devices := runtime.mesh().size):
        raise Refused(f"config.batch: expected a multiple of the {devices} devices, got {recipe.batch}")
    with outputs.output_folder(folder), locked(folder / RECIPE):
        run = _Run(recipe, folder, picture, _initial(recipe), line.again)
        _check_folder(run, values)
        _train(run)
    return 0


def _train(run: _Run) -> None:
    with checkpoints.manager(run.folder / "checkpoints") as saved:
        state = checkpoints.restore(saved, training.shapes(run.recipe))
        if state is None:
            state = training.start(run.recipe, run.initial.variables["params"] if run.initial else None)
        with replacing(run.folder / RECIPE) as temporary:
            temporary.write_text(json.dumps(dataclasses.asdict(run.recipe), indent=2) + "\n", encoding="utf-8")
        log = _Log(run, int(state.step))
        try:
            with _stopping() as stopped:
                finished = _steps(run, state, saved, log, stopped)
        except KeyboardInterrupt:
            finished = False
        if not finished:
            at = saved.latest_step() or 0
            raise Interrupted(f"interrupted; kept step {at}. Continue with: {run.again}")
    print(run.folder / BEST)


def _stopping() -> contextlib.AbstractContextManager[Callable[[], bool]]:
    """See `app.until_interrupted`; of several processes, each is interrupted at once."""
    if jax.process_count() > 1:
        return contextlib.nullcontext(lambda: False)
    return app.until_interrupted("these steps")


def _initial(recipe: Recipe) -> Weights | None:
    """Loads the initial weights, if the recipe names any.

    Raises:
      Refused: the weights are of another network or brush.
    """
    if not recipe.init:
        return None
    found = weights.load(recipe.init, brush=recipe.brush)
    if (found.net, found.brush) != (recipe.net, recipe.brush):
        raise Refused(
            f"config.init: expected weights of {recipe.net} for {recipe.brush}, got {found.net} for {found.brush}"
        )
    return found


def _check_folder(run: _Run, values: flags.FlagValues) -> None:
    """Refuses the folder of a run with another recipe, and files of others that have the names of a run's."""
    path, recipe = run.folder / RECIPE, dataclasses.asdict(run.recipe)
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        ours = recipe.keys() & earlier.keys()
    except (FileNotFoundError, ValueError, AttributeError):
        ours = set()
    if ours:
        if not values.resume:
            raise Refused(f"{run.folder}: a training is there already; choose another --out, or leave --noresume out")
        check_same(run.folder, earlier, recipe, recipe.keys() | earlier.keys(), hint="choose another --out")
        return
    for name in () if values.overwrite else (RECIPE, LOG, SHEET, BEST):
        if (run.folder / name).exists():
            hint = "choose another --out, or --overwrite to replace it"
            raise Refused(f"{run.folder / name} is there already, and not of a training; {hint}")


def _steps(run: _Run, state: State, saved: CheckpointManager, log: _Log, stopped: Callable[[], bool]) -> bool:
    """Trains, with validations at regular intervals, and checkpoints then and every few minutes.

    Several processes save checkpoints together, and so at validations alone.

    Returns:
      Whether the training is finished; False if it was stopped, after a checkpoint.
    """
    recipe, step, kept = run.recipe, int(state.step), time.monotonic()
    alone = jax.process_count() == 1
    while step < recipe.steps:
        part = training.part_of(recipe, step)
        count = min(CHUNK, part.last - step, recipe.validate_every - step % recipe.validate_every)
        state, metrics = training.train(recipe, state, count, run.picture)
        step += count
        log.steps(step, part, metrics)
        due = step % recipe.validate_every == 0 or step == recipe.steps
        if due:
            _validate(run, state, log)
        if due or stopped() or (alone and time.monotonic() - kept > SECONDS_BETWEEN_CHECKPOINTS):
            checkpoints.save(saved, state)
            kept = time.monotonic()
        if stopped() and step < recipe.steps:
            return False
    return True


def _validate(run: _Run, state: State, log: _Log) -> None:
    """Validates the averaged weights on fresh strokes, draws a sheet, and keeps the best weights."""
    recipe, step = run.recipe, int(state.step)
    variables = {"params": state.average}
    variables["batch_stats"] = training.statistics(recipe, state.average, jax.random.key(recipe.seed + 1))
    metrics = training.validate(recipe, variables, jax.random.key(recipe.seed + 2), recipe.validated, run.picture)
    best = log.validated(step, metrics)
    write_image(run.folder / SHEET, _sheet(run, variables))
    if best:
        facts = {
            # File names without folders: a path on this machine is of no use to anybody else.
            "recipe": json.dumps(dataclasses.asdict(recipe) | _names(recipe)),
            "steps": str(step),
            "strokes": str(training.drawn(recipe, step) + run.earlier),
            "psnr": f"{float(training.psnr(metrics)):.2f}",
            "psnr_foreground": f"{_decibel(metrics.foreground):.2f}",
            "psnr_alpha": f"{_decibel(metrics.alpha):.2f}",
        }
        weights.save(run.folder / BEST, weights.Weights(recipe.net, recipe.brush, variables, facts))


def _names(recipe: Recipe) -> dict[str, str]:
    return {key: pathlib.Path(getattr(recipe, key)).name for key in ("init", "brush_image")}


def _decibel(squared: SupportsFloat) -> float:
    return -10.0 * math.log10(max(float(squared), 1e-12))


def _sheet(run: _Run, variables: Any) -> np.ndarray:
    """Draws a sheet of foregrounds and alphas: the engine's above, the network's below."""
    strokes = training.sample(BRUSHES[run.recipe.brush], SHOWN, key=jax.random.key(run.recipe.seed + 3))
    rows = []
    by_network, by_engine = training.side_by_side(run.recipe, variables, strokes, run.picture)
    for both in zip(by_engine, by_network, strict=True):
        for pictures in both:
            pictures = np.clip(np.broadcast_to(pictures, (*pictures.shape[:3], 3)), 0, 1)
            pictures = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=0.5)
            rows.append(np.concatenate(list(pictures), axis=1))
    sheet = np.concatenate(rows)
    enlarged = max(1, 96 // ARCHITECTURES[run.recipe.net].size)
    return sheet.repeat(enlarged, axis=0).repeat(enlarged, axis=1)


def _lines(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """Reads a log, but for a line that was not written to its end."""
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, AttributeError):
            line = json.loads(text)
            if {"step", "seconds"} <= line.keys():
                yield line


class _Log:
    """Logs to the terminal and to metrics.jsonl; tracks the pace, and the best validation so far."""

    def __init__(self, run: _Run, step: int) -> None:

        self._run, self._path = run, run.folder / LOG
        kept: list[dict[str, Any]] = []
        if self._path.exists():
            # Steps after the last checkpoint are repeated.
            kept = [line for line in _lines(self._path) if line["step"] <= step]
        with replacing(self._path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._best = max((line["psnr"] for line in kept if "psnr" in line), default=-math.inf)
        self._earlier = max((line["seconds"] for line in kept), default=0.0)
        self._start = self._clock = time.monotonic()
        self._last = step
        self._errors: list[np.ndarray] = []

    def steps(self, step: int, part: Part, metrics: Metrics) -> None:
        """Records the errors of a few steps of a part, and logs a line at regular intervals.

        Raises:
          Refused: an error is not finite.
        """
        errors = np.stack([np.asarray(error) for error in metrics])
        bad = ~np.isfinite(errors).all(axis=0)
        if bad.any():
            raise Refused(
                f"step {step - len(bad) + int(bad.argmax()) + 1}: the loss is not finite; "
                f"the last checkpoint is kept in {self._run.folder}"
            )
        self._errors.append(errors)
        recipe = self._run.recipe
        if step % recipe.log_every and step < part.last:
            return
        foreground, alpha = np.concatenate(self._errors, axis=1).mean(axis=1)
        self._errors = []
        now = time.monotonic()
        pace = (step - self._last) / (now - self._clock)
        self._clock, self._last = now, step
        line = {"foreground": float(foreground), "alpha": float(alpha), "strokes_per_second": pace * recipe.batch}
        self._write(step, line)
        minutes = round((part.last - step) / pace / 60)
        left = f"{minutes // 60}:{minutes % 60:02d} h left of the {part.name}"
        shown = f"alpha {_decibel(alpha):.2f} dB"
        if part.name == "distances":
            shown = f"edges within {math.sqrt(alpha):.3f} half pixels"
        elif part.name == "shading":
            shown = f"foreground {_decibel(foreground):.2f} dB · {shown}"
        print(f"step {step}/{recipe.steps} · {shown} · {pace * recipe.batch:.0f} strokes/s · {left}", flush=True)

    def validated(self, step: int, metrics: Metrics) -> bool:
        """Records a validation, and returns whether its result is the best so far."""
        decibels = {"psnr_foreground": _decibel(metrics.foreground), "psnr_alpha": _decibel(metrics.alpha)}
        psnr = float(training.psnr(metrics))
        self._write(step, {"psnr": psnr, **decibels})
        # The time for validation is not part of the pace.
        self._clock = time.monotonic()
        best, self._best = psnr > self._best, max(psnr, self._best)
        print(f"step {step}: {psnr:.2f} dB on fresh strokes{', the best so far' if best else ''}", flush=True)
        return best

    def _write(self, step: int, line: dict[str, float]) -> None:

        seconds = self._earlier + time.monotonic() - self._start
        if runtime.is_first():
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **line, "seconds": round(seconds, 1)}) + "\n")
