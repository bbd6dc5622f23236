"""The examiner's edits: one journal that only grows, and undo and redo that survive closing and crashes (U27, U37)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyKind
from workstation.domain.edits import Change, Edit, EditAction, ExaminerObject, ObjectKind, UndoState
from workstation.domain.errors import CaseDamaged, InputError
from workstation.storage.chain import Chain
from workstation.storage.described import sha256_of
from workstation.storage.facets import edit_rules
from workstation.storage.facets.reading import read_or
from workstation.storage.open_case import OpenCase
from workstation.storage.repositories import cases, edits

Work = Callable[[Connection, Chain], Edit]


class Edits:
    """Facet ``store.edits``. Each call is one transaction: journal row, objects and custody event, or nothing."""

    def __init__(self, opened: OpenCase) -> None:
        self._open = opened

    def do(self, label: str, changes: Sequence[Change]) -> Edit:
        """Make an edit. What had been undone can no longer be redone; the journal keeps it.

        Args:
            label: what the menu shows after "Undo", e.g. "Bookmark at 12.480 s"; not blank.
            changes: each object once, ``before`` as it stands now.

        Raises:
            InputError: ``before`` is not what stands, or a body lacks what its kind needs.
            NotFound: a work state for an exhibit that is not there.
            CaseReadOnly.
        """
        if not label.strip():
            raise InputError("An edit has a label.")
        same = edit_rules.plain(changes)

        def work(connection: Connection, chain: Chain) -> Edit:
            edit_rules.check(connection, same)
            return _append(connection, chain, label.strip(), EditAction.DO, 0, same)

        return self._change(work)

    def undo(self) -> Edit:
        """Take back the last edit that stands. Raises: InputError when there is none, CaseReadOnly."""

        def work(connection: Connection, chain: Chain) -> Edit:
            target = edits.to_undo(connection)
            if target == 0:
                raise InputError("There is nothing to undo.")
            edit = edits.one(connection, target)
            back = tuple(Change(c.id, c.kind, c.after, c.before) for c in reversed(edit.changes))
            return _again(connection, chain, EditAction.UNDO, edit, back)

        return self._change(work)

    def redo(self) -> Edit:
        """Bring back what was undone last. Raises: InputError when there is nothing, CaseReadOnly."""

        def work(connection: Connection, chain: Chain) -> Edit:
            target = edits.to_redo(connection)
            if target == 0:
                raise InputError("There is nothing to redo.")
            edit = edits.one(connection, target)
            return _again(connection, chain, EditAction.REDO, edit, edit.changes)

        return self._change(work)

    def state(self) -> UndoState:
        """What undo and redo would do now; each is the edit as it was first done."""

        def work(connection: Connection) -> UndoState:
            back, forth = edits.to_undo(connection), edits.to_redo(connection)
            return UndoState(
                edits.one(connection, back) if back else None, edits.one(connection, forth) if forth else None
            )

        return read_or(self._open, work, UndoState(None, None))

    def journal(self) -> tuple[Edit, ...]:
        """Every edit ever made, undos and redos among them, oldest first."""
        return read_or(self._open, edits.every, ())

    def objects(self, kind: ObjectKind | None = None) -> tuple[ExaminerObject, ...]:
        """The objects as they stand, of one kind or of all, those written longest ago first."""
        return read_or(self._open, lambda connection: edits.objects(connection, kind), ())

    def _change(self, work: Work) -> Edit:
        edit = self._open.change(work)
        if any(change.kind is ObjectKind.CASE_TEXT for change in edit.changes):
            self._open.case = self._open.read(lambda c: cases.load(c, self._open.folder.root))[0]
        return edit


def _again(connection: Connection, chain: Chain, action: EditAction, edit: Edit, changes: tuple[Change, ...]) -> Edit:
    for change in changes:
        there = edits.find(connection, change.id)
        if not edit_rules.same_body(None if there is None else there.body, change.before):
            raise CaseDamaged(
                f'"{edit.label}" cannot be taken back or brought back: its object is not as the journal left it.',
                "Run case verify; restore the case from a sound copy.",
            )
    return _append(connection, chain, edit.label, action, edit.seq, changes)


def _append(
    connection: Connection, chain: Chain, label: str, action: EditAction, target: int, changes: tuple[Change, ...]
) -> Edit:
    row = edits.append(connection, now_utc(), chain.actor, label, action, target, changes)
    body = {"edit": row["seq"], "action": action.value, "label": label, "sha256": sha256_of(edits.row_text(row))}
    chain.append(connection, CustodyKind.EDITED, body)
    return edits.one(connection, int(str(row["seq"])))
