"""Effort: CLIP's attention split into a frozen main part and a small trained rest (ICML 2025)."""
