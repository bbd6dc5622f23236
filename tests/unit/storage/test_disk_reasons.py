"""What SQLite says about a disk becomes the typed error that a person can act on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from workstation.domain.errors import CaseDamaged, CaseError, CaseNotFound, CaseReadOnly, StorageFull, WorkstationError
from workstation.storage import sqlite_errors
from workstation.storage.sqlite_errors import as_typed


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("database or disk is full", StorageFull),
        ("attempt to write a readonly database", CaseReadOnly),
        ("database is locked", CaseReadOnly),
        ("database disk image is malformed", CaseDamaged),
        ("file is not a database", CaseDamaged),
        ("disk I/O error", CaseError),
    ],
)
def test_words_without_a_code(tmp_path: Path, words: str, kind: type[WorkstationError]) -> None:
    """As the driver's backup gives them."""
    assert type(as_typed(dbapi2.OperationalError(words), tmp_path / "case.sqlite")) is kind


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EROFS, CaseReadOnly),
        (errno.EPERM, CaseReadOnly),
    ],
)
def test_a_write_that_failed_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[WorkstationError]
) -> None:
    """SQLite says "disk I/O error" for a quota and a write-protected medium alike; a trial write tells them apart."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    fault, path = dbapi2.OperationalError("disk I/O error"), tmp_path / "case.sqlite"
    assert type(as_typed(fault, path, writing=True)) is CaseError
    assert list(tmp_path.iterdir()) == [], "the trial leaves nothing"
    monkeypatch.setattr(sqlite_errors, "write_whole", refused)
    assert type(as_typed(fault, path, writing=True)) is kind
    assert type(as_typed(fault, path)) is CaseError, "a reader writes no trial"


def test_a_medium_that_is_gone(tmp_path: Path) -> None:
    fault = dbapi2.OperationalError("unable to open database file")
    assert type(as_typed(fault, tmp_path / "gone" / "case.sqlite", writing=True)) is CaseNotFound
