"""Erosion and dilation without loops: what they save, and what they do to a painting.

    python benchmarks/morphology.py

Networks draw strokes with dark rims: their foregrounds fade into the black around them sooner than their alphas do.
Stylized Neural Painting has a 3 × 3 maximum of each channel of the foreground (dilation) and a minimum of the alpha
(erosion) hide them, while it fits; the report finds painting 7 % faster with these free of loops. `jaxpaint` draws by
an engine that has no such rims, and so has no morphology; here are four forms of it:

- loops: over channels, and in each over the nine neighbours; compiled, and as it is, operation by operation;
- neighbours: all nine in one array, and their maximum;
- window: `lax.reduce_window`;
- separable: of three neighbours in a column, then of three in a row.

1. Foregrounds and alphas of 225 pictures of 32² and 64 of 128², random; milliseconds, and with the gradient.
2. A step of fitting through a network, 25 blocks of 9 strokes each as in `configs/snp.py`: without, and with each of
   the forms. "share" is the time of the first pictures above, with gradient, over that of a step without;
   "added" is how much longer a step takes with it.
3. Paintings by that schedule, fitted with and without rims treated, and drawn by the engine.

Whatever is timed takes turns; times are medians, "spread" is how far apart the quartiles are. Writes morphology.json,
morphology_step.json, morphology_paintings.json, morphology.svg (the first table) and morphology.png (a row for each
photograph: the picture, fitted without, fitted with) to --out.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import pathlib
import statistics
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import machine
import numpy as np
import profile_network
from jaxtyping import Array, Float

from jaxpaint import drawing, metrics, painter, painting, pictures, runtime
from jaxpaint.brushes import BRUSHES, Brush, Stroke
from jaxpaint.cli.options import find_config, load_config
from jaxpaint.io import images
from jaxpaint.renderers import Engine, Model
from jaxpaint.settings import Settings

Pictures = Float[Array, "*n channels height width"]


def _padded(pictures: Pictures, axes: Sequence[int]) -> Pictures:
    """One more pixel at each end of these axes, which is the one at the edge: so it counts for nothing."""
    return jnp.pad(
        pictures, [(1, 1) if axis - pictures.ndim in axes else (0, 0) for axis in range(pictures.ndim)], "edge"
    )


def _shifted(pictures: Pictures) -> list[Pictures]:
    """The pictures as their nine neighbours see them."""
    height, width = pictures.shape[-2:]
    padded = _padded(pictures, (-2, -1))
    places = itertools.product(range(3), repeat=2)
    return [padded[..., row : row + height, column : column + width] for row, column in places]


def loops(pictures: Pictures) -> Pictures:
    """Dilation, channel by channel and neighbour by neighbour."""
    channels = []
    for channel in range(pictures.shape[-3]):
        greatest = pictures[..., channel, :, :]
        for neighbour in _shifted(pictures[..., channel, :, :]):
            greatest = jnp.maximum(greatest, neighbour)
        channels.append(greatest)
    return jnp.stack(channels, axis=-3)


def neighbours(pictures: Pictures) -> Pictures:
    """Dilation, all channels and neighbours at once."""
    return jnp.stack(_shifted(pictures)).max(axis=0)


def window(pictures: Pictures) -> Pictures:
    """Dilation as XLA's own reduction of windows."""
    around = (1,) * (pictures.ndim - 2) + (3, 3)
    return jax.lax.reduce_window(pictures, -jnp.inf, jax.lax.max, around, (1,) * pictures.ndim, "SAME")


def separable(pictures: Pictures) -> Pictures:
    """Dilation along columns, then along rows."""
    for axis in (-2, -1):
        padded, length = _padded(pictures, (axis,)), pictures.shape[axis]
        low, middle, high = (jax.lax.slice_in_dim(padded, i, i + length, axis=axis) for i in range(3))
        pictures = jnp.maximum(jnp.maximum(low, middle), high)
    return pictures


Dilation = Callable[[Pictures], Pictures]
FORMS: dict[str, Dilation] = {form.__name__: form for form in (loops, neighbours, window, separable)}
# Loops again, as they are: a step is compiled as a whole, so they are compared by themselves alone.
EAGER = "eager loops"


def treated(dilation: Dilation, foreground: Pictures, alpha: Pictures) -> tuple[Pictures, Pictures]:
    """The foreground dilated and the alpha eroded: erosion is the dilation of what is turned upside down."""
    return dilation(foreground), -dilation(-alpha)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["model"], meta_fields=["form"])
