"""UniversalFakeDetect: one linear unit on CLIP's image features (Ojha, Li, Lee, CVPR 2023, arXiv 2302.10174)."""
