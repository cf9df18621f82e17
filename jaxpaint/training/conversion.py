"""Conversion of weights: Stylized Neural Painting's from and to PyTorch, and VGG's from PyTorch and Keras.

PyTorch has channels first: a fully connected layer is [out, in], a convolution [out, in, height, width], a transposed
convolution [in, out, height, width]. PyTorch's transposed convolution convolves where ours correlates, so that kernels
are rotated by half a turn. The last fully connected layer's output is ordered (channel, row, column) in PyTorch, and
(row, column, channel) here.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jaxtyping import Array

from jaxpaint import vgg
from jaxpaint.architectures import ARCHITECTURES
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import WeightsError, reason
from jaxpaint.io import origins
from jaxpaint.io.atomic import replacing
from jaxpaint.io.weights import VGGWeights, vgg_shapes
from jaxpaint.renderers.networks import SEED, Tree, network

State = Mapping[str, np.ndarray]
Turn = Callable[[np.ndarray], np.ndarray]
_NETS = ("heavy", "light")
_COUNTS = "num_batches_tracked"
# Numbers of VGG's largest convolution.
_LARGEST = 3 * 3 * 512 * 512


class Preprocessing(NamedTuple):
    """Mean and standard deviation of red, green and blue in [0, 1], which normalise pictures."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


_TORCHVISION = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# Keras keeps Caffe's preprocessing: pictures in [0, 255], less the mean.
_CAFFE = Preprocessing((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255))


class _Entry(NamedTuple):
    """One array: its key in PyTorch (there), its path here, and the conversions to here and to there."""

    key: str
    path: tuple[str, ...]
    here: Turn
    there: Turn


def _same(array: np.ndarray) -> np.ndarray:
    return array


def _entries(net: str) -> list[_Entry]:
    """Lists every array of a network.

    Raises:
      ValueError: there is no such network in Stylized Neural Painting.
    """
    if net not in _NETS:
        raise ValueError(f"expected a network of Stylized Neural Painting, {' or '.join(_NETS)}, got {net!r}")
    layers, entries = ARCHITECTURES[net], []

    def add(key: str, path: str, here: Turn = _same, there: Turn = _same) -> None:
        entries.append(_Entry(key, tuple(path.split("/")), here, there))

    last = len(layers.shading) - 1
    for i in range(last + 1):
        add(f"dcgan.main.{3 * i}.weight", f"params/shading/conv{i}/kernel", _transposed_here, _transposed_there)
    for i in range(last):
        key, norm = f"dcgan.main.{3 * i + 1}", f"shading/norm{i}"
        add(f"{key}.weight", f"params/{norm}/scale")
        add(f"{key}.bias", f"params/{norm}/bias")
        add(f"{key}.running_mean", f"batch_stats/{norm}/mean")
        add(f"{key}.running_var", f"batch_stats/{norm}/var")
    last = len(layers.dense) - 1
    for i in range(last + 1):
        key, dense = f"huangnet.fc{i + 1}", f"params/rasterization/dense{i}"
        here, there = (_to_rows, _to_channels) if i == last else (_same, _same)
        add(f"{key}.bias", f"{dense}/bias", here, there)
        add(f"{key}.weight", f"{dense}/kernel", *_through(here, there))
    for i in range(len(layers.convs)):
        key, conv = f"huangnet.conv{i + 1}", f"params/rasterization/conv{i}"
        add(f"{key}.bias", f"{conv}/bias")
        add(f"{key}.weight", f"{conv}/kernel", lambda w: w.transpose(2, 3, 1, 0), lambda w: w.transpose(3, 2, 0, 1))
    return entries


def _through(here: Turn, there: Turn) -> tuple[Turn, Turn]:
    """Conversions of a matrix whose columns here, and rows there, are ordered like a bias."""
    return lambda w: here(w).T, lambda w: there(w.T)


def _transposed_here(kernel: np.ndarray) -> np.ndarray:
    return kernel.transpose(2, 3, 0, 1)[::-1, ::-1]


def _transposed_there(kernel: np.ndarray) -> np.ndarray:
    return kernel[::-1, ::-1].transpose(2, 3, 0, 1)


def _to_rows(values: np.ndarray) -> np.ndarray:
    """Reorders the first axis from (channel, row, column) to (row, column, channel)."""
    maps = values.reshape(-1, SEED, SEED, *values.shape[1:])
    return np.moveaxis(maps, 0, 2).reshape(values.shape)


def _to_channels(values: np.ndarray) -> np.ndarray:
    """Reorders the first axis from (row, column, channel) to (channel, row, column), the inverse of `_to_rows`."""
    maps = values.reshape(SEED, SEED, -1, *values.shape[1:])
    return np.moveaxis(maps, 2, 0).reshape(values.shape)


