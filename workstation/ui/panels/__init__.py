"""Docked panels: case tree, inspector, jobs."""
