"""Shaders: a program of JAX for one pixel, translated to GLSL, so that browsers draw by the brushes' own formulas.

JAX traces the program. Its arrays become arrays of symbols, one for each number; an operation that moves numbers moves
symbols, and each arithmetic operation becomes a statement. Statements that do not depend on the pixel come first: they
are for the vertex shader, which runs once for each corner of a stroke.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxpaint.brushes import Brush, Look, Pixels, Stroke
from jaxpaint.brushes.base import centres
from jaxpaint.brushes.layering import laid

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


class Statement(NamedTuple):
    """One statement.

    Attributes:
      name: name of the value.
      kind: type of the value in GLSL.
      text: what it is: an expression of GLSL that Python reads, too.
      uses: names of the values in it.
      of_pixel: whether it differs between pixels of a stroke.
    """

    name: str
    kind: str
    text: str
    uses: tuple[str, ...]
    of_pixel: bool


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
    book, plane = _Book(), (_SIDE, _SIDE)
    vectors = {name: [f"{name}{i}" for i in range(size)] for name, size in (stroke or {}).items()}

    def plane_of(name: str) -> np.ndarray:
        return _array([book.symbol(name, of_pixel=True)] * _SIDE**2, plane)

    arguments = [_array([book.symbol(each) for each in names], (len(names),)) for names in vectors.values()]
    arguments += [_array([book.symbol(name)], ()) for name in shared]
    arguments += [plane_of(name) for name in pixel[2:]]
    book.coordinates = [(numbers, plane_of(name)) for numbers, name in zip(centres(_SIDE), pixel, strict=False)]
    traced = jax.make_jaxpr(function)(*(jnp.zeros(each.shape) for each in arguments))
    outputs = [_alone(result) for result in _run(traced.jaxpr, traced.consts, arguments, book)]
    inputs = {name for names in vectors.values() for name in names}
    statements = _needed(book.statements, outputs)
    passed, twice = _divided(statements, outputs, inputs, most_passed)
    return Program(tuple(statements), tuple(outputs), passed, twice, tuple(book.tables))


def _alone(plane: np.ndarray) -> str:
    """The one expression of a plane."""
    found = {_literal(value) for value in np.ravel(plane)}
    if len(found) != 1:
        raise NotImplementedError("expected a program that treats all pixels alike")
    return found.pop()


def _array(values: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


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
    """`Program.passed` and `Program.twice`: the fewest statements run twice such that at most `most` values pass."""
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


@dataclasses.dataclass(frozen=True, eq=False)
class _Symbol:
    """A number that is known only when the shader runs."""

    name: str
    of_pixel: bool
    book: _Book
    kind: str = "float"

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.book.write("{} + {}", self, other)

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.book.write("{} - {}", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.book.write("{} - {}", other, self)

    def __mul__(self, other: Any) -> Any:
        if _is(other, 0.0):
            return 0.0
        return self if _is(other, 1.0) else self.book.write("{} * {}", self, other)

    def __truediv__(self, other: Any) -> Any:
        return self if _is(other, 1.0) else self.book.write("{} / {}", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.book.write("{} / {}", other, self)

    def __neg__(self) -> Any:
        return self.book.write("-{}", self)

    __radd__, __rmul__ = __add__, __mul__


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, _Symbol) and value == number


class _Book:
    """The statements so far. An expression that was written before is not written again."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.coordinates: list[tuple[np.ndarray, np.ndarray]] = []
        self.tables: list[np.ndarray] = []
        self._written: dict[str, _Symbol] = {}
        self._numbers = itertools.count()

    def symbol(self, name: str, *, of_pixel: bool = False) -> _Symbol:
        return _Symbol(name, of_pixel, self)

    def write(self, template: str, *values: Any, kind: str = "float") -> _Symbol:
        text = template.format(*map(_literal, values))
        if text not in self._written:
            uses = [value for value in values if isinstance(value, _Symbol)]
            of_pixel = any(value.of_pixel for value in uses)
            name = f"v{next(self._numbers)}"
            self.statements.append(Statement(name, kind, text, tuple(value.name for value in uses), of_pixel))
            self._written[text] = _Symbol(name, of_pixel, self, kind)
        return self._written[text]

    def read(self, constant: Any) -> np.ndarray:
        """A constant of the program, with symbols for the coordinates of pixels."""
        values = np.asarray(constant)
        for numbers, symbols in self.coordinates:
            if np.array_equal(values, numbers):
                return symbols
        return values


