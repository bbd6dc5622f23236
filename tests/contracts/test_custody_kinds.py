"""The closed list of custody events (E6): its members, which of them answers which word of the demand, and that each is
really written by the program or stands here as reserved, with the reason."""

from __future__ import annotations

import ast
from pathlib import Path

import workstation
from workstation.domain.custody import CustodyKind

PACKAGE = Path(workstation.__file__).parent

# Releasing a kind is a promise: adding to this list is allowed, taking away from it is not.
KINDS = {
    "case_created",
    "case_opened",
    "case_closed",
    "evidence_taken_in",
    "evidence_refused",
    "evidence_verified",
    "evidence_mismatch",
    "evidence_accessed",
    "evidence_described",
    "examination_started",
    "examination_ended",
    "exported",
    "report_built",
    "report_verified",
    "transferred",
    "redacted",
    "deleted",
    "migrated",
    "clock_changed",
    "settings_changed",
    "derived",
    "edited",
    "backed_up",
    "sealed",
    "imported",
    "rekeyed",
    "intake_started",
    "intake_ended",
}

# The words of E6 and the events that answer them.
ANSWERS = {
    "intake": {"evidence_taken_in", "evidence_refused", "intake_started", "intake_ended", "imported"},
    "access": {"case_opened", "case_closed", "evidence_accessed", "examination_started", "examination_ended"},
    "export": {"exported", "backed_up"},
    "transfer": {"transferred"},
    "redaction": {"redacted"},
    "report": {"report_built"},
    "verification": {"evidence_verified", "evidence_mismatch", "report_verified"},
    "deletion": {"deleted"},
    "migration": {"migrated", "rekeyed", "sealed"},
}
# What else goes into the chain, beyond the words of E6.
BEYOND = {
    "case_created",
    "clock_changed",
    "derived",
    "edited",
    "evidence_described",
    "settings_changed",
}
RESERVED = {
    "report_verified": "a report is verified without opening its case for writing; nothing records it yet",
    "settings_changed": "a case has no settings beside its texts, and those are changed by edits",
}
# Modules that read kinds and write none.
READERS = ("domain", "storage/checks", "storage/repositories", "storage/custody_log.py", "reporting", "ui")


def written() -> dict[str, set[str]]:
    """Kind to the modules that name it where events are made."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(READERS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "CustodyKind":
                found.setdefault(CustodyKind[node.attr].value, set()).add(name)
    return found


def test_the_list_is_closed() -> None:
    assert {kind.value for kind in CustodyKind} == KINDS
    assert len(CustodyKind) == 28
    assert all(kind.name.lower() == kind.value for kind in CustodyKind)


def test_every_word_of_the_demand_has_its_events() -> None:
    assert set(ANSWERS) == {
        "intake", "access", "export", "transfer", "redaction", "report", "verification", "deletion", "migration",
    }  # fmt: skip
    assert set.union(*ANSWERS.values()) | BEYOND == KINDS
    for word, kinds in ANSWERS.items():
        assert kinds - set(RESERVED), word


def test_every_kind_is_written_somewhere_or_reserved() -> None:
    made = written()
    assert {kind for kind in KINDS if kind not in made} == set(RESERVED)
    assert all(reason for reason in RESERVED.values())
