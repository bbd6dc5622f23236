"""The actions of the case work: keys, search, workspaces, and the windows on settings, detectors, custody and logs."""

from __future__ import annotations

from workstation.ui.action_specs import WORK, ActionSpec
from workstation.ui.translation import QT_TRANSLATE_NOOP

CASEWORK: tuple[ActionSpec, ...] = (
    ActionSpec(
        "keys.edit",
        QT_TRANSLATE_NOOP("actions", "Change keys…"),
        WORK,
        icon="keys",
        tip=QT_TRANSLATE_NOOP("actions", "Give actions other keys, or take those of another program"),
    ),
)