def _literal(value: Any) -> str:
    """A value as GLSL has it."""
    if isinstance(value, _Symbol):
        return value.name
    text = repr(float(value))
    return f"({text})" if text.startswith("-") else text


def _function(name: str, number: Callable[..., Any], kind: str = "float") -> Callable[..., Any]:
    """A function of numbers or symbols."""

    def call(*values: Any) -> Any:
        for value in values:
            if isinstance(value, _Symbol):
                places = ", ".join(["{}"] * len(values))
                return value.book.write(f"{name}({places})", *values, kind=kind)
        return number(*values)

    return call


def _comparison(sign: str, number: Callable[..., Any]) -> Callable[..., Any]:
    def compare(one: Any, other: Any) -> Any:
        for value in (one, other):
            if isinstance(value, _Symbol):
                return value.book.write(f"{{}} {sign} {{}}", one, other, kind="bool")
        return number(one, other)

    return compare


def _pick(chosen: Any, *cases: Any) -> Any:
    if not isinstance(chosen, _Symbol):
        return cases[int(chosen)]
    otherwise, then = cases
    return then if then is otherwise else chosen.book.write("pick({}, {}, {})", chosen, then, otherwise)


def _same(value: Any) -> Any:
    return value


_max, _min = _function("max", max), _function("min", min)
_sqrt, _trunc = _function("sqrt", math.sqrt), _function("trunc", math.trunc)
_POINTWISE: dict[str, Callable[..., Any]] = {
    "abs": _function("abs", abs),
    "add": operator.add,
    "add_any": operator.add,
    "and": _function("both", operator.and_, "bool"),
    "clamp": lambda low, value, high: _min(_max(value, low), high),
    "copy": _same,
    "cos": _function("cos", math.cos),
    "div": operator.truediv,
    "eq": _comparison("==", operator.eq),
    "exp": _function("exp", math.exp),
    "floor": _function("floor", math.floor),
    "ge": _comparison(">=", operator.ge),
    "gt": _comparison(">", operator.gt),
    "le": _comparison("<=", operator.le),
    "log": _function("log", math.log),
    "lt": _comparison("<", operator.lt),
    "max": _max,
    "min": _min,
    "mul": operator.mul,
    "ne": _comparison("!=", operator.ne),
    "neg": operator.neg,
    "not": _function("opposite", operator.not_, "bool"),
    "or": _function("either", operator.or_, "bool"),
    "pow": _function("power", math.pow),
    "rsqrt": lambda value: 1.0 / _sqrt(value),
    "select_n": _pick,
    "sign": _function("sign", np.sign),
    "sin": _function("sin", math.sin),
    "sqrt": _sqrt,
    "square": lambda value: value * value,
    "stop_gradient": _same,
    "sub": operator.sub,
    "tan": _function("tan", math.tan),
    "tanh": _function("tanh", math.tanh),
}
# Operations that move numbers and change none. Indices, if there are any, are the second argument.
_MOVES = [
    "broadcast_in_dim",
    "concatenate",
    "expand_dims",
    "pad",
    "reshape",
    "rev",
    "slice",
    "squeeze",
    "stack",
    "transpose",
]
_INDEXED = ("dynamic_slice", "gather", "scatter")
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "custom_vjp_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}


def _run(jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any], book: _Book) -> list[np.ndarray]:
    """Runs a traced program on arrays of numbers and symbols."""
    known = dict(zip(jaxpr.constvars, map(book.read, constants), strict=True))
    known |= zip(jaxpr.invars, arguments, strict=True)

    def read(variable: Any) -> np.ndarray:
        return book.read(variable.val) if hasattr(variable, "val") else known[variable]

    for equation in jaxpr.eqns:
        results = _applied(equation, [read(each) for each in equation.invars], book)
        # NumPy gives a number in place of an array without axes.
        known |= zip(equation.outvars, map(np.asarray, results), strict=True)
    return [read(each) for each in jaxpr.outvars]


