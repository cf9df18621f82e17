"""Pigments: the colours that a few paints give, mixed in whole parts.

A mixture absorbs (K) and scatters (S) light as its paints do, each in proportion to its parts. The reflectance of a
thick layer follows from K / S, at each wavelength. A paint's colour gives K / S alone, so S is assumed: equal at all
wavelengths, and proportional to the paint's luminance. Steps from white to a dark paint are then about even.

References:
  Kubelka and Munk, Ein Beitrag zur Optik der Farbanstriche, Zeitschrift für technische Physik 12, 1931.
  Duncan, The colour of pigment mixtures, Proceedings of the Physical Society 52, 1940 (mixtures).
  Ronald van Wijnen, spectral.js, 2023 (weights colours by luminance).
"""

from __future__ import annotations

import difflib
import functools
import itertools
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxpaint import palettes, pictures, spectra

# Colours of opaque layers straight from the tube, under D65; tubes of other makers differ.
TUBES = {
    "titanium white": "#f4f3ec",
    "lead white": "#f2efe3",
    "lemon yellow": "#f6dc2a",
    "cadmium yellow": "#f8b911",
    "yellow ochre": "#bf8a35",
    "raw sienna": "#9a6426",
    "burnt sienna": "#7a3a20",
    "burnt umber": "#3a2a21",
    "vermilion": "#d13a24",
    "cadmium red": "#c9281f",
    "madder lake": "#6e1522",
    "alizarin crimson": "#5c1220",
    "quinacridone magenta": "#7a1035",
    "ultramarine": "#22286b",
    "cobalt blue": "#1d4492",
    "phthalo blue": "#10204a",
    "viridian": "#15493f",
    "ivory black": "#25231f",
}
# The four paints of Anders Zorn; white and printers' primaries; the paints that Monet named in 1905; a student's box.
SETS = {
    "zorn": ("titanium white", "yellow ochre", "vermilion", "ivory black"),
    "primary": ("titanium white", "lemon yellow", "quinacridone magenta", "phthalo blue"),
    "impressionist": ("lead white", "cadmium yellow", "vermilion", "madder lake", "cobalt blue", "viridian"),
    "studio": (
        "titanium white",
        "cadmium yellow",
        "yellow ochre",
        "cadmium red",
        "alizarin crimson",
        "burnt umber",
        "ultramarine",
        "viridian",
        "ivory black",
    ),
}
FEWEST, MOST = 2, 16
# Most paints, and most parts, of a mixture: what can be measured by eye.
_PAINTS, _PARTS = 3, 10


class Mixtures(NamedTuple):
    """What some paints give.

    Attributes:
      names: of the paints.
      colors: of the mixtures, of 8 bits, in [0, 1], each once.
      parts: of each paint in each mixture, whole numbers.
    """

    names: tuple[str, ...]
    colors: Float[np.ndarray, "m 3"]
    parts: Int[np.ndarray, "m paints"]

    def recipe(self, color: Float[np.ndarray, "3"]) -> list[str]:
        """Parts of the mixture of a colour, largest first, such as `3 parts yellow ochre`; none without a mixture."""
        (found,) = np.nonzero((pictures.to_bytes(self.colors) == pictures.to_bytes(color[None])).all(axis=1))
        if not len(found):
            return []
        parts = self.parts[found[0]].tolist()
        used = sorted(((amount, name) for amount, name in zip(parts, self.names, strict=True) if amount), reverse=True)
        return [f"{amount} part{'s' * (amount > 1)} {name}" for amount, name in used]


def checked(text: str) -> str:
    """Pigments as they are kept: `name #rrggbb` with commas between them, of distinct colours.

    Args:
      text: names of `SETS` and `TUBES`, colours as #rrggbb, and names with colours, with commas between them.

    Raises:
      ValueError: one line says what is wrong.
    """
    paints: dict[str, str] = {}
    for item in text.lower().split(","):
        for name, color in _paints(" ".join(re.split(r"[\s_-]+", item.strip())), text):
            paints.setdefault(color, name)
    if not FEWEST <= len(paints) <= MOST:
        raise ValueError(f"config.pigments: expected {FEWEST} to {MOST} paints, got {len(paints)}, {text!r}")
    return ",".join(f"{name} {color}".strip() for color, name in paints.items())


def _paints(item: str, text: str) -> Iterator[tuple[str, str]]:
    """Yields the name and the colour of each paint that an item of a list stands for."""
    if item in SETS or item in TUBES:
        yield from ((name, TUBES[name]) for name in SETS.get(item, (item,)))
    elif found := re.fullmatch(r"([^#]*?) ?(#[0-9a-f]{6})", item):
        yield found[1], found[2]
    else:
        known = [*SETS, *TUBES]
        near = difflib.get_close_matches(item, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the names are {', '.join(known)}"
        raise ValueError(
            f"config.pigments: expected names, or colours as #rrggbb, with commas, got {item!r} in {text!r}; {hint}"
        )


@functools.lru_cache(maxsize=4)
def mixtures(text: str) -> Mixtures:
    """All mixtures of some paints; of recipes for the same colour, the one of the fewest paints and parts.

    Args:
      text: pigments, as `checked` returns them.
    """
    pairs = [item.rpartition("#") for item in text.split(",")]
    names = tuple(name.strip() or f"#{color}" for name, _, color in pairs)
    colors = np.array([list(bytes.fromhex(color)) for *_, color in pairs]) / 255
    parts = np.array(list(_recipes(len(names))))
    mixed = pictures.to_bytes(spectra.to_colors(_mixed(spectra.of_colors(colors), parts)))
    _, first = np.unique(mixed, axis=0, return_index=True)
    first.sort()
    return Mixtures(names, mixed[first].astype(np.float32) / 255, parts[first])


def palette(text: str, count: int) -> Float[np.ndarray, "k 3"]:
    """At most `count` mixtures of some paints that stand for all of their mixtures, light ones first.

    Args:
      text: pigments, as `checked` returns them.
      count: greatest number of mixtures.
    """
    every = mixtures(text).colors
    return palettes.chosen(every, np.ones(len(every)), every, count)


def _recipes(paints: int) -> Iterator[list[int]]:
    """Yields the parts of each paint, in every proportion once; fewer paints first, then fewer parts."""
    for some, total in itertools.product(range(1, _PAINTS + 1), range(1, _PARTS + 1)):
        # Whole numbers above 0 with this sum, as the distances of marks on a line.
        for marks in itertools.combinations(range(1, total), some - 1):
            parts = np.diff([0, *marks, total]).tolist()
            if math.gcd(*parts) > 1:
                continue
            for chosen in itertools.combinations(range(paints), some):
                row = [0] * paints
                for paint, amount in zip(chosen, parts, strict=True):
                    row[paint] = amount
                yield row


def _mixed(paints: Float[np.ndarray, "n 36"], parts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "m 36"]:
    """Spectra of opaque mixtures, by Kubelka and Munk: K / S = (1 - R)² / 2R."""
    scattering = spectra.luminances(paints)[:, None]
    absorption = scattering * (1 - paints) ** 2 / (2 * paints)
    ratio = (parts @ absorption) / (parts @ scattering)
    mixed: Float[np.ndarray, "m 36"] = 1 + ratio - np.sqrt(ratio**2 + 2 * ratio)
    return mixed
