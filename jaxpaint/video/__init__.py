"""Videos: persistent strokes warped by the flow, cuts, and films of painted frames."""