def _applied(equation: Any, values: list[np.ndarray], book: _Book) -> Sequence[Any]:
    name, parameters = equation.primitive.name, equation.params
    if name in _CALLS:
        called = parameters[_CALLS[name]]
        return _run(called.jaxpr, called.consts, values, book)
    if name == "cond":
        index, *values = values
        if index.dtype == object:
            raise NotImplementedError("a conditional that depends on the stroke has no translation")
        chosen = parameters["branches"][int(index)]
        return _run(chosen.jaxpr, chosen.consts, values, book)
    if all(value.dtype != object for value in values):
        results = equation.primitive.bind(*values, **parameters)
        return [np.asarray(result) for result in (results if equation.primitive.multiple_results else [results])]
    if name == "gather" and values[0].dtype != object:
        return [_looked_up(values[0], values[1], parameters, book)]
    if name in _MOVES or (name in _INDEXED and values[1].dtype != object):
        return [_moved(equation, values)]
    if name == "convert_element_type":
        return [_converted(values[0], parameters["new_dtype"])]
    if name == "integer_pow":
        return [_power(values[0], parameters["y"])]
    if name in ("reduce_sum", "dot_general"):
        if any(isinstance(each, _Symbol) and each.of_pixel for value in values for each in value.flat):
            raise NotImplementedError("a sum over pixels has no translation")
        if name == "reduce_sum":
            return [values[0].sum(axis=parameters["axes"])]
        contracted, (batched, _) = parameters["dimension_numbers"]
        if batched:
            raise NotImplementedError("a product of several matrices has no translation")
        return [np.tensordot(values[0], values[1], axes=contracted)]
    if name not in _POINTWISE:
        raise NotImplementedError(f"{name} has no translation")
    return [np.frompyfunc(_POINTWISE[name], len(values), 1)(*values)]


def _power(value: Any, exponent: int) -> Any:
    """A power by squares; of arrays, too."""
    if exponent < 0:
        return 1.0 / _power(value, -exponent)
    if exponent < 2:
        return value if exponent else 1.0
    half = _power(value, exponent // 2)
    return half * half * value if exponent % 2 else half * half


def _moved(equation: Any, values: list[np.ndarray]) -> np.ndarray:
    """Moves numbers as the operation moves their places in a list."""
    every: list[Any] = []
    numbered = []
    for place, value in enumerate(values):
        if place == 1 and equation.primitive.name in _INDEXED:
            numbered.append(value)
            continue
        numbered.append(np.arange(len(every), len(every) + value.size, dtype=np.int32).reshape(value.shape))
        every.extend(np.ravel(value).tolist())
    places = np.asarray(equation.primitive.bind(*map(jnp.asarray, numbered), **equation.params))
    return _array([every[place] for place in places.ravel()], places.shape)


def _looked_up(table: np.ndarray, indices: np.ndarray, parameters: Mapping[str, Any], book: _Book) -> np.ndarray:
    """Elements of a table of constants."""
    axes = tuple(range(table.ndim))
    numbers = parameters["dimension_numbers"]
    if table.ndim != 3 or numbers.start_index_map != axes or set(parameters["slice_sizes"]) != {1}:
        raise NotImplementedError("a choice of several elements at once has no translation")
    number = next((i for i, each in enumerate(book.tables) if np.array_equal(each, table)), len(book.tables))
    book.tables += [table] * (number == len(book.tables))
    found = [book.write(f"look_up{number}({{}}, {{}}, {{}})", *place) for place in indices.reshape(-1, 3)]
    return _array(found, indices.shape[:-1])


def _converted(values: np.ndarray, dtype: Any) -> Any:
    """Numbers of another type: comparisons become 0 and 1, and whole numbers stay floats without a fraction."""

    def converted(value: Any) -> Any:
        if isinstance(value, _Symbol) and value.kind == "bool":
            return value.book.write("float({})", value)
        return _trunc(value) if np.issubdtype(dtype, np.integer) else value

    if np.dtype(dtype) == bool:
        raise NotImplementedError("a number as a truth value has no translation")
    return np.frompyfunc(converted, 1, 1)(values)
