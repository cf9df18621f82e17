"""Weights of networks as safetensors files: the package's own, and the user's."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jaxtyping import Array, Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from jaxpaint import checks, vgg
from jaxpaint.architectures import ARCHITECTURES
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import WeightsError, reason
from jaxpaint.io.atomic import replacing
from jaxpaint.renderers import fingerprint
from jaxpaint.renderers.networks import Pictures, Tree, fold, network
from jaxpaint.settings import DTYPES

SHIPPED = pathlib.Path(__file__).parents[1] / "weights"
# Greatest difference from the training's fingerprint at which strokes still look alike.
_ALIKE = 2e-3


class Weights(NamedTuple):
    """A trained network.

    Attributes:
      net: name of the network.
      brush: name of the brush.
      variables: `params` and `batch_stats`, float32.
      facts: metadata, all text: the recipe as JSON, steps, PSNR, the engine's fingerprint.
    """

    net: str
    brush: str
    variables: Tree
    facts: Mapping[str, str]


class VGGWeights(NamedTuple):
    """A VGG trained on ImageNet, complete or as far as some layer.

    Attributes:
      net: name of the network, vgg16 or vgg19.
      variables: `params` and `preprocessing`, float32, in the structure of `vgg.VGG`.
      facts: metadata, all text: origin and licence.
    """

    net: str
    variables: Tree
    facts: Mapping[str, str]


def save(path: str | os.PathLike[str], weights: Weights, *, dtype: str = "float16") -> None:
    """Writes weights, atomically.

    Args:
      path: path of the file; an existing file is replaced.
      weights: a trained network; the file's metadata include net and brush, and, if the facts have no fingerprint, the
        engine's current one.
      dtype: type of the numbers in the file.
    """
    looks = json.dumps(np.round(fingerprint(BRUSHES[weights.brush]).astype(float), 4).tolist())
    facts = {"fingerprint": looks, **weights.facts, "net": weights.net, "brush": weights.brush}
    _write(path, weights.variables, facts, dtype)


def save_vgg(path: str | os.PathLike[str], weights: VGGWeights, *, dtype: str = "float16") -> None:
    """Writes weights of a VGG, atomically.

    Args:
      path: path of the file; an existing file is replaced.
      weights: a VGG; the file's metadata include the network's name.
      dtype: type of the kernels and biases in the file.
    """
    _write(path, weights.variables, {**weights.facts, "net": weights.net}, dtype)


def _write(path: str | os.PathLike[str], variables: Tree, facts: Mapping[str, str], dtype: str) -> None:
    flat = traverse_util.flatten_dict(variables, sep="/")
    arrays = {
        name: np.asarray(value, None if name.startswith("preprocessing/") else dtype) for name, value in flat.items()
    }
    with replacing(path) as temporary:
        save_file(arrays, temporary, metadata=dict(facts))
        _sort_facts(temporary)


def _sort_facts(path: pathlib.Path) -> None:
    """Sorts the entries of a safetensors file's header, whose order is random: equal weights give equal files."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        if "__metadata__" in header:
            header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(size)
        if len(text) == size:
            file.seek(8)
            file.write(text)


def load(source: str | os.PathLike[str], *, brush: str = "oilpaintbrush") -> Weights:
    """Reads weights.

    Args:
      source: path of a file, or name of a network; a name selects the package's weights of the brush.
      brush: name of the brush, if `source` is a network's name.

    Raises:
      TypeError: the source is not a path.
      WeightsError: the file is missing or damaged, or has weights of another brush; the package has no such weights.

    Warns:
      UserWarning: the engine has changed since the weights were trained.
    """
    checks.path(source)
    path = SHIPPED / f"{source}-{brush}.safetensors" if str(source) in ARCHITECTURES else pathlib.Path(source)
    flat, facts = _read(path)
    if facts.get("net") not in ARCHITECTURES or facts.get("brush") not in BRUSHES:
        raise WeightsError(f"{path}: weights, but not of a network of ours")
    weights = Weights(facts["net"], facts["brush"], traverse_util.unflatten_dict(flat, sep="/"), facts)
    _check_shapes(path, weights, flat)
    _check_look(path, weights)
    return weights


