"""FakeLocator: a full-resolution grayscale fakeness map and a score (arXiv 2001.09598, IEEE TIFS 2022)."""
