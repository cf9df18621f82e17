"""Repainting a region: the strokes outside stay as they are, and new ones inside are painted over them.

The new strokes aim at the photograph inside the region, and outside at what the painting shows already. So they also
fill the gaps that strokes leave which are taken away, and no seam is seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, PRNGKeyArray

from jaxpaint import checks, directions, drawing, mattes, palettes, pictures, regions
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ResumeError
from jaxpaint.maps import Maps
from jaxpaint.painter import Painter, as_key, importance, prepared, underpainting
from jaxpaint.painting import fit_stages
from jaxpaint.settings import Settings
from jaxpaint.types import Painting, Progress

# Settings that all strokes of a painting share.
SHARED = ("brush", "brush_image", "texture", "canvas_color", "transparent", "layering")
# Difference, in [0, 1], from which a place that strokes leave is a gap.
_GAP = 0.1
# Standard deviation of the border's blur, in long sides, and the addition to the weight on the border.
_BORDER, _BORDER_WEIGHT = 0.008, 2.0
# Checksum of the painting, the photograph and the region, in the state of an unfinished repainting.
_BEGUN_WITH = "begun_with"


def repaint(
    painting: Painting,
    image: Float[np.ndarray, "height width c"] | None,
    *,
    mask: Float[np.ndarray, "rows columns"],
    key: PRNGKeyArray | int,
    strokes: int | None = None,
    settings: Settings | None = None,
    form: directions.Field | None = None,
    detail: Float[np.ndarray, "_ _"] | None = None,
    resume: Painting | None = None,
) -> Painting:
    """Paints a region of a painting anew.

    Args:
      painting: a finished painting. The strokes with their middle outside the region stay bit for bit, and so does the
        underpainting.
      image: the photograph to paint in the region, or another one; it is cropped to the painting's proportions. None:
        the painting itself, such as for larger strokes or other colours. In a transparent painting, the region gets the
        photograph's alpha, its fourth channel, or keeps its own.
      mask: array of any size in [0, 1]: 1 in the region.
      key: random key or integer.
      strokes: number of new strokes; None for as many as are taken away.
      settings: how the new strokes are painted; None for the painting's own settings. Brush, texture, layering and
        canvas have to be the painting's, and its light stays.
      form, detail: as for `painting.paint`.
      resume: unfinished repainting of the same painting to continue, with the same arguments.

    Returns:
      The painting: first the strokes that stay, then the new ones.

    Raises:
      ValueError, TypeError: the painting is unfinished; the mask has no region, or no strokes lie there; an argument
        has another type, shape or range; the settings are of another brush, or of mode blocks.
      WeightsError: as for `painting.paint`.
      ResumeError: the painting to resume is finished, or began with other arguments.
    """
    stages = repaint_stages(
        painting,
        image,
        mask=mask,
        key=key,
        strokes=strokes,
        settings=settings,
        form=form,
        detail=detail,
        resume=resume,
    )
    *_, (repainted, _) = stages
    return repainted


def repaint_stages(
    painting: Painting,
    image: Float[np.ndarray, "height width c"] | None,
    *,
    mask: Float[np.ndarray, "rows columns"],
    key: PRNGKeyArray | int,
    strokes: int | None = None,
    settings: Settings | None = None,
    form: directions.Field | None = None,
    detail: Float[np.ndarray, "_ _"] | None = None,
    resume: Painting | None = None,
) -> Iterator[tuple[Painting, Progress]]:
    """`repaint`, a few steps at a time.

    Args:
      painting, image, mask, key, strokes, settings, form, detail, resume: as for `repaint`.

    Yields:
      The painting so far and its progress; the last painting is finished. Each painting can be saved and resumed, with
      the same result.

    Raises:
      ValueError, TypeError, WeightsError, ResumeError: as for `repaint`, before the first step.
    """
    checks.instance(painting, Painting, "a painting", reader="jaxpaint.load_painting")
    painting.check_finished()
    mask, key = regions.checked(mask), as_key(key)
    if mask.max() < regions.INSIDE:
        raise ValueError(f"expected a mask with a region of at least {regions.INSIDE}, got at most {mask.max():.3g}")
    away = taken_away(painting, mask)
    settings = suited(painting, settings, int(away.sum()) if strokes is None else strokes)
    kept = painting.strokes[~away]
    shape = pictures.fitted_shape(painting.height, painting.width, settings.size)
    maps = Maps.of(settings, shape, form=form, detail=detail, resume=resume)
    shown, below = (
        drawing.draw_dry(dataclasses.replace(painting, strokes=some), size=settings.size)
        for some in (painting.strokes, kept)
    )
    region = pictures.resize(mask[..., None], shape)
    target = shown
    if image is not None:
        # Simplified as if all of the picture were painted in strokes of this size.
        alike = dataclasses.replace(settings, strokes=max(1, min(round(settings.strokes / region.mean()), 100_000)))
        target = shown + region * (_wanted(alike, painting, image, shown, maps) - shown)
    painter = Painter.of(settings, (painting.height, painting.width), painting.brush_image)
    # New strokes are also laid where those that are taken away leave gaps outside the region.
    gaps = np.clip(np.abs(shown - below).max(axis=-1) / _GAP, 0.0, 1.0)
    room = np.maximum(region[..., 0], gaps)
    if settings.transparent:
        maps, room = maps._replace(matte=target[..., 3]), room * target[..., 3]
        if room.max() < regions.INSIDE:
            raise ValueError("expected a region with opaque places, got one that is transparent everywhere")
    painter = painter._replace(below=below, region=room)
    begun_with = checks.digest(painting.strokes, mask, target)
    part = None if resume is None else _part_of(resume, settings, begun_with, kept)
    weight = _bordered(importance(settings, target[..., :3], maps.detail), region[..., 0])
    stages = fit_stages(target[..., :3], painter, key=key, weight=weight, maps=maps, resume=part)
    return (
        (
            dataclasses.replace(
                painting,
                strokes=np.concatenate([kept, fitted.strokes]),
                state=fitted.state and fitted.state | {_BEGUN_WITH: begun_with},
                repainting=settings,
            ),
            progress,
        )
        for fitted, progress in stages
    )


def taken_away(painting: Painting, mask: regions.Mask) -> Bool[np.ndarray, "n"]:
    """Which strokes a repainting of a region takes away: those with their middle in it, but no underpainting."""
    lowest = np.arange(len(painting.strokes)) < underpainting(painting.settings)
    return regions.contains(mask, painting) & ~lowest


def settings_of(painting: Painting) -> Settings:
    """The settings of a painting without its goal, with the colours that were found for it, if it has few."""
    settings = dataclasses.replace(painting.settings, psnr=0.0, seconds=0.0)
    if not settings.palette_size:
        return settings
    colors = palettes.distinct(painting.strokes[:, BRUSHES[painting.brush].index("color")].reshape(-1, 3))
    return dataclasses.replace(settings, palette=",".join(map(pictures.to_hex, colors)), pigments="")


def suited(painting: Painting, settings: Settings | None, strokes: int) -> Settings:
    """Settings for the new strokes of a repainting.

    Args:
      painting: the painting.
      settings: how the new strokes are painted; None for the painting's own settings.
      strokes: number of new strokes.

    Raises:
      ValueError, TypeError: as for `repaint`.
    """
    if not strokes:
        raise ValueError("expected a region with strokes in it, or a number of new strokes, got neither")
    settings = settings_of(painting) if settings is None else settings
    Settings.check(settings)
    for name in SHARED:
        own, other = getattr(painting.settings, name), getattr(settings, name)
        if own != other:
            raise ValueError(f"config.{name}: expected {own}, as of the painting's other strokes, got {other}")
    for name in ("psnr", "seconds"):
        if value := getattr(settings, name):
            raise ValueError(f"config.{name}: expected 0 to paint a region anew, in as many strokes, got {value:g}")
    if settings.mode == "blocks":
        raise ValueError("config.mode: expected progressive or grid to paint a region anew, got blocks")
    return dataclasses.replace(settings, strokes=strokes, underpainting=0.0)


def cropped(image: Float[np.ndarray, "height width c"], shape: tuple[int, int]) -> Float[np.ndarray, "rows columns c"]:
    """The middle of a picture, in the proportions of a shape; all of it if these differ by rounding alone."""
    (height, width, _), (rows, columns) = image.shape, shape
    # A row less would move everything against what is painted.
    if abs(height * columns - width * rows) <= max(height, width) / 2:
        return image
    high, wide = min(height, round(width * rows / columns)), min(width, round(height * columns / rows))
    top, left = (height - high) // 2, (width - wide) // 2
    return image[top : top + max(high, 1), left : left + max(wide, 1)]


def _wanted(
    settings: Settings, painting: Painting, image: Any, shown: Float[np.ndarray, "rows columns c"], maps: Maps
) -> Float[np.ndarray, "rows columns c"]:
    """A photograph as it is painted: prepared, at the size of the drawing, with alpha if that is transparent."""
    found, alpha = mattes.parted(image, settings)
    found, matte, shape = cropped(found, (painting.height, painting.width)), None, shown.shape[:2]
    if settings.transparent:
        matte = shown[..., 3]
        if alpha is None:
            found = mattes.cut_out(pictures.resize(found, shape), matte, settings.canvas_rgb)
        else:
            matte = pictures.resize(cropped(alpha[..., None], (painting.height, painting.width)), shape)[..., 0]
    wanted = pictures.resize(prepared(settings, found, maps.detail, matte), shape)
    return wanted if matte is None else np.concatenate([wanted, matte[..., None]], axis=-1)


def _bordered(
    weight: Float[np.ndarray, "rows columns"] | None, region: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns"]:
    """Weights of the pixels, of mean 1, greater along the region's border, where few strokes reach."""
    inside = cv2.GaussianBlur(region, (0, 0), _BORDER * max(region.shape))
    bordered = (1.0 if weight is None else weight) * (1.0 + _BORDER_WEIGHT * 4.0 * inside * (1.0 - inside))
    return (bordered / bordered.mean()).astype(np.float32)


def _part_of(resume: Painting, settings: Settings, begun_with: np.ndarray, kept: Float[np.ndarray, "k d"]) -> Painting:
    """The new strokes of an unfinished repainting, as an unfinished painting.

    Raises:
      ResumeError: see `repaint`.
    """
    checks.instance(resume, Painting, "a repainting to go on from", reader="jaxpaint.load_painting")
    if resume.repainting is None:
        raise ResumeError("expected an unfinished repainting to go on from, got another painting")
    if resume.state and not np.array_equal(resume.state.get(_BEGUN_WITH, ()), begun_with):
        raise ResumeError("expected the painting, photograph and region that the repainting began with, got others")
    if not np.array_equal(resume.strokes[: len(kept)], kept):
        raise ResumeError("expected an unfinished repainting of the same painting, got one of another")
    return dataclasses.replace(resume, strokes=resume.strokes[len(kept) :], settings=resume.repainting)
