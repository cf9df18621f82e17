"""VGG: against PyTorch and NumPy, as deep as asked for, with the weights that ship."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
import torch
from torch import nn

from jaxpaint import vgg
from jaxpaint.errors import WeightsError
from jaxpaint.io import weights

# Channels of convolutions, and "M" for a pooling, as the paper's table 1 has them (columns D and E).
TABLE = {
    "vgg16": [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
    "vgg19": [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}


@functools.cache
def module(net, pooling, depth):
    """PyTorch's layers, as torchvision numbers them, the first of them with random weights."""
    torch.manual_seed(0)
    layers, channels = [], 3
    for entry in TABLE[net]:
        if entry == "M":
            layers.append({"max": nn.MaxPool2d, "average": nn.AvgPool2d}[pooling](2))
        else:
            layers += [nn.Conv2d(channels, entry, 3, padding=1), nn.ReLU()]
            channels = entry
        if len(layers) >= depth:
            break
    return nn.Sequential(*layers[:depth]).eval()


def variables(net, pooling, depth):
    """Ours of the same."""
    params = {}
    for name, layer in zip(vgg.layer_names(net), module(net, pooling, depth), strict=False):
        if isinstance(layer, nn.Conv2d):
            kernel, bias = (value.detach().numpy() for value in (layer.weight, layer.bias))
            params[name] = {"kernel": jnp.asarray(kernel.transpose(2, 3, 1, 0)), "bias": jnp.asarray(bias)}
    return {"params": params, "preprocessing": {"mean": jnp.array([0.4, 0.5, 0.6]), "std": jnp.array([0.2, 0.3, 0.1])}}


def test_layers_stand_where_torchvision_has_them():
    assert vgg.layer_names("vgg16")[:6] == ("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1")
    assert vgg.layer_names("vgg16").index("conv5_3") == 28
    assert vgg.layer_names("vgg19").index("conv5_4") == 34
    for net, table in TABLE.items():
        kinds = [kind for entry in table for kind in (["pool"] if entry == "M" else ["conv", "relu"])]
        assert [name[:4] for name in vgg.layer_names(net)] == kinds


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("net", TABLE)
def test_features_are_those_of_pytorch(net, pooling):
    """Of a picture of odd size, as deep as the third pooling; asked for in any order."""
    depth = vgg.layer_names(net).index("pool3") + 1
    picture = np.random.default_rng(0).uniform(size=(27, 22, 3)).astype(np.float32)
    asked = ("pool3", "relu1_2", "conv3_3", "relu3_3", "conv1_1")
    values = torch.from_numpy((picture - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.1]).float().permute(2, 0, 1)[None]
    expected = {}
    with torch.no_grad():
        for name, layer in zip(vgg.layer_names(net), module(net, pooling, depth), strict=False):
            values = layer(values)
            expected[name] = values[0].permute(1, 2, 0).numpy()
    model = vgg.network(net, layers=asked, pooling=pooling)
    found = jax.jit(model.apply)(variables(net, pooling, depth), jnp.asarray(picture))
    assert set(found) == set(asked)
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-4 * np.abs(expected[name]).max())


