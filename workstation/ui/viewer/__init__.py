"""The viewer: a frame, the faces found in it, and the fakeness map over it."""
