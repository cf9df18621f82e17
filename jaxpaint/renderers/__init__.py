"""Renderers: the engine and the networks that imitate it, plain functions from one stroke to its picture."""

from jaxpaint.renderers.base import Model
from jaxpaint.renderers.engine import Engine, engine, fingerprint

__all__ = ["Engine", "Model", "engine", "fingerprint"]
