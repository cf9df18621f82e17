"""Videos: persistent strokes warped by optical flow, cuts, and films of painted frames."""
