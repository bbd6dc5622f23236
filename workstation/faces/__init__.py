"""Finding, aligning, tracking and gating faces."""
