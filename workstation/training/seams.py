"""Two composites with the same seam: one of a camera's pixels alone, one with pixels that a generator made.

Where forgeries alone have seams, a detector learns seams; where pictures by generators alone show snapshots, it learns
the look of snapshots. So what a generator made is pasted into a portrait, and beside it, with the same draws of place,
outline, blend, colour, grain and sharpness, what a camera took: only the making is left to tell the two apart.
"""

from __future__ import annotations

import numpy as np

from workstation.domain.errors import InputError
from workstation.training.forgeries import Face, Forgery, Kind, forge
from workstation.training.forging.retouch import with_light_of
from workstation.training.forging.shapes import apart

_PASTED = (Kind.OTHER_ORGANS, Kind.OTHER_FACE, Kind.OWN_ORGANS)


def same_seam(kind: Kind, face: Face, camera: Face, made: Face, seed: int) -> tuple[Forgery, Forgery]:
    """Paste a part of ``camera`` and the same part of ``made`` into ``face`` in the same way.

    Args:
        kind: which part: an organ or several, or the face. Own organs are those of ``face`` or what was made of it;
            they are then laid where they were, and have the picture's own light.
        seed: of all that is drawn.

    Raises:
        InputError: a kind that pastes nothing.
    """
    if kind not in _PASTED:
        raise InputError(f"{kind} has no seam that could be matched.", "Use a kind that pastes.")
    if kind is Kind.OWN_ORGANS:
        random = np.random.default_rng(seed)
        kind = Kind.OTHER_ORGANS if random.random() < 0.6 else Kind.OTHER_FACE
        made = Face(with_light_of(made.rgb, face.rgb, apart(face.marks) * random.uniform(0.04, 0.2)), made.marks)
    one, two = (forge(kind, face, donor, np.random.default_rng(seed)) for donor in (camera, made))
    return one, two
