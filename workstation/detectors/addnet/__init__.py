"""ADDNet-2D and ADDNet-3D: networks whose features a landmark mask multiplies at five scales (arXiv 2101.01456)."""
