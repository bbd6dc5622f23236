"""What an action is, in words: the form of one line of the table of actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Where the keys of an action act. Letters never act while text is typed (U16)."""

    WINDOW = "anywhere"
    VIEWER = "viewer and timeline"
    HELD = "viewer and timeline, while held"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """``group`` orders the key sheet; ``tip`` says what happens when the name does not."""

    id: str
    text: str
    group: str
    keys: tuple[str, ...] = ()
    scope: Scope = Scope.WINDOW
    icon: str = ""
    checkable: bool = False
    listed: bool = True
    tip: str = ""


CASE, EXHIBIT, EXAMINE = "Case", "Exhibits", "Examination"
PLAY, JUMP, MARKS, FACES, VIEW, WORK = "Play", "Jump", "Marks", "Faces", "View", "Work"
COMPARE = "Compare"
GROUPS = (CASE, EXHIBIT, EXAMINE, PLAY, JUMP, MARKS, FACES, VIEW, COMPARE, WORK)
