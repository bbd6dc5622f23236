"""Maps of keys that ship with the program. A preset names only what it sets otherwise than the table of actions.

"CVAT keys" follows the player of CVAT (its documentation, "Shortcuts"): D and F step one frame, C and V ten, E and R go
to the previous and the next key frame. What these letters do in the first map moves to Shift and the letter.
"""

from __future__ import annotations

from collections.abc import Mapping

WORKSTATION, CVAT = "Workstation", "CVAT keys"

PRESETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    WORKSTATION: {},
    CVAT: {
        "step.back": ("D", "Left"),
        "step.forward": ("F", "Right"),
        "step.back10": ("C", "Shift+Left"),
        "step.forward10": ("V", "Shift+Right"),
        "key.back": ("E", "Ctrl+Left"),
        "key.forward": ("R", "Ctrl+Right"),
        "track.next": ("S",),
        "track.previous": ("Shift+S",),
        "overlay.toggle": ("Shift+V",),
        "disagreement.next": ("Shift+D",),
        "map.next": ("Shift+C",),
    },
}
