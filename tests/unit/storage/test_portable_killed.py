"""Killed at any point, a case is in exactly one state, the old or the new, and what was half made is gone next time.

A child process runs the whole operation and is killed (SIGKILL) at its n-th call that changes a name or flushes a file.
``KILL_POINTS=all`` takes every one of them; by default a sample.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.storage.storage_samples import fakeness, take_in
from workstation.domain.errors import CaseLocked
from workstation.storage.case_store import CaseStore
from workstation.storage.key_slots import ScryptCost
from workstation.storage.keys import LedgerKey
from workstation.storage.portable.exporting import export_case
from workstation.storage.portable.receiving import import_case
from workstation.storage.portable.snapshot import back_up
from workstation.storage.portable.verifying import verify_pack
from workstation.storage.rewriting import decrypt_case, encrypt_case, rekey_case
from workstation.storage.verification import verify_case

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
OLD, NEW = "the old passphrase", "the new passphrase"
MARKER = b"PLAINTEXT-MARKER-55"
_CALLS = ("replace", "rename", "unlink", "fsync", "mkdir", "rmdir", "link", "chmod")
SAMPLE = 3


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScryptCost.__init__, "__defaults__", (1 << 14, 8, 1))


def make(folder: Path, key: LedgerKey, passphrase: str | None) -> None:
    with CaseStore.create(
        folder, number="1", title=MARKER.decode(), examiner="e", question="q", key=key, passphrase=passphrase
    ) as store:
        for number in range(2):
            take_in(store, folder.parent / f"a{number}.bin", MARKER * 3000 + bytes([number]))
        store.arrays.put(fakeness(1))
        store.files.write("reports/report-01.pdf", MARKER)


def child(work: Callable[[], object], point: int) -> int:
    """Run ``work`` in a process of its own and kill it at its call number ``point``; returns its calls if it lived."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        count = 0

        def counted(name: str) -> Callable[..., object]:
            real = getattr(os, name)

            def call(*arguments: object, **more: object) -> object:
                nonlocal count
                count += 1
                if count == point:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **more)

            return call

        try:
            for name in _CALLS:
                setattr(os, name, counted(name))
            work()
            os.write(writing, str(count).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    return int(told or b"0")


def points(total: int) -> list[int]:
    if os.environ.get("KILL_POINTS") == "all":
        return list(range(1, total + 1))
    return sorted(random.Random(total).sample(range(1, total + 1), min(SAMPLE, total)))


def state(folder: Path, key: LedgerKey) -> str:
    """Which of plain, old and new the case is: exactly one, with everything in it."""
    found = []
    for name, passphrase in (("plain", None), ("old", OLD), ("new", NEW)):
        if name != "plain" and not (folder / "case.key").exists() and not (folder / "case.switch").exists():
            continue
        try:
            with CaseStore.open(folder, key=key, passphrase=passphrase) as store:
                if store.encrypted != (name != "plain"):
                    continue
                assert len(store.evidence()) == 2
                assert store.files.read("reports/report-01.pdf") == MARKER
        except CaseLocked:
            continue
        outcome = verify_case(folder, passphrase=passphrase)
        assert outcome.ok, outcome.bad
        found.append(name)
    assert len(found) == 1, found
    assert not (folder / ".next").exists()
    assert not (folder / "case.switch").exists()
    if found != ["plain"]:
        readable = [p for p in folder.rglob("*") if p.is_file() and MARKER in p.read_bytes()]
        assert readable == []
    return found[0]


REWRITES: dict[str, tuple[str | None, str, str, Callable[[Path, LedgerKey], object]]] = {
    "encrypt": (None, "plain", "new", lambda folder, key: encrypt_case(folder, key, NEW)),
    "decrypt": (OLD, "old", "plain", lambda folder, key: decrypt_case(folder, key, OLD)),
    "rekey": (OLD, "old", "new", lambda folder, key: rekey_case(folder, key, OLD, NEW)),
    "rekey in full": (OLD, "old", "new", lambda folder, key: rekey_case(folder, key, OLD, NEW, full=True)),
}


@pytest.mark.parametrize("what", REWRITES)
def test_a_killed_rewriting_leaves_the_old_case_or_the_new_one(tmp_path: Path, key: LedgerKey, what: str) -> None:
    passphrase, before, after, work = REWRITES[what]

    def fresh(name: str) -> Path:
        (tmp_path / name).mkdir()
        make(tmp_path / name / "c", key, passphrase)
        return tmp_path / name / "c"

    whole = fresh("whole")
    total = child(lambda: work(whole, key), 0)
    assert total > 3
    assert state(whole, key) == after
    seen = set()
    for point in points(total):
        folder = fresh(f"killed-{point}")
        child(lambda folder=folder: work(folder, key), point)  # type: ignore[misc]
        seen.add(found := state(folder, key))
        assert found in (before, after)
        if found == before:
            work(folder, key)
            assert state(folder, key) == after
    assert before in seen or after in seen


def test_a_killed_export_leaves_a_whole_pack_or_none(tmp_path: Path, key: LedgerKey) -> None:
    make(tmp_path / "c", key, None)

    def work(target: Path) -> None:
        with CaseStore.open(tmp_path / "c", key=key) as store:
            export_case(store, target)

    total = child(lambda: work(tmp_path / "whole.zip"), 0)
    for point in points(total):
        target = tmp_path / f"{point}.zip"
        child(lambda target=target: work(target), point)  # type: ignore[misc]
        if target.exists():
            assert verify_pack(target).ok
        else:
            work(target)  # the next attempt takes away what the killed one left
        # Between giving the name and taking the temporary one away, both are names of the same finished file.
        assert all(part.samefile(target) for part in tmp_path.glob(f".{target.name}.*"))
        CaseStore.open(tmp_path / "c", key=key).close()
        assert not [p for p in (tmp_path / "c").iterdir() if p.name.startswith(".")]
        assert verify_case(tmp_path / "c").ok


def test_a_killed_backup_or_import_leaves_a_whole_case_or_none(tmp_path: Path, key: LedgerKey) -> None:
    make(tmp_path / "c", key, OLD)

    def backup(target: Path) -> None:
        with CaseStore.open(tmp_path / "c", key=key, passphrase=OLD) as store:
            back_up(store, target)

    with CaseStore.open(tmp_path / "c", key=key, passphrase=OLD) as store:
        export_case(store, tmp_path / "out.zip")

    def take(target: Path) -> None:
        import_case(tmp_path / "out.zip", target, key, passphrase=OLD)

    for name, work in (("backup", backup), ("import", take)):
        total = child(lambda work=work, name=name: work(tmp_path / f"{name}-whole"), 0)  # type: ignore[misc]
        for point in points(total):
            target = tmp_path / f"{name}-{point}"
            child(lambda work=work, target=target: work(target), point)  # type: ignore[misc]
            if not target.exists():
                work(target)
            outcome = verify_case(target, passphrase=OLD)
            assert outcome.ok, outcome.bad
            assert not list(tmp_path.glob(f".{target.name}.*"))
