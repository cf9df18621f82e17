"""`convert_weights`: Stylized Neural Painting's weights into ours, and ours into its."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from absl import flags

from jaxpaint import commands

HELP = """\
usage: {program} IN.pt OUT.safetensors --net=light --brush=oilpaintbrush
       {program} IN.safetensors OUT.pt

Converts weights of heavy or light from a checkpoint of Stylized Neural Painting (last_ckpt.pt), and into one.
Needs PyTorch: pip install 'jaxpaint[torch]'.

  --net=NET      heavy or light (default: light)
  --brush=BRUSH  oilpaintbrush, watercolor, markerpen or rectangle (default: oilpaintbrush)
  --help         this text
"""
_TORCH = (".pt", ".pth")


def main(argv: Sequence[str] | None = None) -> int:
    """Converts weights; returns the exit status."""
    return commands.run(_main, argv)


def _main(argv: list[str]) -> int:
    values = flags.FlagValues()
    flags.DEFINE_string("net", None, "network", flag_values=values)
    flags.DEFINE_string("brush", None, "brush", flag_values=values)
    flags.DEFINE_boolean("help", False, "help", short_name="h", flag_values=values)
    paths = [pathlib.Path(name) for name in commands.parse(values, argv)]
    if values.help:
        print(HELP.format(program=pathlib.Path(argv[0]).name), end="")
        return 0
    if len(paths) != 2:
        raise commands.Refused(f"expected two files, IN and OUT, got {len(paths)}; see --help")
    source, target = paths
    _convert(source, target, values.net, values.brush)
    print(target)
    return 0


def _convert(source: pathlib.Path, target: pathlib.Path, net: str | None, brush: str | None) -> None:
    """Converts in the direction that the endings say; None for what was not said."""
    from jaxpaint import conversion, weights
    from jaxpaint.brushes import BRUSHES

    if brush is not None and brush not in BRUSHES:
        raise commands.Refused(f"--brush: expected {' or '.join(BRUSHES)}, got {brush!r}")
    endings = source.suffix.lower(), target.suffix.lower()
    try:
        if endings[0] in _TORCH and endings[1] == ".safetensors":
            net, brush = net or "light", brush or "oilpaintbrush"
            variables = conversion.from_torch(conversion.read_checkpoint(source), net=net, brush=brush)
            # Not trained on our engine: no fingerprint of it.
            facts = {"source": source.name, "fingerprint": ""}
            weights.save(target, weights.Weights(net, brush, variables, facts), dtype="float32")
        elif endings[0] == ".safetensors" and endings[1] in _TORCH:
            found = weights.load(source)
            for asked, has in ((net, found.net), (brush, found.brush)):
                if asked not in (None, has):
                    raise commands.Refused(f"{source}: has weights of {has}, not of {asked}")
            conversion.write_checkpoint(target, conversion.to_torch(found.variables, net=found.net))
        else:
            raise commands.Refused(f"{source} to {target}: expected .pt to .safetensors, or .safetensors to .pt")
    except ValueError as error:
        raise commands.Refused(error) from None
