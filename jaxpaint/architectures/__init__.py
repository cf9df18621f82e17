"""The networks and their registry. To add one, add a file here, `NAME.py`, that defines `ARCHITECTURE`."""

import importlib
import pkgutil

from jaxpaint.architectures.base import Architecture

_MODULES = {
    module.name: importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)
}
ARCHITECTURES: dict[str, Architecture] = {
    name: module.ARCHITECTURE for name, module in _MODULES.items() if hasattr(module, "ARCHITECTURE")
}

__all__ = ["ARCHITECTURES", "Architecture"]