def from_torch(state: State, *, net: str, brush: str) -> Tree:
    """Converts a PyTorch state dict to our weights.

    Args:
      state: arrays by PyTorch's names, `huangnet.…` and `dcgan.main.…`.
      net: heavy or light.
      brush: name of the network's brush.

    Returns:
      `params` and `batch_stats`.

    Raises:
      WeightsError: an array is missing, superfluous, damaged or of another shape; the message names the array.
      ValueError: there is no such network in Stylized Neural Painting, or no such brush.
    """
    entries = _entries(net)
    if brush not in BRUSHES:
        raise ValueError(f"expected a brush of {', '.join(BRUSHES)}, got {brush!r}")
    made = jax.eval_shape(network(net, BRUSHES[brush]).init, jax.random.key(0), np.zeros((2, BRUSHES[brush].dim), "f4"))
    shapes = {path: leaf.shape for path, leaf in traverse_util.flatten_dict(made).items()}
    flat: dict[tuple[str, ...], Array] = {}
    for entry in entries:
        expected = entry.there(np.broadcast_to(np.float32(0), shapes[entry.path])).shape
        if entry.key not in state:
            raise WeightsError(f"{entry.key}: missing; expected an array of shape {expected}")
        found = np.shape(state[entry.key])
        if found != expected:
            raise WeightsError(f"{entry.key}: expected shape {expected} for {net} and {brush}, got {found}")
        if not np.isfinite(state[entry.key]).all():
            raise WeightsError(f"{entry.key}: damaged: some of its numbers are not finite")
        flat[entry.path] = jnp.asarray(entry.here(np.asarray(state[entry.key], np.float32)))
    known = {entry.key for entry in entries}
    known |= {_counts(key) for key in known if key.endswith("running_mean")}
    for key in state:
        if key not in known:
            raise WeightsError(f"{key}: no such array in {net}")
    return traverse_util.unflatten_dict(flat)


def to_torch(variables: Tree, *, net: str) -> dict[str, np.ndarray]:
    """Converts our weights to a PyTorch state dict, the inverse of `from_torch`.

    Args:
      variables: `params` and `batch_stats`.
      net: heavy or light.

    Raises:
      WeightsError: an array is missing or superfluous; the message names the array.
      ValueError: there is no such network in Stylized Neural Painting.
    """
    entries, flat = _entries(net), traverse_util.flatten_dict(variables)
    if wrong := sorted({entry.path for entry in entries} ^ flat.keys()):
        problem = f"no such array in {net}" if wrong[0] in flat else "missing"
        raise WeightsError(f"{'/'.join(wrong[0])}: {problem}")
    state = {entry.key: np.ascontiguousarray(entry.there(np.asarray(flat[entry.path]))) for entry in entries}
    return state | {_counts(key): np.zeros((), np.int64) for key in state if key.endswith("running_mean")}


def _counts(key: str) -> str:
    return key.removesuffix("running_mean") + _COUNTS


def is_vgg(state: State) -> bool:
    """Returns whether a state dict has the names of torchvision's VGG."""
    return any(key.startswith("features.") for key in state)


def vgg_from_torch(state: State, *, caffe: bool = False) -> VGGWeights:
    """Converts torchvision's state dict, `features.N.weight` and so on, to VGG's weights.

    Args:
      state: arrays by torchvision's names; the classifier's are left out.
      caffe: whether they are Caffe's all the same, for blue, green, red from 0 to 255, as those of neural-style are.

    Raises:
      WeightsError: the convolutions are neither the first ones nor all of VGG-16 or VGG-19.
    """
    found: dict[int, list[np.ndarray]] = {}
    for key, value in state.items():
        if match := re.match(r"features\.(\d+)\.", key):
            found.setdefault(int(match[1]), []).append(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value)
    if caffe and 0 in found:
        found[0] = [value[:, :, ::-1] if value.ndim == 4 else value for value in found[0]]
    return _vgg(found, _CAFFE if caffe else _TORCHVISION, lambda place, layer: place)