def _read(path: pathlib.Path) -> tuple[dict[str, Array], dict[str, str]]:
    if not path.is_file():
        shipped = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
        raise WeightsError(f"{path.name}: no such weights; the package has {', '.join(shipped) or 'none'}")
    try:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata() or {}
            flat = {name: jnp.asarray(file.get_tensor(name), jnp.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: expected weights as safetensors: {reason(error)}") from None
    if not all(np.isfinite(leaf).all() for leaf in flat.values()):
        raise WeightsError(f"{path}: damaged: some of its numbers are not finite")
    return flat, facts


def _check_shapes(path: pathlib.Path, weights: Weights, flat: Mapping[str, Array]) -> None:
    brush = BRUSHES[weights.brush]
    made: Any = jax.eval_shape(network(weights.net, brush).init, jax.random.key(0), np.zeros((2, brush.dim), "float32"))
    expected = {name: leaf.shape for name, leaf in traverse_util.flatten_dict(made, sep="/").items()}
    if expected != {name: leaf.shape for name, leaf in flat.items()}:
        raise WeightsError(f"{path}: its arrays are not those of {weights.net} for {weights.brush}")


def _check_look(path: pathlib.Path, weights: Weights) -> None:
    """Warns if the engine has changed since the weights were trained."""
    if not weights.facts.get("fingerprint"):
        return
    now = fingerprint(BRUSHES[weights.brush])
    try:
        then = np.array(json.loads(weights.facts["fingerprint"]), float)
    except (ValueError, TypeError, RecursionError):
        raise WeightsError(f"{path}: damaged: its fingerprint can't be read") from None
    if then.shape != now.shape or np.abs(then - now).max() > _ALIKE:
        warnings.warn(f"{path.name}: the engine has changed since these weights were trained", stacklevel=3)


def load_renderer(
    source: str | os.PathLike[str], *, brush: str = "oilpaintbrush", dtype: str = "float32"
) -> Callable[[Float[Array, "n d"]], Pictures]:
    """Loads a trained network as a function of strokes.

    Args:
      source: path of a file, or name of a network; a name selects the package's weights of the brush.
      brush: name of the brush, if `source` is a network's name.
      dtype: type of the shading network's arithmetic, float32 or bfloat16.

    Returns:
      A compiled function from strokes `[n, d]` in [0, 1] to foreground `[n, S, S, 3]` and alpha `[n, S, S, 1 or 3]`.
      The results are neither squashed nor clipped, and are differentiable in the strokes. The function raises
      ValueError for strokes of another brush.

    Raises:
      TypeError, WeightsError: as for `load`.
      ValueError: `dtype` is unknown.
    """
    if dtype not in DTYPES:
        raise ValueError(f"expected a type of {' or '.join(DTYPES)}, got {dtype!r}")
    weights = load(source, brush=brush)
    model = network(weights.net, BRUSHES[weights.brush], folded=True, dtype=dtype)
    # The weights are an argument, because the compiler would spend seconds on folding them as constants.
    return functools.partial(jax.jit(model.apply), fold(weights.variables))


def load_vgg(source: str | os.PathLike[str] = "vgg16") -> VGGWeights:
    """Reads weights of a VGG.

    Args:
      source: path of a file, or name of a network; a name selects the package's weights.

    Raises:
      WeightsError: the file is missing or damaged, or has other weights; the package has no such weights.
    """
    path = SHIPPED / f"{source}.safetensors" if str(source) in vgg.ARCHITECTURES else pathlib.Path(source)
    if not path.is_file():
        raise WeightsError(f"{source}: no such weights; the package has vgg16, and bin/convert_weights makes others")
    flat, facts = _read(path)
    net = facts.get("net", "")
    if net not in vgg.ARCHITECTURES:
        raise WeightsError(f"{path}: weights, but not of a VGG of ours; bin/convert_weights makes them")
    layers = [name for name in vgg.layer_names(net) if f"params/{name}/kernel" in flat]
    expected = vgg_shapes(net, layers[-1]) if layers else {}
    if expected != {name: leaf.shape for name, leaf in flat.items()}:
        raise WeightsError(f"{path}: its arrays are not those of {net}")
    return VGGWeights(net, traverse_util.unflatten_dict(flat, sep="/"), facts)


def vgg_shapes(net: str, deepest: str) -> dict[str, tuple[int, ...]]:
    """Shapes of a VGG's variables by name, such as `params/conv1_1/kernel`, as far as the layer `deepest`."""
    picture = jax.ShapeDtypeStruct((32, 32, 3), "float32")
    made: Any = jax.eval_shape(vgg.network(net, layers=[deepest]).init, jax.random.key(0), picture)
    return {name: leaf.shape for name, leaf in traverse_util.flatten_dict(made, sep="/").items()}


def load_features(
    source: str | os.PathLike[str] = "vgg16", *, layers: Sequence[str], pooling: str = "average"
) -> Callable[[Float[Array, "height width 3"]], dict[str, Float[Array, "_ _ _"]]]:
    """Loads a VGG as a function of pictures.

    Args:
      source: path of a file, or name of a network; a name selects the package's weights (vgg16, as far as relu4_3).
      layers: names of the layers with the wanted features, such as relu1_2.
      pooling: average or max.

    Returns:
      A compiled, differentiable function from a picture `[H, W, 3]` in [0, 1] to feature maps `[h, w, c]` by layer. The
      function is also a pytree. A jitted function that takes the pytree as an argument has no weights in its program.

    Raises:
      WeightsError: as for `load_vgg`, or the weights do not reach the deepest of the layers.
      ValueError: there is no such layer or pooling.
    """
    weights = load_vgg(source)
    model = vgg.network(weights.net, layers=layers, pooling=pooling)
    if missing := [
        name for name in model.needed if name.startswith("conv") and name not in weights.variables["params"]
    ]:
        deepest = list(weights.variables["params"])[-1]
        raise WeightsError(
            f"{source}: has the weights of {weights.net} as far as {deepest}, but {missing[0]} is needed"
        )
    return jax.tree_util.Partial(jax.jit(model.apply), weights.variables)
