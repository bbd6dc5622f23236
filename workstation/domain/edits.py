"""What an examiner writes into a case, and the one list of changes that undo and redo walk over (U27, U37).

An object of the examiner is an id, a kind and a plain JSON body; the typed words below read and write those bodies.
A change names its object with the body before and after; None means "not there". An edit is one or more changes that
belong together. Undo and redo are edits too: nothing is ever taken off the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workstation.domain.ids import ObjectId


class ObjectKind(StrEnum):
    """Kinds of examiner's objects. The required members of each body are named beside it."""

    BOOKMARK = "bookmark"  # evidence, stream, pts, label; optional: note, view (a saved view, U28)
    NOTE = "note"  # about (id of anything in the case), text
    TAG = "tag"  # path ("a/b/c", hierarchical, U11), about
    TRACK_NAME = "track_name"  # examination, evidence, track, name; optional: since (pts; the piece that begins there)
    EXCLUSION = "exclusion"  # examination, evidence, track or "", pts or null, reason; optional: since, until (pts)
    TRACK_SPLIT = "track_split"  # examination, evidence, track, pts: from this frame on it is another face
    TRACK_JOIN = "track_join"  # examination, evidence, members ([track, since or null], two or more): one face
    WORK_STATE = "work_state"  # evidence, state (a WorkState)
    PERSON = "person"  # name
    REFERENCE = "reference"  # person (object id), examination, evidence, track: this track undisputedly shows them
    CLAIM = "claim"  # person (object id), evidence, track or "": whom the exhibit is said to show
    FINDING = "finding"  # title, about, parent (object id or ""); optional: text, track, outcome, proposition, against
    POLICY = "policy"  # field ("opinion_first"), on: what the laboratory asks for in this case
    PROPOSITIONS = "propositions"  # evidence, first, second: the two that compete
    OPINION = "opinion"  # evidence, role ("first", "second"), by, outcome, words, against, blind
    UNSEALING = "unsealing"  # evidence, what ("scores", "context"), by, reason
    RESOLUTION = "resolution"  # evidence, outcome, reason, by, level (1 to 7)
    CASE_TEXT = "case_text"  # field ("title", "question", "authority", "purpose"), text


class EditAction(StrEnum):
    DO = "do"
    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True, slots=True)
class ExaminerObject:
    """One object as it stands now."""

    id: ObjectId
    kind: ObjectKind
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Change:
    """``before``/``after`` are whole bodies; None means that the object is not there."""

    id: ObjectId
    kind: ObjectKind
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of the journal. ``target`` is the ``seq`` of the edit that an undo takes back or a redo brings back;
    0 for ``do``. ``label`` is what the menu shows: "Bookmark at 12.480 s"."""

    seq: int
    at: str
    actor: str
    label: str
    action: EditAction
    target: int
    changes: tuple[Change, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class UndoState:
    """What undo and redo would do now; None when there is nothing."""

    undo: Edit | None
    redo: Edit | None
