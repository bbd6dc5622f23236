"""Faces of the case: the gallery, what the examiner does with tracks, and the veil over pictures."""
