"""Actions on faces and tracks that are not in the main table: joining, splitting, taking back, and the veil."""

from __future__ import annotations

from workstation.ui.action_specs import FACES, VIEW, ActionSpec
from workstation.ui.translation import QT_TRANSLATE_NOOP

FACE_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "track.join",
        QT_TRANSLATE_NOOP("actions", "Join the chosen tracks"),
        FACES,
        ("Ctrl+Shift+J",),
        tip=QT_TRANSLATE_NOOP("actions", "The tracks chosen in the gallery show the same face; Ctrl+Z takes it back"),
    ),
    ActionSpec("track.separate", QT_TRANSLATE_NOOP("actions", "Separate joined tracks"), FACES),
    ActionSpec(
        "track.split",
        QT_TRANSLATE_NOOP("actions", "Split the chosen track at this frame"),
        FACES,
        ("Ctrl+Shift+K",),
        tip=QT_TRANSLATE_NOOP("actions", "From the frame shown on, the track is another face; Ctrl+Z takes it back"),
    ),
    ActionSpec(
        "faces.similar",
        QT_TRANSLATE_NOOP("actions", "Find similar faces…"),
        FACES,
        tip=QT_TRANSLATE_NOOP("actions", "Compare the chosen track with every other, and with the persons of the case"),
    ),
    ActionSpec("track.include", QT_TRANSLATE_NOOP("actions", "Take the exclusion back"), FACES),
    ActionSpec(
        "view.veil",
        QT_TRANSLATE_NOOP("actions", "Blur and grey every picture"),
        VIEW,
        ("Ctrl+Shift+B",),
        checkable=True,
        tip=QT_TRANSLATE_NOOP("actions", "For your own sake; reports and exports stay as they are"),
    ),
)
FACE_MENU = (
    "faces.similar",
    "",
    "track.name",
    "track.exclude",
    "track.include",
    "",
    "track.join",
    "track.separate",
    "track.split",
)