def test_nothing_deeper_is_computed_or_needs_weights():
    model = vgg.network("vgg16", layers=["relu2_1", "conv1_2"])
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((8, 8, 3)))
    assert list(shapes["params"]) == ["conv1_1", "conv1_2", "conv2_1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"net": "vgg11"}, "expected a network of vgg16, vgg19, got 'vgg11'"),
        ({"pooling": "min"}, "expected a pooling of average or max, got 'min'"),
        ({"layers": ["relu1_2", "relu3_4"]}, "vgg16 has no layer 'relu3_4'"),
        ({"layers": []}, "expected layers of vgg16, got none"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        vgg.network(**{"net": "vgg16", "layers": ["relu1_2"], **arguments})


def test_a_picture_that_is_too_small_is_refused():
    features = weights.load_features(layers=["relu3_1"])
    assert features(jnp.zeros((4, 7, 3)))["relu3_1"].shape == (1, 1, 256)
    with pytest.raises(ValueError, match="3 × 100 pixels is too small for pool2"):
        features(jnp.zeros((3, 100, 3)))


def test_what_ships_is_what_caffe_has():
    """One pixel of its first layer, from blue, green, red, 0 to 255, less the mean."""
    picture = np.random.default_rng(1).uniform(size=(5, 5, 3)).astype(np.float32)
    seen = weights.load_features(layers=["conv1_1"])(jnp.asarray(picture))["conv1_1"][2, 3]
    first = weights.load_vgg().variables["params"]["conv1_1"]
    caffe = 255 * picture[1:4, 2:5, ::-1] - [103.939, 116.779, 123.68]
    expected = np.einsum("ijc,ijcd->d", caffe, np.asarray(first["kernel"])[:, :, ::-1]) + first["bias"]
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-2)


def test_what_ships_has_learned_what_photographs_show():
    """Shuffled pixels excite a deep layer less than the photograph does, and the first layers more."""
    photo = jnp.asarray(skimage.data.astronaut()[:128, 128:256] / 255, jnp.float32)
    shuffled = jax.random.permutation(jax.random.key(0), photo.reshape(-1, 3)).reshape(photo.shape)
    features = weights.load_features(layers=["relu1_2", "relu4_3"])
    seen, noise = features(photo), features(shuffled)
    assert seen["relu1_2"].shape == (128, 128, 64) and seen["relu4_3"].shape == (16, 16, 512)
    assert seen["relu1_2"].mean() < noise["relu1_2"].mean()
    assert seen["relu4_3"].mean() > 1.2 * noise["relu4_3"].mean()


def test_gradients_reach_the_picture():
    features = weights.load_features(layers=["relu2_2"])
    for picture in (jnp.zeros((8, 8, 3)), jnp.ones((8, 8, 3)), jnp.full((8, 8, 3), 1e-30)):
        gradient = jax.grad(lambda picture: features(picture)["relu2_2"].mean())(picture)
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_layers_that_a_file_lacks_are_named():
    with pytest.raises(WeightsError, match="weights of vgg16 as far as conv4_3, but conv5_1 is needed"):
        weights.load_features(layers=["relu1_1", "relu5_1"])


def test_other_files_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="vgg19: no such weights; the package has vgg16, and bin"):
        weights.load_vgg("vgg19")
    with pytest.raises(WeightsError, match="not of a VGG of ours"):
        weights.load_vgg(weights.SHIPPED / "light-oilpaintbrush.safetensors")
    with pytest.raises(WeightsError, match="not of a network of ours"):
        weights.load(weights.SHIPPED / "vgg16.safetensors")
    shipped = weights.load_vgg()
    params = {name: value for name, value in shipped.variables["params"].items() if name != "conv2_1"}
    holed = shipped._replace(variables={**shipped.variables, "params": params})
    weights.save_vgg(tmp_path / "holed.safetensors", holed)
    with pytest.raises(WeightsError, match="its arrays are not those of vgg16"):
        weights.load_vgg(tmp_path / "holed.safetensors")


def test_weights_survive_a_file(tmp_path):
    shipped = weights.load_vgg()
    weights.save_vgg(tmp_path / "again.safetensors", shipped)
    again = weights.load_vgg(tmp_path / "again.safetensors")
    assert again.net == "vgg16" and again.facts["license"].startswith("CC BY 4.0")
    assert jax.tree.all(jax.tree.map(np.array_equal, again.variables, shipped.variables))


def test_what_ships_takes_red_first():
    """Numbers of Keras' file, which takes blue first: a corner of the first filter, and biases."""
    first = weights.load_vgg().variables["params"]["conv1_1"]
    np.testing.assert_allclose(first["kernel"][0, 0, ::-1, 0], [0.4294, 0.5503, 0.48], atol=5e-4)
    np.testing.assert_allclose(first["bias"][:3], [0.7344, 0.0934, 0.0677], atol=5e-4)
