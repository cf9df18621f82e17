"""Shaders: a program of JAX for one pixel, translated to GLSL, so that browsers draw by the brushes' own formulas.

JAX traces the program, and `jaxpaint.renderers.symbols` runs it on symbols, which writes a statement for each
arithmetic operation. Statements that do not depend on the pixel are for the vertex shader, which runs once for each
corner of a stroke.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxpaint.brushes import Brush, Look, Pixels, Stroke
from jaxpaint.brushes.base import centres
from jaxpaint.brushes.layering import laid
from jaxpaint.renderers.symbols import Book, Statement, array_of, literal, run

# Functions that GLSL ES 3.0 lacks, or leaves undefined for some numbers.
PRELUDE = """\
float pick(bool chosen, float a, float b) { return chosen ? a : b; }
float power(float base, float exponent) { return pow(max(base, 0.0), exponent); }
bool both(bool a, bool b) { return a && b; }
bool either(bool a, bool b) { return a || b; }
bool opposite(bool a) { return !a; }
"""
# Side of the planes that are traced: the least with which x and y differ.
_SIDE = 2


class Program(NamedTuple):
    """A translated program.

    Attributes:
      statements: in the order of execution; each is needed.
      outputs: an expression for each number of the result.
      passed: names of the values of the stroke, its parameters among them, that pass to the pixel.
      twice: names of the values of the stroke that are computed for each pixel, too, since few values can pass.
      tables: arrays of constants. `look_up2(i, j, k)` in a statement is an element of the third one.
    """

    statements: tuple[Statement, ...]
    outputs: tuple[str, ...]
    passed: tuple[str, ...]
    twice: frozenset[str]
    tables: tuple[np.ndarray, ...]

    @property
    def of_stroke(self) -> list[Statement]:
        """The statements for the vertex shader."""
        return [each for each in self.statements if not each.of_pixel]

    @property
    def of_pixel(self) -> list[Statement]:
        """The statements for the fragment shader."""
        return [each for each in self.statements if each.of_pixel or each.name in self.twice]


class StrokePixels(Pixels):
    """All pixels of a stroke at once: `translate` takes their coordinates as symbols."""

    @property
    def always(self) -> Any:
        """A constant, so that no conditional is left."""
        return jnp.zeros(())


def stroke_of(brush: Brush, look: Look, layering: str, stroke: Any, sharpness: Any) -> Stroke:
    """A stroke's planes, for `translate`, in canvas coordinates.

    Args:
      brush, look, layering: as of `Engine`.
      stroke: parameters of the stroke.
      sharpness: pixels in a canvas unit.
    """
    pixels = StrokePixels(_SIDE, _SIDE / sharpness - 1.0)
    return laid(lambda each: brush.rasterize(each, pixels, look), layering)(stroke)


def translate(
    function: Callable[..., Sequence[Any]],
    *,
    stroke: Mapping[str, int] | None = None,
    shared: Sequence[str] = (),
    pixel: Sequence[str] = ("x", "y"),
    most_passed: int = 60,
) -> Program:
    """Translates a function of a stroke and a pixel.

    Args:
      function: takes the vectors of `stroke`, then the scalars of `shared`, then a plane for each name of `pixel` but x
        and y. Gives planes.
      stroke: names and lengths of vectors of a stroke. An element is called, for instance, `stroke3`.
      shared: names of numbers that are the same for all strokes and pixels.
      pixel: names of numbers that differ between pixels. The first two are the canvas coordinates of the pixel, which
        the function takes from `StrokePixels`.
      most_passed: greatest number of values that pass from the stroke to the pixel. WebGL 2 promises 60.

    Raises:
      NotImplementedError: the function has an operation without a translation, or mixes pixels.
    """
    book, plane = Book(), (_SIDE, _SIDE)
    vectors = {name: [f"{name}{i}" for i in range(size)] for name, size in (stroke or {}).items()}

    def plane_of(name: str) -> np.ndarray:
        return array_of([book.symbol(name, of_pixel=True)] * _SIDE**2, plane)

    arguments = [array_of([book.symbol(each) for each in names], (len(names),)) for names in vectors.values()]
    arguments += [array_of([book.symbol(name)], ()) for name in shared]
    arguments += [plane_of(name) for name in pixel[2:]]
    book.coordinates = [(numbers, plane_of(name)) for numbers, name in zip(centres(_SIDE), pixel, strict=False)]
    traced = jax.make_jaxpr(function)(*(jnp.zeros(each.shape) for each in arguments))
    outputs = [_alone(result) for result in run(traced.jaxpr, traced.consts, arguments, book)]
    inputs = {name for names in vectors.values() for name in names}
    statements = _needed(book.statements, outputs)
    passed, twice = _divided(statements, outputs, inputs, most_passed)
    return Program(tuple(statements), tuple(outputs), passed, twice, tuple(book.tables))


def _alone(plane: np.ndarray) -> str:
    """The one expression of a plane."""
    found = {literal(value) for value in np.ravel(plane)}
    if len(found) != 1:
        raise NotImplementedError("expected a program that treats all pixels alike")
    return found.pop()


def _needed(statements: Sequence[Statement], outputs: Sequence[str]) -> list[Statement]:
    """Statements that the outputs depend on."""
    needed, kept = set(outputs), []
    for each in reversed(statements):
        if each.name in needed:
            needed |= set(each.uses)
            kept.append(each)
    return kept[::-1]


def _divided(
    statements: Sequence[Statement], outputs: Sequence[str], inputs: Collection[str], most: int
) -> tuple[tuple[str, ...], frozenset[str]]:
    """`Program.passed` and `Program.twice`: few statements run twice, so that at most `most` values pass."""
    of_stroke = {each.name: each for each in statements if not each.of_pixel}

    def passing(twice: Collection[str]) -> list[str]:
        by_pixel = (each.uses for each in statements if each.of_pixel or each.name in twice)
        needed = {name for uses in by_pixel for name in uses} | set(outputs)
        return [name for name in [*sorted(inputs), *of_stroke] if name in needed and name not in twice]

    twice: frozenset[str] = frozenset()
    passed = passing(twice)
    while len(passed) > most:
        chains = {name: _chain(name, of_stroke, passed) for name in passed if name in of_stroke}
        roots = {
            name: {each for value in chain for each in of_stroke[value].uses} - chain for name, chain in chains.items()
        }
        # A value moves alone, or with all that come from the same values.
        groups = [[name] for name in chains] + [
            [other for other in chains if roots[other] <= roots[name]] for name in chains
        ]
        choices = []
        for group in groups:
            more = twice.union(*(chains[name] for name in group))
            left = passing(more)
            choices.append(((len(passed) - len(left)) / len(more - twice), more, left))
        gain, twice, left = max(choices, key=lambda choice: choice[0], default=(0.0, twice, passed))
        if gain <= 0:
            raise NotImplementedError(f"{len(passed)} values pass from a stroke to its pixels, but {most} may")
        passed = left
    return tuple(passed), twice


def _chain(name: str, of_stroke: Mapping[str, Statement], passed: Collection[str]) -> set[str]:
    """A value, and all values that it is computed from, up to those that pass."""
    found, left = set(), [name]
    while left:
        found.add(name := left.pop())
        left += [each for each in of_stroke[name].uses if each in of_stroke and each not in passed]
    return found
