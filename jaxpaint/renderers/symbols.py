"""Symbols: a traced program of JAX, run on arrays of numbers that are known only later.

Each number of the program's arrays that is not known is a symbol. An operation that moves numbers moves symbols, and
each arithmetic operation becomes a statement, in the syntax that GLSL and Python share.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np


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


@dataclasses.dataclass(frozen=True, eq=False)
class Symbol:
    """A number that is known only when the shader runs."""

    name: str
    of_pixel: bool
    book: Book
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
    return not isinstance(value, Symbol) and value == number


class Book:
    """The statements so far. An expression that was written before is not written again.

    Attributes:
      statements: in the order of execution.
      coordinates: arrays of constants that stand for symbols, and these symbols.
      tables: arrays of constants that statements look elements up in.
    """

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.coordinates: list[tuple[np.ndarray, np.ndarray]] = []
        self.tables: list[np.ndarray] = []
        self._written: dict[str, Symbol] = {}
        self._numbers = itertools.count()

    def symbol(self, name: str, *, of_pixel: bool = False) -> Symbol:
        """A number of this name."""
        return Symbol(name, of_pixel, self)

    def write(self, template: str, *values: Any, kind: str = "float") -> Symbol:
        """The value of an expression, `template` with the values in its braces."""
        text = template.format(*map(literal, values))
        if text not in self._written:
            uses = [value for value in values if isinstance(value, Symbol)]
            of_pixel = any(value.of_pixel for value in uses)
            name = f"v{next(self._numbers)}"
            self.statements.append(Statement(name, kind, text, tuple(value.name for value in uses), of_pixel))
            self._written[text] = Symbol(name, of_pixel, self, kind)
        return self._written[text]

    def read(self, constant: Any) -> np.ndarray:
        """A constant of the program, with symbols for the coordinates of pixels."""
        values = np.asarray(constant)
        for numbers, symbols in self.coordinates:
            if np.array_equal(values, numbers):
                return symbols
        return values


def literal(value: Any) -> str:
    """A number or a symbol as GLSL has it."""
    if isinstance(value, Symbol):
        return value.name
    if not math.isfinite(value):
        raise NotImplementedError(f"{value} has no translation")
    text = repr(float(value))
    return f"({text})" if text.startswith("-") else text


def _function(name: str, number: Callable[..., Any], kind: str = "float") -> Callable[..., Any]:
    """A function of numbers or symbols."""

    def call(*values: Any) -> Any:
        for value in values:
            if isinstance(value, Symbol):
                places = ", ".join(["{}"] * len(values))
                return value.book.write(f"{name}({places})", *values, kind=kind)
        return number(*values)

    return call


def _comparison(sign: str, number: Callable[..., Any]) -> Callable[..., Any]:
    def compare(one: Any, other: Any) -> Any:
        for value in (one, other):
            if isinstance(value, Symbol):
                return value.book.write(f"{{}} {sign} {{}}", one, other, kind="bool")
        return number(one, other)

    return compare


def _pick(chosen: Any, *cases: Any) -> Any:
    if not isinstance(chosen, Symbol):
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
_MOVES = {"broadcast_in_dim", "concatenate", "expand_dims", "pad", "reshape", "rev", "slice", "squeeze", "stack"}
_MOVES |= {"transpose"}
_INDEXED = ("dynamic_slice", "gather", "scatter")
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "custom_vjp_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}


def run(jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any], book: Book) -> list[np.ndarray]:
    """Runs a traced program on arrays of numbers and symbols, and writes its arithmetic into a book.

    Raises:
      NotImplementedError: an operation has no translation; one line says which.
    """
    known = dict(zip(jaxpr.constvars, map(book.read, constants), strict=True))
    known |= zip(jaxpr.invars, arguments, strict=True)

    def read(variable: Any) -> np.ndarray:
        return book.read(variable.val) if hasattr(variable, "val") else known[variable]

    for equation in jaxpr.eqns:
        results = _applied(equation, [read(each) for each in equation.invars], book)
        # NumPy gives a number in place of an array without axes.
        known |= zip(equation.outvars, map(np.asarray, results), strict=True)
    return [read(each) for each in jaxpr.outvars]


def _applied(equation: Any, values: list[np.ndarray], book: Book) -> Sequence[Any]:
    name, parameters = equation.primitive.name, equation.params
    if name in _CALLS:
        called = parameters[_CALLS[name]]
        return run(called.jaxpr, called.consts, values, book)
    if name == "cond":
        index, *values = values
        if index.dtype == object:
            raise NotImplementedError("a conditional that depends on the stroke has no translation")
        chosen = parameters["branches"][int(index)]
        return run(chosen.jaxpr, chosen.consts, values, book)
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
        if any(isinstance(each, Symbol) and each.of_pixel for value in values for each in value.flat):
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
    return array_of([every[place] for place in places.ravel()], places.shape)


def _looked_up(table: np.ndarray, indices: np.ndarray, parameters: Mapping[str, Any], book: Book) -> np.ndarray:
    """Elements of a table of constants."""
    axes = tuple(range(table.ndim))
    numbers = parameters["dimension_numbers"]
    if table.ndim != 3 or numbers.start_index_map != axes or set(parameters["slice_sizes"]) != {1}:
        raise NotImplementedError("a choice of several elements at once has no translation")
    number = next((i for i, each in enumerate(book.tables) if np.array_equal(each, table)), len(book.tables))
    book.tables += [table] * (number == len(book.tables))
    found = [book.write(f"look_up{number}({{}}, {{}}, {{}})", *place) for place in indices.reshape(-1, 3)]
    return array_of(found, indices.shape[:-1])


def _converted(values: np.ndarray, dtype: Any) -> Any:
    """Numbers of another type: comparisons become 0 and 1, and whole numbers stay floats without a fraction."""

    def converted(value: Any) -> Any:
        if isinstance(value, Symbol) and value.kind == "bool":
            return value.book.write("float({})", value)
        return _trunc(value) if np.issubdtype(dtype, np.integer) else value

    if np.dtype(dtype) == bool:
        raise NotImplementedError("a number as a truth value has no translation")
    return np.frompyfunc(converted, 1, 1)(values)


def array_of(values: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    """An array of numbers and symbols."""
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)
