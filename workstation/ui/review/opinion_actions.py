"""Actions on opinions: before scores, blind, compared."""

from __future__ import annotations

from workstation.ui.action_specs import EXAMINE, ActionSpec
from workstation.ui.translation import QT_TRANSLATE_NOOP

OPINION_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "opinion.policy",
        QT_TRANSLATE_NOOP("actions", "Opinion before scores"),
        EXAMINE,
        checkable=True,
        tip=QT_TRANSLATE_NOOP(
            "actions", "Seal the scores of every exhibit until propositions and a visual opinion are recorded"
        ),
    ),
    ActionSpec("opinion.first", QT_TRANSLATE_NOOP("actions", "Record visual opinion…"), EXAMINE),
    ActionSpec(
        "opinion.unseal",
        QT_TRANSLATE_NOOP("actions", "Open the scores without an opinion…"),
        EXAMINE,
        tip=QT_TRANSLATE_NOOP("actions", "It takes a reason, and stays on record"),
    ),
    ActionSpec(
        "opinion.second",
        QT_TRANSLATE_NOOP("actions", "Second examination, blind"),
        EXAMINE,
        tip=QT_TRANSLATE_NOOP("actions", "Another person examines without names, scores or the first opinion"),
    ),
    ActionSpec("opinion.compare", QT_TRANSLATE_NOOP("actions", "Compare opinions…"), EXAMINE),
)
OPINION_MENU = tuple(spec.id for spec in OPINION_ACTIONS)
