"""Weights from and to PyTorch, and from Keras: a module built here from the paper's table has to give the same."""

import functools
import os
import re
import sys
from collections import OrderedDict

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import nn

from jaxpaint import vgg
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import convert_weights
from jaxpaint.errors import WeightsError
from jaxpaint.io import weights
from jaxpaint.renderers.networks import fold, network
from jaxpaint.training import conversion

# Transposed convolutions: channels and stride; fully connected layers; convolutions: channels, shuffled after.
TABLE = {
    "heavy": (
        [(512, 1), (512, 2), (256, 2), (128, 2), (64, 2), (6, 2)],
        [512, 1024, 2048, 4096],
        [(32, 0), (32, 1), (16, 0), (16, 1), (8, 0), (12, 1)],
    ),
    "light": ([(512, 1), (256, 2), (128, 2), (6, 2)], [512, 1024, 2048], [(64, 0), (12, 1)]),
}


class Shading(nn.Module):
    def __init__(self, layers, channels):
        super().__init__()
        parts = []
        for i, (out, stride) in enumerate(layers):
            parts.append(nn.ConvTranspose2d(channels, out, 4, stride, 0 if stride == 1 else 1, bias=False))
            if i < len(layers) - 1:
                parts += [nn.BatchNorm2d(out), nn.ReLU()]
            channels = out
        self.main = nn.Sequential(*parts)

    def forward(self, strokes):
        return self.main(strokes[:, :, None, None])


class Rasterization(nn.Module):
    def __init__(self, dense, convs, channels):
        super().__init__()
        for i, out in enumerate(dense, 1):
            setattr(self, f"fc{i}", nn.Linear(channels, out))
            channels = out
        self.dense, self.convs, channels = dense, convs, channels // 256
        for i, (out, shuffled) in enumerate(convs, 1):
            setattr(self, f"conv{i}", nn.Conv2d(channels, out, 3, 1, 1))
            channels = out // 4 if shuffled else out

    def forward(self, values):
        for i in range(1, len(self.dense) + 1):
            values = torch.relu(getattr(self, f"fc{i}")(values))
        values = values.view(len(values), -1, 16, 16)
        for i, (_, shuffled) in enumerate(self.convs, 1):
            values = getattr(self, f"conv{i}")(values)
            values = nn.functional.pixel_shuffle(values, 2) if shuffled else torch.relu(values)
        return values


class Fusion(nn.Module):
    def __init__(self, net, brush):
        super().__init__()
        shading, dense, convs = TABLE[net]
        self.brush = brush
        self.dcgan = Shading(shading, brush.dim)
        self.huangnet = Rasterization(dense, convs, brush.shape_dim)

    def forward(self, strokes):
        silhouette = self.huangnet(strokes[:, : self.brush.shape_dim])
        opaque = 1.0 if self.brush.name == "oilpaintbrush" else strokes[:, -1, None, None, None]
        return self.dcgan(strokes)[:, :3] * silhouette, opaque * silhouette


@functools.cache
def module(net, brush):
    """Random weights that keep activations near 1, random statistics."""
    torch.manual_seed(0)
    made = Fusion(net, BRUSHES[brush])
    for name, value in made.state_dict().items():
        if name.endswith("running_mean") or name.endswith("bias"):
            value.normal_(0, 0.2)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
        elif value.ndim == 1:
            value.normal_(1, 0.2)
        elif value.ndim > 1:
            taps = value.shape[1:].numel() if "huangnet" in name else value.shape[0] * 4
            value.normal_(0, float(np.sqrt(2 / taps)))
    return made.eval()


def state(net, brush):
    return {name: value.numpy() for name, value in module(net, brush).state_dict().items()}


@pytest.mark.parametrize("net", TABLE)
@pytest.mark.parametrize("brush", ["oilpaintbrush", "watercolor"])
def test_both_draw_the_same(net, brush):
    strokes = np.random.default_rng(0).uniform(size=(3, BRUSHES[brush].dim)).astype(np.float32)
    with torch.no_grad():
        expected = [picture.permute(0, 2, 3, 1).numpy() for picture in module(net, brush)(torch.from_numpy(strokes))]
    variables = conversion.from_torch(state(net, brush), net=net, brush=brush)
    plain = jax.jit(network(net, BRUSHES[brush]).apply)(variables, strokes)
    folded = jax.jit(network(net, BRUSHES[brush], folded=True).apply)(fold(variables), strokes)
    for one, other, wanted in zip(plain, folded, expected, strict=True):
        scale = np.abs(wanted).max()
        assert scale > 0.1
        np.testing.assert_allclose(one, wanted, atol=1e-5 * scale)
        np.testing.assert_allclose(other, wanted, atol=1e-5 * scale)


