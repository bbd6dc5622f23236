"""``workstation case``: what the examiner wrote into it, undo and redo, notes, bookmarks and tags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.editing import Editing
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.output import CaseFolder, JsonFlag, Output
from workstation.domain.edits import Edit, EditAction
from workstation.domain.errors import InputError

_DONE = {EditAction.DO: "", EditAction.UNDO: "undone: ", EditAction.REDO: "done again: "}
Exhibit = Annotated[str, typer.Argument(metavar="EXHIBIT", help="Exhibit: EX-01, its file name, or its digest.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this subject to ``workstation case``."""
    for name, command in (
        ("edits", edits),
        ("undo", undo),
        ("redo", redo),
        ("note", note),
        ("bookmark", bookmark),
        ("tag", tag),
    ):
        app.command(name)(command)


def edits(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """List every edit ever made, undone ones too, and what undo and redo would do now."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        editing = session.editing
        journal, state = editing.journal(), editing.state()
        out.facts = {
            "edits": [_facts(edit) for edit in journal],
            "undo": None if state.undo is None else _facts(state.undo),
            "redo": None if state.redo is None else _facts(state.redo),
            "objects": [{"id": o.id, "kind": o.kind, "body": o.body} for o in editing.objects()],
        }
        session.close()
    if not journal:
        out.say("No edit yet.")
    for edit in journal:
        out.say(f"{edit.seq:>4}  {edit.at[:19]}  {edit.actor}  {_DONE[edit.action]}{edit.label}")
    if state.undo is not None:
        out.say(f"undo would take back: {state.undo.label}")
    if state.redo is not None:
        out.say(f"redo would bring back: {state.redo.label}")
    out.finish()


def undo(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """Take back the last edit that stands. The journal keeps both."""
    _edit(folder, as_json, lambda _, editing: editing.undo())


def redo(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """Bring back what was undone last."""
    _edit(folder, as_json, lambda _, editing: editing.redo())


def note(
    folder: CaseFolder,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")],
    about: Annotated[str, typer.Option(help="Exhibit it is about. Default: the case.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write a note about an exhibit or about the case."""

    def work(session: CaseSession, editing: Editing) -> Edit:
        return editing.note(session.find_evidence(about).id if about else session.case.id, text)

    _edit(folder, as_json, work)


def bookmark(
    folder: CaseFolder,
    exhibit: Exhibit,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What is to be seen there.")] = "",
    pts: Annotated[int | None, typer.Option(help="Exact presentation time stamp, in ticks.")] = None,
    time: Annotated[float | None, typer.Option(help="Time in seconds; the frame on screen then is marked.")] = None,
    note: Annotated[str, typer.Option(help="More words to it.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Mark one frame of an exhibit, by its time stamp or by its time; without either the first one."""
    if pts is not None and time is not None:
        raise InputError("A frame is named by --pts or by --time, not by both.")

    def work(session: CaseSession, editing: Editing) -> Edit:
        item = session.find_evidence(exhibit)
        index = session.frame_index(item.id)
        first = index.seconds(0) if index is not None and len(index) else 0.0
        stream, at = editing.place(item.id, first if time is None else time)
        return editing.bookmark(item.id, stream, at if pts is None else pts, label, note=note)

    _edit(folder, as_json, work)


def tag(
    folder: CaseFolder,
    exhibit: Exhibit,
    path: Annotated[str, typer.Argument(metavar="TAG", help="Levels with slashes between them: a/b/c.")],
    as_json: JsonFlag = False,
) -> None:
    """Tag an exhibit."""
    _edit(folder, as_json, lambda session, editing: editing.tag(session.find_evidence(exhibit).id, path))


def _edit(folder: Path, as_json: bool, work: Callable[[CaseSession, Editing], Edit]) -> None:
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        try:
            made = work(session, session.editing)
        finally:
            session.close()
    out.facts = {"edit": _facts(made)}
    out.say(f"{_DONE[made.action]}{made.label}")
    out.finish()


def _facts(edit: Edit) -> dict[str, object]:
    changes = [{"id": c.id, "kind": c.kind, "before": c.before, "after": c.after} for c in edit.changes]
    return {
        "edit": edit.seq,
        "at": edit.at,
        "actor": edit.actor,
        "action": edit.action,
        "label": edit.label,
        "target": edit.target,
        "changes": changes,
    }
