"""Rasterization: strokes in tiles or windows of a canvas, laid over each other, with gradients and without."""
