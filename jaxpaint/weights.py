"""Weights of networks as safetensors files: those that come with the package, and one's own."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jaxtyping import Array, Float

from jaxpaint import images
from jaxpaint.brushes import BRUSHES
from jaxpaint.renderers import fingerprint
from jaxpaint.renderers.networks import ARCHITECTURES, Pictures, Tree, fold, network

SHIPPED = pathlib.Path(__file__).parent / "weights"
# Farther than this from what they were trained on, strokes look different.
_ALIKE = 2e-3


class WeightsError(ValueError):
    """The file holds no weights of ours, or damaged ones; one line says what is wrong."""


class Weights(NamedTuple):
    """A trained network.

    Attributes:
      net: name of the network.
      brush: name of the brush.
      variables: `params` and `batch_stats`, float32.
      facts: what is known of them, all text: the recipe as JSON, steps, PSNR, the engine's fingerprint.
    """

    net: str
    brush: str
    variables: Tree
    facts: Mapping[str, str]


def save(path: str | os.PathLike[str], weights: Weights, *, dtype: str = "float16") -> None:
    """Writes weights, all of them or nothing.

    Args:
      path: of the file, replaced if there is one.
      weights: to write; net and brush become part of the file's facts, and so does today's fingerprint of the engine
        unless there is one.
      dtype: of the numbers in the file.
    """
    from safetensors.numpy import save_file

    looks = json.dumps(np.round(fingerprint(BRUSHES[weights.brush]).astype(float), 4).tolist())
    facts = {"fingerprint": looks, **weights.facts, "net": weights.net, "brush": weights.brush}
    flat = traverse_util.flatten_dict(weights.variables, sep="/")
    with images.replacing(path) as temporary:
        save_file({name: np.asarray(value, dtype) for name, value in flat.items()}, temporary, metadata=facts)


def load(source: str | os.PathLike[str], *, brush: str = "oilpaintbrush") -> Weights:
    """Reads weights.

    Args:
      source: a file, or the name of a network: then the weights that come with the package for the brush.
      brush: whose weights, for a name.

    Raises:
      WeightsError: no such file, weights of another brush, or damaged ones; no such weights in the package.

    Warns:
      UserWarning: the engine has changed since they were trained.
    """
    path = SHIPPED / f"{source}-{brush}.safetensors" if str(source) in ARCHITECTURES else pathlib.Path(source)
    if not path.is_file():
        shipped = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
        raise WeightsError(f"{path.name}: no such weights; the package has {', '.join(shipped) or 'none'}")
    flat, facts = _read(path)
    weights = Weights(facts["net"], facts["brush"], traverse_util.unflatten_dict(flat, sep="/"), facts)
    _check_shapes(path, weights, flat)
    _check_look(path, weights)
    return weights


def _read(path: pathlib.Path) -> tuple[dict[str, Array], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata() or {}
            flat = {name: jnp.asarray(file.get_tensor(name), jnp.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: expected weights as safetensors: {error}") from None
    if facts.get("net") not in ARCHITECTURES or facts.get("brush") not in BRUSHES:
        raise WeightsError(f"{path}: weights, but not of a network of ours")
    return flat, facts


def _check_shapes(path: pathlib.Path, weights: Weights, flat: Mapping[str, Array]) -> None:
    brush = BRUSHES[weights.brush]
    made: Any = jax.eval_shape(network(weights.net, brush).init, jax.random.key(0), np.zeros((2, brush.dim), "float32"))
    expected = {name: leaf.shape for name, leaf in traverse_util.flatten_dict(made, sep="/").items()}
    if expected != {name: leaf.shape for name, leaf in flat.items()}:
        raise WeightsError(f"{path}: its arrays are not those of {weights.net} for {weights.brush}")
    if not all(np.isfinite(leaf).all() for leaf in flat.values()):
        raise WeightsError(f"{path}: damaged: some of its numbers are not finite")


def _check_look(path: pathlib.Path, weights: Weights) -> None:
    """Warns where the engine has changed since the weights were trained."""
    if not weights.facts.get("fingerprint"):
        return
    then, now = np.array(json.loads(weights.facts["fingerprint"])), fingerprint(BRUSHES[weights.brush])
    if then.shape != now.shape or np.abs(then - now).max() > _ALIKE:
        warnings.warn(f"{path.name}: the engine has changed since these weights were trained", stacklevel=3)


def load_renderer(
    source: str | os.PathLike[str], *, brush: str = "oilpaintbrush", dtype: str = "float32"
) -> Callable[[Float[Array, "n d"]], Pictures]:
    """A trained network as a function of strokes.

    Args:
      source: a file of weights, or the name of a network: then the weights that come with the package for the brush.
      brush: whose weights, for a name.
      dtype: of the operands of matrix products, float32 or bfloat16.

    Returns:
      A jitted function: strokes `[n, d]` in [0, 1] to foreground `[n, S, S, 3]` and alpha `[n, S, S, 1 or 3]`, neither
      squashed nor clipped; differentiable in the strokes.

    Raises:
      WeightsError: as `load`.
    """
    weights = load(source, brush=brush)
    model = network(weights.net, BRUSHES[weights.brush], folded=True, dtype=dtype)
    return jax.jit(functools.partial(model.apply, fold(weights.variables)))
