"""Videos: persistent strokes carried by the flow, cuts, and films of painted frames."""
