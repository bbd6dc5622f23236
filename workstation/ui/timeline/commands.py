"""What can be done on the timeline beside playing and jumping by track, as lines of the actions table (3.3)."""

from __future__ import annotations

from workstation.ui.action_specs import JUMP, PLAY, VIEW, ActionSpec, Scope
from workstation.ui.translation import QT_TRANSLATE_NOOP

_V = Scope.VIEWER

TIMELINE_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "play.real",
        QT_TRANSLATE_NOOP("actions", "Play in real time"),
        PLAY,
        ("Shift+Space",),
        _V,
        checkable=True,
        tip=QT_TRANSLATE_NOOP(
            "actions", "Keep the clip's own pace and count the frames that are skipped; off: every frame, none skipped"
        ),
    ),
    ActionSpec("disagreement.next", QT_TRANSLATE_NOOP("actions", "Next detector disagreement"), JUMP, ("D",), _V),
    ActionSpec("range.in", QT_TRANSLATE_NOOP("actions", "In: play from this frame"), PLAY, ("I",), _V),
    ActionSpec("range.out", QT_TRANSLATE_NOOP("actions", "Out: play to this frame"), PLAY, ("O",), _V),
    ActionSpec("range.clear", QT_TRANSLATE_NOOP("actions", "Clear in and out"), PLAY, ("Alt+X",), _V),
    ActionSpec("timeline.in", QT_TRANSLATE_NOOP("actions", "Timeline: closer"), VIEW, ("Alt+Up",), _V),
    ActionSpec("timeline.out", QT_TRANSLATE_NOOP("actions", "Timeline: wider"), VIEW, ("Alt+Down",), _V),
    ActionSpec(
        "timeline.table",
        QT_TRANSLATE_NOOP("actions", "Timeline as a table"),
        VIEW,
        ("Alt+T",),
        _V,
        checkable=True,
        tip=QT_TRANSLATE_NOOP("actions", "Every mark of the timeline in words, beside it"),
    ),
)

WITH_FRAMES = ("timeline.in", "timeline.out", "timeline.table")
"""Those that need frames and stand in no group that does so as a whole."""
