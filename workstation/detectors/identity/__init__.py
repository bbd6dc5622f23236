"""Identity consistency of a track and its likeness to reference crops of the person it is said to show."""
