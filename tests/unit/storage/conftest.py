"""A ledger key and a fresh case for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey


@pytest.fixture
def key(tmp_path: Path) -> LedgerKey:
    return LedgerKey.load_or_create(tmp_path / "keys")


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    return tmp_path / "case"


@pytest.fixture
def store(case_folder: Path, key: LedgerKey) -> Iterator[CaseStore]:
    with CaseStore.create(
        case_folder, number="2026-014", title="Clip", examiner="A. Examiner", question="Was it altered?", key=key
    ) as made:
        yield made