@dataclasses.dataclass(frozen=True)
class Treated:
    """A model whose strokes have their rims treated before they are blended.

    Attributes:
      model: draws the strokes.
      form: of `FORMS`.
    """

    model: Model
    form: str

    @property
    def brush(self) -> Brush:
        """See `Model`."""
        return self.model.brush

    @property
    def window(self) -> int | None:
        """See `Model`."""
        return self.model.window

    def renderer(self, size: int, *, softness: Float[Array, ""] | float) -> Callable[..., Stroke]:
        """See `Model.renderer`."""
        render = self.model.renderer(size, softness=softness)

        def draw(stroke: Float[Array, "d"], *zoom: Float[Array, ""]) -> Stroke:
            pictures = treated(FORMS[self.form], *map(jnp.stack, render(stroke, *zoom)[:2]))
            return Stroke(*map(tuple, pictures))

        return draw


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", default="225x32,64x128", help="number x side, with commas")
    parser.add_argument("--forms", default=",".join([EAGER, *FORMS]), help="with commas")
    parser.add_argument("--renderer", default="light", help="a network, or exact")
    parser.add_argument("--brush", default="oilpaintbrush", choices=BRUSHES)
    parser.add_argument("--each", type=int, default=9, help="strokes a block in a step")
    parser.add_argument("--photos", default="astronaut,coffee", help="to paint; names or paths, with commas")
    parser.add_argument("--strokes", type=int, default=500, help="of a painting")
    parser.add_argument("--steps", type=int, default=500, help="of a painting")
    parser.add_argument("--size", type=int, default=160, help="of a painting by exact; a network's is five windows")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    runtime.keep_compilations()
    gflops = machine.matrix_product_gflops()
    shapes = [tuple(map(int, shape.split("x"))) for shape in options.pictures.split(",")]
    forms = options.forms.split(",")
    if unknown := set(forms) - {EAGER, *FORMS}:
        parser.error(f"--forms: expected some of {', '.join([EAGER, *FORMS])}, got {', '.join(sorted(unknown))}")
    alone = [row for count, side in shapes for row in _alone(count, side, forms, options.repeats)]
    machine.write("morphology", alone, options.out, gflops=gflops)
    panels: dict[str, dict[str, list[float]]] = {}
    for row in alone:
        title = f"ms of {row['pictures']} pictures of {row['side']}²"
        panels.setdefault(title, {})[row["form"]] = [row["ms"], row["ms with gradient"]]
    machine.plot(options.out / "morphology.svg", panels, end="with gradient")
    config = load_config(find_config(None, default="snp.py"))
    config |= {name: getattr(options, name) for name in ("renderer", "brush", "strokes", "steps", "size")}
    settings = Settings.from_config(config)
    of_first = {row["form"]: row["ms with gradient"] for row in alone[: len(forms)] if row["form"] != EAGER}
    machine.write("morphology_step", _steps(settings, options, of_first), options.out, gflops=gflops)
    rows, sheet = [], []
    for photo in options.photos.split(","):
        strip = [machine.picture(photo)]
        for form in (None, "separable"):
            found, picture = _painted(strip[0], settings, form)
            rows.append({"photo": photo, "rims": "treated" if form else "as they are", **found})
            strip.append(picture)
        sheet.append(strip)
    machine.write("morphology_paintings", rows, options.out)
    images.write_image(options.out / "morphology.png", machine.contact_sheet(sheet, options.size))


def _alone(count: int, side: int, forms: Sequence[str], repeats: int) -> list[dict[str, Any]]:
    """The forms by themselves, forward and with the gradient, by turns."""
    rng = np.random.default_rng(0)
    drawn, wanted = ([jnp.asarray(rng.random((count, 3, side, side), np.float32)) for _ in range(2)] for _ in range(2))

    def gradient(dilation: Dilation, drawn: list[Pictures], wanted: tuple[Pictures, Pictures]) -> Any:
        found, back = jax.vjp(functools.partial(treated, dilation), *drawn)
        return found, back(wanted)

    calls: list[Callable[[], Any]] = []
    for name in forms:
        compiled = (lambda function: function) if name == EAGER else jax.jit
        forward = compiled(functools.partial(treated, FORMS.get(name, loops)))
        both = compiled(functools.partial(gradient, FORMS.get(name, loops)))
        calls += [functools.partial(forward, *drawn), functools.partial(both, drawn, tuple(wanted))]
    spent = iter(machine.turns(calls, repeats=repeats))
    rows = []
    for name in forms:
        forwards, withs = next(spent), next(spent)
        row: dict[str, Any] = {"pictures": count, "side": side, "form": name}
        for title, seconds in (("ms", forwards), ("ms with gradient", withs)):
            row |= {title: 1e3 * statistics.median(seconds), f"{title}, spread": 1e3 * machine.spread(seconds)}
        rows.append(row)
    return rows


def _model(settings: Settings, form: str | None) -> Model:
    """What draws the strokes while they are fitted, with their rims treated or not."""
    found = painter.network_of(settings) or Engine(BRUSHES[settings.brush], contrast=settings.texture)
    return Treated(found, form) if form else found


def _steps(settings: Settings, options: argparse.Namespace, alone: dict[str, float]) -> list[dict[str, Any]]:
    """A step of fitting, without and with each of the forms (whose time `alone` has), by turns."""
    forms = [None, *alone]
    models = [_model(settings, form) for form in forms]
    _, placed, descend = profile_network.in_blocks(settings, models[0].window, options.each)
    strokes = np.concatenate(placed)
    steps = [functools.partial(descend, 1, model, strokes) for model in models]
    spent = machine.turns(steps, repeats=options.repeats)
    medians = [1e3 * statistics.median(seconds) for seconds in spent]
    return [
        {
            "renderer": settings.renderer,
            "strokes": len(strokes),
            "rims": form or "as they are",
            "ms": median,
            "spread": 1e3 * machine.spread(seconds),
            "added": median / medians[0] - 1 if form else None,
            "share": alone[form] / medians[0] if form else None,
        }
        for form, median, seconds in zip(forms, medians, spent, strict=True)
    ]


def _painted(photo: np.ndarray, settings: Settings, form: str | None) -> tuple[dict[str, Any], np.ndarray]:
    """How close a painting comes, and the painting."""
    chosen = _model(settings, form)
    with mock.patch.object(painter, "network_of", lambda *_, **__: chosen):
        drawn = drawing.draw(painting.paint(photo, key=jax.random.key(settings.seed), settings=settings), size=512)
    return metrics.closeness(drawn, pictures.resize(photo, drawn.shape[:2])), drawn


if __name__ == "__main__":
    main()
