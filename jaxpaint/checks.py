"""Checks of arguments, with one-line errors that name the expected and the actual value."""

from __future__ import annotations

import functools
import operator
import os
import zlib
from types import UnionType

import numpy as np
from jaxtyping import Int


def instance(value: object, kind: type | UnionType, name: str, *, reader: str = "") -> None:
    """Refuses a value of another type.

    Args:
      value: an argument.
      kind: the expected type.
      name: noun for the value, with its article, for the error message.
      reader: name of the function that reads such a value from a file, as a hint if the value is a path.

    Raises:
      TypeError: one line, such as `expected a painting, got a path; jaxpaint.load_painting reads it`.
    """
    if isinstance(value, kind):
        return
    if reader and isinstance(value, str | os.PathLike):
        raise TypeError(f"expected {name}, got a path; {reader} reads it")
    raise TypeError(f"expected {name}, got {described(value)}")


def path(value: object) -> None:
    """Refuses a value that is not a path, such as an argument in the wrong position.

    Raises:
      TypeError: one line, such as `expected a path, got ndarray`.
    """
    instance(value, str | os.PathLike, "a path")


def digest(*arrays: np.ndarray) -> Int[np.ndarray, ""]:
    """A checksum of arrays, by which a resumed run recognises its inputs."""
    return np.array(functools.reduce(lambda crc, array: zlib.crc32(array.tobytes(), crc), arrays, 0))


def whole(value: object, name: str, low: int, high: int, *, why: str = "") -> int:
    """Checks and converts an integer, which may be of NumPy or JAX.

    Args:
      value: an argument.
      name: noun for the value, with its article and unit, for the error message.
      low, high: inclusive range.
      why: reason for the upper bound, for the error message.

    Raises:
      TypeError: the value is not an integer.
      ValueError: the value is out of range.
    """
    expected = f"expected {name}, a whole number from {low} to {high}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # Other types raise the TypeError.
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{expected}, got {described(value)}")
    if not low <= number <= high:
        raise ValueError(f"{expected}, got {number}{f'; {why}' if why and number > high else ''}")
    return number


def described(value: object) -> str:
    """Describes a value for an error message: a number itself, or the type and shape of any other value."""
    if isinstance(value, int | float):
        return str(value)
    shape = getattr(value, "shape", ())
    return type(value).__name__ + (f" of shape {shape}" if shape else "")
