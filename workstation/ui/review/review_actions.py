"""The action of the case review."""

from __future__ import annotations

from workstation.ui.action_specs import VIEW, ActionSpec
from workstation.ui.translation import QT_TRANSLATE_NOOP

REVIEW_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "view.review",
        QT_TRANSLATE_NOOP("actions", "Case review"),
        VIEW,
        ("F9",),
        checkable=True,
        tip=QT_TRANSLATE_NOOP(
            "actions", "Show the case to others: large type, no edits, every frame shown is recorded"
        ),
    ),
)
