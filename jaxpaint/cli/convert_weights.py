"""`convert_weights`: converts weights of Stylized Neural Painting (both ways) and of VGG (to safetensors)."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from absl import flags

from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import app, options, outputs
from jaxpaint.cli.app import Refused
from jaxpaint.cli.outputs import Made
from jaxpaint.io import origins, weights
from jaxpaint.io.weights import VGGWeights
from jaxpaint.training import conversion

HELP = """\
usage: {program} IN.pt OUT.safetensors --net=light --brush=oilpaintbrush
       {program} IN.safetensors OUT.pt
       {program} VGG.pth OUT.safetensors
       {program} VGG.h5 OUT.safetensors

Converts weights of heavy or light from a checkpoint of Stylized Neural Painting (last_ckpt.pt), and into one; and those
of VGG-16 and VGG-19 from torchvision's files (vgg19-….pth) and Keras' (vgg19_weights_….h5), which is which shows.
Needs PyTorch, pip install 'jaxpaint[torch]', or for Keras' files h5py, pip install 'jaxpaint[keras]'.

  {program} last_ckpt.pt heavy.safetensors --net=heavy --brush=oilpaintbrush
  {program} heavy.safetensors last_ckpt.pt
  {program} vgg19-dcbb9e9d.pth vgg19.safetensors

  --net=NET      heavy or light (default: light)
  --caffe        VGG's weights are Caffe's, for blue, green, red from 0 to 255 (as in vgg16-00b39a1b.pth and
                 vgg19-d01eb7cb.pth, whose names say so)
  --brush=BRUSH  oilpaintbrush, watercolor, markerpen or rectangle (default: oilpaintbrush)
{overwrite}
{quiet}
{help}
"""
_TORCH, _KERAS = (".pt", ".pth", ".tar"), (".h5", ".hdf5")
# Of the names of neural-style's files, vgg16-00b39a1b.pth and vgg19-d01eb7cb.pth.
_CAFFE = ("00b39a1b", "d01eb7cb")


def main(argv: Sequence[str] | None = None) -> int:
    """Converts weights; returns the exit status."""
    return app.run(_main, argv, usage=HELP)


def _main(argv: list[str]) -> int:
    values = options.basic_flags()
    flags.DEFINE_string("net", None, "network", flag_values=values)
    flags.DEFINE_boolean("caffe", False, "Caffe's order and range", flag_values=values)
    flags.DEFINE_string("brush", None, "brush", flag_values=values)
    paths = [pathlib.Path(name) for name in options.parse(values, argv)]
    if values.help:
        options.print_usage(HELP, argv)
        return 0
    if len(paths) != 2:
        raise Refused(f"expected two files, IN and OUT, got {len(paths)}; see --help")
    source, target = paths
    origin = outputs.origin_of("weights", source)
    outputs.check_outputs([Made(target, origin, source)], [source], overwrite=values.overwrite)
    app.start(values, divided=False)
    _convert(source, target, values, origin)
    print(target)
    return 0


def _convert(source: pathlib.Path, target: pathlib.Path, values: flags.FlagValues, origin: str) -> None:
    """Converts in the direction of the suffixes; a flag that was not given is None."""
    net, brush = values.net, values.brush
    caffe = values.caffe or any(name in source.name for name in _CAFFE)
    if brush is not None and brush not in BRUSHES:
        raise Refused(f"--brush: expected {' or '.join(BRUSHES)}, got {brush!r}")
    facts = {"source": source.name, "origin": origins.mark(origin)}
    endings = source.suffix.lower(), target.suffix.lower()
    try:
        if endings[0] in _KERAS and endings[1] == ".safetensors":
            _save_vgg(source, target, conversion.vgg_from_keras(source), net, facts)
        elif endings[0] in _TORCH and endings[1] == ".safetensors":
            state = conversion.read_checkpoint(source)
            if conversion.is_vgg(state):
                _save_vgg(source, target, conversion.vgg_from_torch(state, caffe=caffe), net, facts)
                return
            net, brush = net or "light", brush or "oilpaintbrush"
            variables = conversion.from_torch(state, net=net, brush=brush)
            # The weights were not trained on our engine, so they have no fingerprint.
            facts["fingerprint"] = ""
            weights.save(target, weights.Weights(net, brush, variables, facts), dtype="float32")
        elif endings[0] == ".safetensors" and endings[1] in _TORCH:
            found = weights.load(source)
            for asked, has in ((net, found.net), (brush, found.brush)):
                if asked not in (None, has):
                    raise Refused(f"{source}: has weights of {has}, not of {asked}")
            conversion.write_checkpoint(target, conversion.to_torch(found.variables, net=found.net), origin=origin)
        else:
            raise Refused(f"{source} to {target}: expected .pt or .h5 to .safetensors, or .safetensors to .pt")
    except ValueError as error:
        raise Refused(error if str(source) in str(error) else f"{source}: {error}") from None


def _save_vgg(
    source: pathlib.Path, target: pathlib.Path, found: VGGWeights, net: str | None, facts: dict[str, str]
) -> None:
    if net not in (None, found.net):
        raise Refused(f"{source}: has weights of {found.net}, not of {net}")
    weights.save_vgg(target, found._replace(facts=facts), dtype="float32")
