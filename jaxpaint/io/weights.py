"""Weights of networks as safetensors files: those that come with the package, and one's own."""

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

from jaxpaint import vgg
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import WeightsError
from jaxpaint.io.atomic import replacing
from jaxpaint.renderers import fingerprint
from jaxpaint.renderers.networks import ARCHITECTURES, Pictures, Tree, fold, network

SHIPPED = pathlib.Path(__file__).parents[1] / "weights"
# Farther than this from what they were trained on, strokes look different.
_ALIKE = 2e-3


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


class VGGWeights(NamedTuple):
    """A VGG trained on ImageNet, or as much of it as is there.

    Attributes:
      net: name of the network, vgg16 or vgg19.
      variables: `params` and `preprocessing`, float32, as `vgg.VGG` has them.
      facts: what is known of them, all text: where they are from, their licence.
    """

    net: str
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
    looks = json.dumps(np.round(fingerprint(BRUSHES[weights.brush]).astype(float), 4).tolist())
    facts = {"fingerprint": looks, **weights.facts, "net": weights.net, "brush": weights.brush}
    _write(path, weights.variables, facts, dtype)


def save_vgg(path: str | os.PathLike[str], weights: VGGWeights, *, dtype: str = "float16") -> None:
    """Writes weights of a VGG, all of them or nothing.

    Args:
      path: of the file, replaced if there is one.
      weights: to write; the network's name becomes part of the file's facts.
      dtype: of the kernels and biases in the file.
    """
    _write(path, weights.variables, {**weights.facts, "net": weights.net}, dtype)


def _write(path: str | os.PathLike[str], variables: Tree, facts: Mapping[str, str], dtype: str) -> None:
    flat = traverse_util.flatten_dict(variables, sep="/")
    arrays = {
        name: np.asarray(value, None if name.startswith("preprocessing/") else dtype) for name, value in flat.items()
    }
    with replacing(path) as temporary:
        save_file(arrays, temporary, metadata=dict(facts))


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
        raise WeightsError(f"{path}: expected weights as safetensors: {error}") from None
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
      dtype: of what the shading network multiplies, float32 or bfloat16.

    Returns:
      A compiled function: strokes `[n, d]` in [0, 1] to foreground `[n, S, S, 3]` and alpha `[n, S, S, 1 or 3]`,
      neither squashed nor clipped; differentiable in the strokes.

    Raises:
      WeightsError: as `load`.
    """
    weights = load(source, brush=brush)
    model = network(weights.net, BRUSHES[weights.brush], folded=True, dtype=dtype)
    # The weights as an argument: as a part of the program, they would be folded by the compiler, for seconds.
    return functools.partial(jax.jit(model.apply), fold(weights.variables))


def load_vgg(source: str | os.PathLike[str] = "vgg16") -> VGGWeights:
    """Reads weights of a VGG.

    Args:
      source: a file, or the name of a network: then the weights that come with the package.

    Raises:
      WeightsError: no such file, other or damaged weights; no such weights in the package.
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
    """The shapes of a VGG's variables by their names, `params/conv1_1/kernel` and so on, as deep as a layer."""
    picture = jax.ShapeDtypeStruct((32, 32, 3), "float32")
    made: Any = jax.eval_shape(vgg.network(net, layers=[deepest]).init, jax.random.key(0), picture)
    return {name: leaf.shape for name, leaf in traverse_util.flatten_dict(made, sep="/").items()}


def load_features(
    source: str | os.PathLike[str] = "vgg16", *, layers: Sequence[str], pooling: str = "average"
) -> Callable[[Float[Array, "height width 3"]], dict[str, Float[Array, "_ _ _"]]]:
    """A VGG as a function of pictures.

    Args:
      source: a file of weights, or the name of a network: then the weights that come with the package (vgg16, as far as
        relu4_3).
      layers: whose features are wanted, such as relu1_2.
      pooling: average or max.

    Returns:
      A compiled function of a picture `[H, W, 3]` in [0, 1] that gives maps `[h, w, c]` by layer, differentiable. It is
      a pytree, too: given to a jitted function as an argument, its weights do not become part of the program.

    Raises:
      WeightsError: as `load_vgg`, or the weights do not go as deep as the layers.
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
