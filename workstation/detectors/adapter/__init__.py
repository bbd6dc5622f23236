"""An adapter beside frozen CLIP that draws the boundary of a blend: ours, after Forensics-Adapter (CVPR 2025)."""
