"""Hostile media through the real intake and every reading: nothing crashes, nothing hangs, one typed row each.

The default run takes a slice of every kind; ``make harness`` all of them (about 2,100 files).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.harness.hostile_files import corpus
from tests.harness.hostile_run import Account, run
from workstation.media.limits import DecodeLimits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and holes of POSIX")
# Refusals an import may settle a file with, besides "duplicate" of an exhibit that is there already.
_REFUSALS = {
    "unreadable_media",
    "empty_file",
    "media_too_large",
    "not_found",
    "input",
    "evidence",
    "permission_refused",
}


def _account(tmp_path: Path, every: int) -> tuple[Account, int]:
    source = tmp_path / "source"
    source.mkdir()
    plain, odd = corpus(source, every)
    account = run(tmp_path, plain, odd)
    print(account.text())  # noqa: T201 (the figures of the run)
    return account, len(plain) + len(odd)


def _check(account: Account, files: int) -> None:
    assert not account.faults
    assert sum(account.rows.values()) == files
    assert account.rows["gone"] == 0
    refusals = {row.partition(": ")[2] for row in account.rows if row.startswith("refused")}
    assert refusals <= _REFUSALS
    before, highest = account.memory_mib
    # The largest picture allowed, three bytes a pixel: shared with the child, copied out, made smaller for a thumbnail.
    assert highest - before < 3 * 3 * DecodeLimits().max_pixels / 2**20 + 200
    assert account.rows["exhibit"] > files // 4
    assert account.readings["frame: read"] > 0


def test_a_slice_of_every_kind(tmp_path: Path) -> None:
    account, files = _account(tmp_path, 0)
    _check(account, files)


@pytest.mark.harness
@pytest.mark.timeout(3 * 3600)
def test_all_of_them(tmp_path: Path) -> None:
    account, files = _account(tmp_path, 1)
    assert files > 1000
    _check(account, files)
