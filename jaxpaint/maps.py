"""The user's maps of how to paint a picture: where details matter, and which way strokes run."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint import attention, directions, mattes, pictures, regions
from jaxpaint.errors import ResumeError
from jaxpaint.settings import Settings
from jaxpaint.types import Painting


class Maps(NamedTuple):
    """The user's pictures of how to paint, which an unfinished painting keeps.

    Attributes:
      form: direction field, or None.
      detail: how much each place matters, in [0, 1], or None.
      matte: where the painting is opaque, in [0, 1], at the size of the fit; None for everywhere.
    """

    form: directions.Field | None = None
    detail: Float[np.ndarray, "rows columns"] | None = None
    matte: mattes.Matte | None = None

    def as_dict(self) -> dict[str, np.ndarray]:
        """As arrays, for a file."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    @classmethod
    def of(
        cls,
        settings: Settings,
        shape: tuple[int, int],
        *,
        form: Any,
        detail: Any,
        matte: Any = None,
        resume: Painting | None,
    ) -> Maps:
        """The user's maps, or those of the painting to go on from.

        Args:
          settings, form, detail, matte, resume: as for `paint`.
          shape: height and width of the picture, in pixels.

        Raises:
          ValueError, TypeError: a map is not one; the painting is painted in blocks, or its strokes are not turned; the
            matte is opaque or transparent everywhere.
          ResumeError: the painting to go on from has another map.
        """
        given = cls(
            None if form is None else directions.checked(form),
            checked_detail(settings, shape, detail),
            None if matte is None else mattes.checked(matte, pictures.fitted_shape(*shape, settings.size)),
        )
        if resume is None:
            return given
        found = resume.state or {}
        known = cls(**{name: found.get(name) for name in cls._fields})
        names = ("directions", "others"), ("map of detail", "another"), ("matte", "another")
        for (name, other), new, old in zip(names, given, known, strict=True):
            # Directions found by another processor differ by roundings.
            if new is not None and (old is None or old.shape != new.shape or not np.allclose(old, new, atol=1e-3)):
                raise ResumeError(f"expected a painting to go on from with the {name} it began with, got {other}")
        try:
            return cls(
                None if known.form is None else directions.checked(known.form),
                *(None if known_map is None else regions.checked(known_map) for known_map in known[1:]),
            )
        except ValueError as error:
            raise ResumeError(f"expected the state of an unfinished painting: {error}") from None


def checked_detail(settings: Settings, shape: tuple[int, int], detail: Any) -> Float[np.ndarray, "rows columns"] | None:
    """A map of detail for a picture, or None for None.

    Args:
      settings, detail: as for `paint`.
      shape: height and width of the picture, in pixels.

    Raises:
      ValueError, TypeError: the map is not one; the picture is painted in blocks.
    """
    if detail is not None and settings.mode == "blocks":
        raise ValueError("expected a map of detail with config.mode other than blocks, where pixels have equal weights")
    return None if detail is None else attention.checked_map(detail, shape)


NONE = Maps()
