"""The hands of the forger: shapes of masks, warps, blends, retouching."""