@pytest.mark.parametrize("net", TABLE)
def test_there_and_back_is_the_same_to_the_bit(net):
    original = state(net, "markerpen")
    back = conversion.to_torch(conversion.from_torch(original, net=net, brush="markerpen"), net=net)
    assert back.keys() == original.keys()
    for key, value in original.items():
        np.testing.assert_array_equal(back[key], value)


def test_the_command_converts_in_both_directions(tmp_path, capsys):
    made = module("light", "oilpaintbrush")
    optimizer = torch.optim.Adam(made.parameters())
    made(torch.rand(2, 12))[0].sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch_id": 7,
        "best_val_acc": np.float64(27.5),
        "model_G_state_dict": made.state_dict(),
        "optimizer_G_state_dict": optimizer.state_dict(),
    }
    torch.save(checkpoint, tmp_path / "last_ckpt.pt")
    ours, theirs = str(tmp_path / "light.safetensors"), str(tmp_path / "back.pt")
    assert convert_weights.main(["convert_weights", str(tmp_path / "last_ckpt.pt"), ours, "--net=light"]) == 0
    assert convert_weights.main(["convert_weights", ours, theirs]) == 0
    assert capsys.readouterr().out.splitlines() == [ours, theirs]
    loaded = weights.load(ours)
    assert (loaded.net, loaded.brush, loaded.facts["source"]) == ("light", "oilpaintbrush", "last_ckpt.pt")
    back = torch.load(theirs, weights_only=True)["model_G_state_dict"]
    made.load_state_dict(back)
    for key, value in checkpoint["model_G_state_dict"].items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(back[key], value)
    module.cache_clear()


