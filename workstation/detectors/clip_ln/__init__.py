"""CLIP with LN-tuning: a linear head on the normalised class token (arXiv 2503.19683; GenD, arXiv 2508.06248)."""
