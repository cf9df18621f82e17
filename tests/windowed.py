"""A model that draws single windows, as networks do, and knows what it draws."""

import dataclasses
import functools

import jax

from jaxpaint.renderers import Engine

_FIELDS = [field.name for field in dataclasses.fields(Engine) if field.name != "stamps"]


@functools.partial(jax.tree_util.register_dataclass, data_fields=["stamps"], meta_fields=_FIELDS)
@dataclasses.dataclass(frozen=True)
class Windowed(Engine):
    """The engine, as if it drew windows of one size alone, as a network does."""

    @property
    def window(self):
        return 32

    def renderer(self, size, *, softness):
        draw = super().renderer(size, softness=softness)
        return lambda stroke, zoom=size / 32: draw(stroke, zoom)