class _Evil:
    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def refused(capsys, *arguments):
    assert convert_weights.main(["convert_weights", *map(str, arguments)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_nothing_in_a_checkpoint_is_executed(tmp_path, capsys):
    evil = _Evil()
    evil.path = tmp_path / "executed"
    torch.save({"model_G_state_dict": evil}, tmp_path / "evil.pt")
    line = refused(capsys, tmp_path / "evil.pt", tmp_path / "out.safetensors")
    assert "expected a PyTorch checkpoint of weights and numbers alone: it asks for " in line
    assert not evil.path.exists() and not (tmp_path / "out.safetensors").exists()


def test_bad_input(tmp_path, capsys):
    (tmp_path / "text.pt").write_text("nothing of the kind")
    torch.save([1, 2], tmp_path / "list.pt")
    out = tmp_path / "out.safetensors"
    assert "no such file" in refused(capsys, tmp_path / "none.pt", out)
    assert "expected a PyTorch checkpoint" in refused(capsys, tmp_path / "text.pt", out)
    assert "expected a state dict" in refused(capsys, tmp_path / "list.pt", out)
    assert "expected .pt or .h5 to .safetensors" in refused(capsys, tmp_path / "list.pt", tmp_path / "b.pt")
    assert "expected two files" in refused(capsys, tmp_path / "list.pt")
    assert "--brush: expected" in refused(capsys, tmp_path / "list.pt", out, "--brush=spoon")
    torch.save(OrderedDict(module("light", "oilpaintbrush").state_dict()), tmp_path / "light.pt")
    assert "dcgan.main.0.weight: expected shape" in refused(capsys, tmp_path / "light.pt", out, "--brush=watercolor")
    assert "heavy or light, got 'lite'" in refused(capsys, tmp_path / "light.pt", out, "--net=lite")


def test_any_state_dict_of_floats_is_read(tmp_path):
    original = state("light", "oilpaintbrush")
    tensors = {f"module.{key}": torch.tensor(value) for key, value in original.items()}
    learned = {key: nn.Parameter(value, value.is_floating_point()) for key, value in tensors.items()}
    torch.save(learned, tmp_path / "a.pt")
    torch.save(tensors, tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    for name in ("a.pt", "b.pt"):
        found = conversion.read_checkpoint(tmp_path / name)
        assert found.keys() == original.keys()
        assert all(np.array_equal(found[key], value) for key, value in original.items())
    torch.save({"a": torch.ones(2).bfloat16()}, tmp_path / "c.pt")
    np.testing.assert_array_equal(conversion.read_checkpoint(tmp_path / "c.pt")["a"], np.ones(2, np.float32))


@pytest.mark.parametrize(
    "held", [{1: torch.zeros(2)}, {"model_G_state_dict": [1]}, {"a": torch.ones(2).to_sparse()}, {"a": 1.0}, {}]
)
def test_what_is_no_state_dict_is_refused(held, tmp_path):
    torch.save(held, tmp_path / "a.pt")
    # PyTorch warns of sparse tensors, once a process, and a warning is an error here: refused in other words.
    with pytest.raises(WeightsError, match="expected a (state dict|PyTorch checkpoint)"):
        conversion.read_checkpoint(tmp_path / "a.pt")


def test_ours_of_another_network_or_brush_are_refused(tmp_path, capsys):
    variables = conversion.from_torch(state("light", "rectangle"), net="light", brush="rectangle")
    weights.save(tmp_path / "a.safetensors", weights.Weights("light", "rectangle", variables, {}))
    files = tmp_path / "a.safetensors", tmp_path / "a.pt"
    assert "has weights of light" in refused(capsys, *files, "--net=heavy")
    assert "has weights of rectangle" in refused(capsys, *files, "--brush=markerpen")
    with pytest.raises(WeightsError, match="norm3/mean: missing"):
        conversion.to_torch(variables, net="heavy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("huangnet.fc2.bias"), "huangnet.fc2.bias: missing"),
        (lambda s: s.update(more=np.zeros(3)), "more: no such array in light"),
        (lambda s: s.update({"a.num_batches_tracked": np.zeros(())}), "a.num_batches_tracked: no such array in light"),
        (lambda s: s.update({"huangnet.fc1.bias": np.full(512, np.nan)}), "huangnet.fc1.bias: damaged"),
        (lambda s: s.update({"huangnet.conv1.weight": np.zeros((2, 2))}), "huangnet.conv1.weight: expected shape"),
    ],
)
def test_arrays_that_are_not_those_of_the_network_are_named(change, message):
    original = dict(state("light", "oilpaintbrush"))
    change(original)
    with pytest.raises(WeightsError, match=message):
        conversion.from_torch(original, net="light", brush="oilpaintbrush")


# Where torchvision has the first convolutions, and their channels; a pooling is where one place more is between them.
_FIRST = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256)}
VGG = {"vgg16": {**_FIRST, 17: (256, 512)}, "vgg19": {**_FIRST, 16: (256, 256)}}


@functools.cache
def vgg_state(net):
    """As deep as tells the networks apart; a classifier beside it."""
    rng, state = np.random.default_rng(0), {}
    for place, (channels, out) in VGG[net].items():
        kernel = rng.standard_normal((out, channels, 3, 3), np.float32) * np.float32(np.sqrt(2 / (9 * channels)))
        state[f"features.{place}.weight"] = torch.from_numpy(kernel)
        state[f"features.{place}.bias"] = torch.from_numpy(rng.standard_normal(out, np.float32) / 10)
    return state | {"classifier.0.weight": torch.zeros(4, 4), "classifier.0.bias": torch.zeros(4)}


def vgg_features(net, values):
    """PyTorch's, of normalised pictures, after the last convolution and its ReLU, with poolings of averages."""
    state, places = vgg_state(net), list(VGG[net])
    with torch.no_grad():
        for place, following in zip(places, [*places[1:], None], strict=True):
            values = nn.functional.conv2d(
                values, state[f"features.{place}.weight"], state[f"features.{place}.bias"], padding=1
            ).relu()
            if following == place + 3:
                values = nn.functional.avg_pool2d(values, 2)
    return values[0].permute(1, 2, 0).numpy()


