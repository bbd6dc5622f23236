"""GenD on towers of timm: Perception Encoder and DINOv3 with tuned norms and a linear head (arXiv 2508.06248)."""
