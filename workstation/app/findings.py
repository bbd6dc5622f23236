"""Findings: what the examiner concludes about a thing in the case, in levels (U11), in the words that are allowed (X2).

A finding is an object of the examiner like a note: every change is one edit with undo (U27), in the chain of custody.
It stays open until it has an outcome; an outcome needs what speaks against it (X8), and metadata alone never carries
one that says "inconsistent" (X4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from workstation.app.hub import Hub
from workstation.domain.edits import Change, Edit, ExaminerObject, ObjectKind
from workstation.domain.errors import InputError, NotFound
from workstation.domain.events import CaseChanged
from workstation.domain.ids import ObjectId, new_id

if TYPE_CHECKING:
    from workstation.storage.case_store import CaseStore

_LONGEST_LABEL = 80


class Outcome(StrEnum):
    """The words an outcome is told in (SWGDE 23-V-001, section 8); an open finding has none."""

    OPEN = ""
    CONSISTENT = "consistent with"
    INCONSISTENT = "inconsistent with"
    INCONCLUSIVE = "inconclusive"


class Support(StrEnum):
    """What a finding rests on."""

    OBSERVATION = "observation"
    DETECTOR = "detector output"
    METADATA = "metadata"


class Findings:
    """The findings of one open case. Thread-safe as the case is.

    Raises, in every method that writes: CaseReadOnly; InputError with one line when it cannot be done as asked;
    NotFound when the finding was taken away meanwhile.
    """

    def __init__(self, store: CaseStore, hub: Hub) -> None:
        self._store, self._hub = store, hub

    def all(self) -> tuple[ExaminerObject, ...]:
        """The findings in the order they were made."""
        return self._store.edits.objects(ObjectKind.FINDING)

    def add(
        self,
        title: str,
        about: str,
        *,
        parent: str = "",
        track: str = "",
        members: Mapping[str, object] | None = None,
    ) -> Edit:
        """Make a finding about an exhibit or the case; ``parent`` is the finding it belongs under, ``members`` further
        ones as in ``revise``. Without an outcome it is open.

        Raises:
            InputError: no title, or an outcome that `check_outcome` refuses.
        """
        if parent:
            self._find(parent)
        body = {**(members or {}), "title": _line(title), "about": about, "parent": parent, "track": track}
        check_outcome(body)
        return self._do(f"Finding {body['title']}", [Change(ObjectId(new_id()), ObjectKind.FINDING, None, body)])

    def revise(self, finding: str, members: Mapping[str, object]) -> Edit:
        """Change members: title, text, outcome, against, proposition, support.

        Raises:
            InputError: an outcome that `check_outcome` refuses.
        """
        there = self._find(finding)
        after = {**there.body, **members}
        after["title"] = _line(str(after["title"]))
        check_outcome(after)
        return self._do(f"Change finding {after['title']}", [Change(there.id, there.kind, there.body, after)])

    def move(self, finding: str, parent: str) -> Edit:
        """Put a finding under another, or with an empty ``parent`` at the top. Raises: InputError: under itself."""
        there = self._find(finding)
        at = parent
        while at:
            if at == there.id:
                raise InputError("A finding cannot stand under itself.")
            at = str(self._find(at).body.get("parent", ""))
        after = {**there.body, "parent": parent}
        return self._do(f"Move finding {there.body['title']}", [Change(there.id, there.kind, there.body, after)])

    def remove(self, finding: str) -> Edit:
        """Take a finding away; those under it move up, in the same edit."""
        there = self._find(finding)
        changes = [Change(there.id, there.kind, there.body, None)]
        for child in self.all():
            if child.body.get("parent") == there.id:
                after = {**child.body, "parent": there.body.get("parent", "")}
                changes.append(Change(child.id, child.kind, child.body, after))
        return self._do(f"Remove finding {there.body['title']}", changes)

    def _find(self, finding: str) -> ExaminerObject:
        for there in self.all():
            if there.id == finding:
                return there
        raise NotFound("This finding was taken away meanwhile.")

    def _do(self, label: str, changes: list[Change]) -> Edit:
        words = " ".join(label.split())
        short = words if len(words) <= _LONGEST_LABEL else words[: _LONGEST_LABEL - 1].rstrip() + "…"
        edit = self._store.edits.do(short, changes)
        self._hub.publish(CaseChanged(self._store.case.id))
        return edit


def children(findings: Iterable[ExaminerObject], parent: str) -> tuple[ExaminerObject, ...]:
    """Findings directly under ``parent``; under "" also those whose parent is not there any more."""
    listed = tuple(findings)
    known = {str(thing.id) for thing in listed}
    return tuple(
        thing
        for thing in listed
        if (p := str(thing.body.get("parent", ""))) == parent or (not parent and p not in known)
    )


def _line(title: str) -> str:
    words = " ".join(title.split())
    if not words:
        raise InputError("A finding has a title.", "Say in a few words what was seen.")
    return words


def check_outcome(body: Mapping[str, object]) -> None:
    """Hold the outcome of a finding against the rules.

    Raises:
        InputError: outside the vocabulary (X2), without what speaks against it (X8) or what it is held against, or
            "inconsistent" on metadata alone (X4).
    """
    outcome = str(body.get("outcome", ""))
    if outcome not in set(Outcome):
        raise InputError(f'"{outcome}" is no outcome.', f"Outcomes: {', '.join(o for o in Outcome if o)}.")
    if not outcome:
        return
    if not str(body.get("against", "")).strip():
        raise InputError(
            "An outcome needs what speaks against it.", "Write down what was looked for and what else could explain it."
        )
    if outcome != Outcome.INCONCLUSIVE and not str(body.get("proposition", "")).strip():
        raise InputError(f'"{outcome}" needs a proposition.', "Say what the findings are held against.")
    told = body.get("support")
    support = {str(one) for one in told} if isinstance(told, list | tuple) else set()
    if outcome == Outcome.INCONSISTENT and support <= {Support.METADATA.value}:
        raise InputError(
            "Metadata alone does not carry this outcome.", "Name an observation or a detector output it rests on."
        )