def seen_alike(path, net, preprocessed):
    """Whether the features of a file are PyTorch's, of a picture that has been preprocessed by hand."""
    picture = np.random.default_rng(1).uniform(size=(16, 12, 3)).astype(np.float32)
    layer = vgg.layer_names(net)[max(VGG[net])].replace("conv", "relu")
    ours = weights.load_features(path, layers=[layer])(jnp.asarray(picture))[layer]
    values = torch.from_numpy(np.float32(preprocessed(picture)).transpose(2, 0, 1).copy())[None]
    expected = vgg_features(net, values)
    np.testing.assert_allclose(ours, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("net", VGG)
def test_the_command_converts_vgg_of_torchvision(net, tmp_path, capsys):
    torch.save(vgg_state(net), tmp_path / "vgg.pth")
    ours = str(tmp_path / "vgg.safetensors")
    assert convert_weights.main(["convert_weights", str(tmp_path / "vgg.pth"), ours]) == 0
    assert capsys.readouterr().out == f"{ours}\n"
    found = weights.load_vgg(ours)
    assert (found.net, found.facts["source"]) == (net, "vgg.pth")
    seen_alike(ours, net, lambda picture: (picture - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])


@pytest.mark.parametrize("names", ["block{0}_conv{1}/block{0}_conv{1}_{2}_1:0", "model_weights/block{0}_conv{1}/{2}:0"])
@pytest.mark.parametrize("net", VGG)
def test_the_command_converts_vgg_of_keras(net, names, tmp_path, capsys):
    """Which takes blue, green, red, 0 to 255, less the mean; of two generations of its files."""
    long = names.startswith("model")
    with h5py.File(tmp_path / "vgg.h5", "w") as file:
        file.create_group("block1_pool")
        for place in VGG[net]:
            block, conv = vgg.layer_names(net)[place].removeprefix("conv").split("_")
            kernel = vgg_state(net)[f"features.{place}.weight"].numpy().transpose(2, 3, 1, 0)
            file[names.format(block, conv, "kernel" if long else "W")] = kernel
            file[names.format(block, conv, "bias" if long else "b")] = vgg_state(net)[f"features.{place}.bias"].numpy()
        file["optimizer_weights/block1_conv1/kernel:0"] = np.zeros((3, 3, 3, 64))
        file["fc1/fc1_W_1:0"] = np.zeros((4, 4))
    ours = str(tmp_path / "vgg.safetensors")
    assert convert_weights.main(["convert_weights", str(tmp_path / "vgg.h5"), ours, f"--net={net}"]) == 0
    assert weights.load_vgg(ours).net == net
    seen_alike(ours, net, lambda picture: 255 * picture[..., ::-1] - [103.939, 116.779, 123.68])


def test_vgg_of_another_kind_is_refused(tmp_path, capsys, monkeypatch):
    out = tmp_path / "out.safetensors"
    torch.save(vgg_state("vgg19"), tmp_path / "vgg19.pth")
    assert "has weights of vgg19, not of vgg16" in refused(capsys, tmp_path / "vgg19.pth", out, "--net=vgg16")
    normalised = {f"features.{place}.weight": torch.zeros(1) for place in (0, 1, 3)}
    torch.save(normalised, tmp_path / "vgg16_bn.pth")
    line = refused(capsys, tmp_path / "vgg16_bn.pth", out)
    assert "convolutions of vgg16 or vgg19, got those called 0, 1, 3" in line
    (tmp_path / "text.h5").write_text("nothing of the kind")
    assert "in Keras' format" in refused(capsys, tmp_path / "text.h5", out)
    assert "no such file" in refused(capsys, tmp_path / "none.h5", out)
    with h5py.File(tmp_path / "th.h5", "w") as file:
        file["block1_conv1/kernel:0"], file["block1_conv1/bias:0"] = np.zeros((64, 3, 3, 3)), np.zeros(64)
    assert "conv1_1/kernel: expected shape (3, 3, 3, 64)" in refused(capsys, tmp_path / "th.h5", out)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["dense/kernel:0"] = np.zeros((4, 4))
    assert "expected the convolutions of vgg16 or vgg19" in refused(capsys, tmp_path / "other.h5", out)
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "pip install 'jaxpaint[keras]'" in refused(capsys, tmp_path / "th.h5", out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("features.2.bias"), "conv1_2/bias: expected shape (64,) for vgg16, there is none"),
        (lambda s: s.update({"features.0.bias": np.full(64, np.nan)}), "conv1_1/bias: damaged"),
        (lambda s: s.update({"features.2.weight": np.zeros((8, 8, 3, 3))}), "conv1_2/kernel: expected shape"),
    ],
)
def test_arrays_that_are_not_those_of_vgg_are_named(change, message):
    state = {key: value.numpy() for key, value in vgg_state("vgg16").items()}
    change(state)
    with pytest.raises(WeightsError, match=re.escape(message)):
        conversion.vgg_from_torch(state)