def vgg_from_keras(path: str | os.PathLike[str]) -> VGGWeights:
    """Reads VGG's weights from one of Keras' files, `block1_conv1/…` and so on.

    Args:
      path: path of the file (HDF5), with or without the classifier, which is left out.

    Raises:
      WeightsError: the convolutions are neither the first ones nor all of VGG-16 or VGG-19; the file is not of this
        format; or h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise WeightsError("Keras' files need h5py: pip install 'jaxpaint[keras]'") from None
    found: dict[str, list[np.ndarray]] = {}

    def visit(name: str, item: Any) -> None:
        match = re.search(r"block(\d)_conv(\d)", name)
        if match and isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            # A file of a few bytes can say that it holds any number.
            if item.dtype.kind != "f" or item.size > _LARGEST:
                raise WeightsError(f"{path}: {name}: expected at most {_LARGEST} floats, got {item.shape}")
            found.setdefault("conv{}_{}".format(*match.groups()), []).append(item[()])

    if not pathlib.Path(path).is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except WeightsError:
        raise
    except Exception as error:  # A damaged file can raise anything.
        why = "" if isinstance(error, OSError) else f": {reason(error)}"
        raise WeightsError(f"{path}: expected weights of VGG in Keras' format, HDF5{why}") from None
    # Keras' first convolution takes blue, green, red.
    if "conv1_1" in found:
        found["conv1_1"] = [value[:, :, ::-1] if value.ndim == 4 else value for value in found["conv1_1"]]
    return _vgg(found, _CAFFE, lambda place, layer: layer)


def _vgg(
    found: Mapping[Any, list[np.ndarray]], preprocessing: Preprocessing, label: Callable[[int, str], Any]
) -> VGGWeights:
    """Makes VGG's weights from the arrays of a file.

    Args:
      found: arrays of each convolution, kernels `[3, 3, in, out]` and biases, by the file's labels.
      preprocessing: normalisation of pictures.
      label: function from a layer's place and name to the file's label.

    Raises:
      WeightsError: the convolutions are neither the first ones nor all of VGG-16 or VGG-19, or an array is missing,
        damaged or of another shape.
    """
    for net in vgg.ARCHITECTURES:
        layers = enumerate(vgg.layer_names(net))
        convs = {label(place, layer): layer for place, layer in layers if layer.startswith("conv")}
        if found and sorted(found) == list(convs)[: len(found)]:
            break
    else:
        names = ", ".join(map(str, sorted(found))) or "nothing"
        raise WeightsError(f"expected the convolutions of {' or '.join(vgg.ARCHITECTURES)}, got those called {names}")
    flat = {
        f"params/{convs[name]}/{'kernel' if value.ndim == 4 else 'bias'}": jnp.asarray(value, jnp.float32)
        for name, arrays in found.items()
        for value in arrays
    }
    flat |= {f"preprocessing/{name}": jnp.asarray(getattr(preprocessing, name)) for name in Preprocessing._fields}
    for name, shape in vgg_shapes(net, convs[max(found)]).items():
        if name not in flat or flat[name].shape != shape:
            got = f"got {flat[name].shape}" if name in flat else "there is none"
            raise WeightsError(f"{name.removeprefix('params/')}: expected shape {shape} for {net}, {got}")
        if not np.isfinite(flat[name]).all():
            raise WeightsError(f"{name.removeprefix('params/')}: damaged: some of its numbers are not finite")
        if name.endswith("kernel") and not np.any(flat[name]):
            raise WeightsError(f"{name.removeprefix('params/')}: damaged: its numbers are all zero")
    return VGGWeights(net, traverse_util.unflatten_dict(flat, sep="/"), {})


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads the generator's state dict from a PyTorch file, and executes no code from the file.

    Args:
      path: path of a checkpoint with `model_G_state_dict`, or of a bare state dict.

    Raises:
      WeightsError: the file is not of this format, or would execute code, or PyTorch is not installed.
    """
    torch = _torch()
    if not pathlib.Path(path).is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        with torch.serialization.safe_globals(_numbers()):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # A damaged file can raise anything.
        # PyTorch's own message is hidden, since it tells how to load the file all the same.
        asked = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it asks for {asked[1]}" if asked else type(error).__name__
        raise WeightsError(f"{path}: expected a PyTorch checkpoint of weights and numbers alone: {reason}") from None
    state = found
    for name in ("model_G_state_dict", "state_dict"):
        state = state.get(name, state) if isinstance(state, Mapping) else None
    if not isinstance(state, Mapping) or not state or not all(isinstance(key, str) for key in state):
        raise WeightsError(f"{path}: expected a state dict, or a checkpoint with model_G_state_dict")
    arrays = {}
    for key, value in state.items():
        if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_complex():
            raise WeightsError(f"{path}: expected a state dict, or a checkpoint with model_G_state_dict: {key}")
        value = value.detach()
        # Wrappers put their names before or into those of the arrays.
        name = re.sub(r"(^|\.)(module|_orig_mod)\.", r"\1", re.sub(r"^((module|_orig_mod)\.)+", "", key))
        arrays[name] = (value.float() if value.is_floating_point() else value).numpy()
    return arrays


def write_checkpoint(path: str | os.PathLike[str], state: State, *, origin: str = "") -> None:
    """Writes a state dict as `model_G_state_dict` of a PyTorch file, atomically.

    Args:
      path: path of the file.
      state: arrays by name.
      origin: what they were made from, which the file carries (see `jaxpaint.io.origins`).

    Raises:
      WeightsError: PyTorch is not installed.
    """
    torch = _torch()
    tensors = OrderedDict((key, torch.from_numpy(np.array(value))) for key, value in state.items())
    with replacing(path) as temporary:
        torch.save({"model_G_state_dict": tensors, "origin": origins.mark(origin)}, temporary)


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise WeightsError("PyTorch's files need PyTorch: pip install 'jaxpaint[torch]'") from None
    return torch


def _numbers() -> list[Any]:
    """Globals that the pickle of a NumPy number in a checkpoint refers to."""
    scalar = np.float64(0).__reduce__()[0]
    # Files written with NumPy 1 refer to the same function by its old module.
    old = (scalar, "numpy.core.multiarray.scalar")
    return [scalar, old, np.dtype, *(type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8", "?"))]
