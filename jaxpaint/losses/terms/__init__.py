"""The terms of the loss and their registry. To add a term, add one file here that defines `TERM`."""

import importlib
import pkgutil

from jaxpaint.losses.terms.base import Term

_MODULES = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
TERMS: dict[str, Term] = {module.TERM.name: module.TERM for module in _MODULES if hasattr(module, "TERM")}

__all__ = ["TERMS", "Term"]
