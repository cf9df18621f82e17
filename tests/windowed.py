"""A model that draws single windows, as networks do, and knows what it draws."""

import dataclasses

import numpy as np

from jaxpaint.brushes import from_window
from jaxpaint.renderers import Engine


@dataclasses.dataclass(frozen=True)
class Windowed(Engine):
    """The engine, as if it drew windows of one size alone, as a network does."""

    @property
    def window(self):
        return 32

    def renderer(self, arrays, size, *, softness):
        draw = super().renderer(arrays, size, softness=softness)

        def render(stroke, zoom=1.0):
            return draw(from_window(self.brush, stroke, np.zeros(2, np.float32), zoom * self.window / size))

        return render
