"""Checks of arguments: an error is one line, which says what was expected and what came."""

from __future__ import annotations

import operator
import os
from types import UnionType


def instance(value: object, kind: type | UnionType, name: str, *, reader: str = "") -> None:
    """Refuses a value of another type.

    Args:
      value: an argument.
      kind: the expected type.
      name: noun for it, with its article, for the error message.
      reader: function that reads one from a file, if there is one, for those who pass a path.

    Raises:
      TypeError: one line, such as `expected a painting, got a path; jaxpaint.load_painting reads it`.
    """
    if isinstance(value, kind):
        return
    if reader and isinstance(value, str | os.PathLike):
        raise TypeError(f"expected {name}, got a path; {reader} reads it")
    raise TypeError(f"expected {name}, got {described(value)}")


def path(value: object) -> None:
    """Refuses what is no path of a file, such as arguments in the wrong order.

    Raises:
      TypeError: one line, such as `expected a path, got ndarray`.
    """
    instance(value, str | os.PathLike, "a path")


def whole(value: object, name: str, low: int, high: int, *, why: str = "") -> int:
    """A whole number, which may be NumPy's or JAX's.

    Args:
      value: an argument.
      name: noun for it, with its article and unit, for the error message.
      low, high: range, with both ends.
      why: reason for the upper end, for the error message.

    Raises:
      TypeError: the value is no whole number.
      ValueError: it is out of range.
    """
    expected = f"expected {name}, a whole number from {low} to {high}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # Other types are the error.
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{expected}, got {described(value)}")
    if not low <= number <= high:
        raise ValueError(f"{expected}, got {number}{f'; {why}' if why and number > high else ''}")
    return number


def described(value: object) -> str:
    """What was given, in a few words, for an error message: a number, or the type and shape of anything else."""
    if isinstance(value, int | float):
        return str(value)
    shape = getattr(value, "shape", ())
    return type(value).__name__ + (f" of shape {shape}" if shape else "")
