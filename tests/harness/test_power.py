"""Power that goes at any moment, a write-ahead log that is torn: what was acknowledged is there, or its loss is told.

A kill leaves everything that reached the operating system; a power cut leaves only what was flushed. Both are tried:
an ext4 file system is shut down without another write (as the file system's own tests do it) and mounted again.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.aftermath import finished, look
from tests.harness.disks import PowerDisk
from tests.harness.kills import ACTS, Act, Bases, Figures, environment
from tests.harness.workbench import Outcome, Place
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import CaseDamaged
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import verify_case

SEED = int(os.environ.get("HARNESS_SEED", "20"))
CUTS = int(os.environ.get("HARNESS_POWER_CUTS", "40"))


@pytest.fixture(scope="module")
def disk(bases: Bases) -> PowerDisk:
    made = PowerDisk(bases.root / "power")
    if not made.works:
        pytest.skip("no ext4 file system can be made and mounted here")
    return made


def cut_once(bases: Bases, disk: PowerDisk, act: Act, after: float, figures: Figures) -> None:
    """The power goes ``after`` seconds into the act; the machine starts again, and the act is done to its end."""
    assert disk.new()
    try:
        media = disk.place / "media"
        media.symlink_to(bases.root / "media")
        place = bases.base_of(act).copy(disk.place / "work")
        os.sync()
        running = bases.nursery.start(place.home, *act.arguments(place), act=act.call, environment=environment(act))
        outcome = running.wait(kill_after=after, before_kill=disk.cut)
        disk.back()
        figures.by_act[act.name] += 1
        figures.by_point["power"] += 1
        if not outcome.killed:
            figures.ended_before += 1
        where = f"{act.name} after {after:.3f} s"
        found = look(place, outcome, act.secrets)
        if act.name == "create" and not outcome.of("event"):
            found = type(found)(0, 0, (), False)
        figures.events += found.events
        figures.lost += found.lost
        figures.resumed += found.unfinished
        figures.faults += [f"{where}: {fault}" for fault in found.faults]
        again = bases.run(act, place, again=True)
        if again.code not in act.fine:
            figures.faults.append(f"{where}: done again it ended with {again.code}: {again.stderr[-300:]}")
        figures.faults += [f"{where}: after it was done again: {fault}" for fault in finished(place, act.secrets)]
    finally:
        disk.close()


def test_a_power_cut(bases: Bases, disk: PowerDisk) -> None:
    chance, figures = random.Random(SEED), Figures()
    for act in ACTS[2:3]:
        cut_once(bases, disk, act, chance.uniform(0.05, bases.made(act).seconds), figures)
    assert not figures.faults, "\n".join(figures.lines())


@pytest.mark.harness
@pytest.mark.timeout(7200)
def test_many_power_cuts(bases: Bases, disk: PowerDisk, record_property: Callable[[str, object], None]) -> None:
    chance, figures = random.Random(SEED), Figures()
    for number in range(CUTS):
        act = ACTS[number % len(ACTS)]
        cut_once(bases, disk, act, chance.uniform(0.02, bases.made(act).seconds), figures)
    print("\n" + "\n".join(figures.lines()))  # noqa: T201
    record_property("figures", figures.lines())
    assert not figures.faults, "\n".join(figures.lines())
    assert figures.lost == 0


@pytest.fixture
def live(tmp_path: Path) -> Iterator[CaseStore]:
    """A case that is open, with everything since its making in the write-ahead log."""
    key = LedgerKey.load_or_create(tmp_path / "keys")
    store = CaseStore.create(tmp_path / "case", number="1", title="", examiner="A", question="", key=key)
    for number in range(60):
        store.record(CustodyKind.EXPORTED, {"number": number})
    yield store
    store.close()


@pytest.mark.parametrize("tears", [12, pytest.param(60, marks=pytest.mark.harness)])
def test_a_torn_log_is_never_silently_shorter(live: CaseStore, tmp_path: Path, tears: int) -> None:
    """Cut or overwritten at random places: every anchored event is there, or verifying and opening both say that
    the tail is gone (E7)."""
    chance = random.Random(SEED)
    key = LedgerKey.load_or_create(tmp_path / "keys")
    anchored = live.custody_head().count
    size = (live.folder / "case.sqlite-wal").stat().st_size
    shorter = 0
    for number in range(tears):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(live.folder, copy, ignore=shutil.ignore_patterns("*-shm"))
        damage(copy / "case.sqlite-wal", chance.randrange(size), cut=number % 2 == 0, chance=chance)
        outcome = verify_case(copy)
        if outcome.ok:
            with CaseStore.open(copy, key=None, read_only=True) as case:
                assert case.custody_head().count == anchored
            CaseStore.open(copy, key=key).close()
            assert verify_case(copy).ok
        else:
            shorter += 1
            with pytest.raises(CaseDamaged):
                CaseStore.open(copy, key=key)
            assert any("tail" in line.subject or "database" in line.subject for line in outcome.bad), outcome.bad
        shutil.rmtree(copy)
    assert shorter > tears // 2, "most places hold an event"


def damage(log: Path, offset: int, *, cut: bool, chance: random.Random) -> None:
    with log.open("r+b") as file:
        if cut:
            file.truncate(offset)
            return
        file.seek(offset)
        file.write(chance.randbytes(16))


def test_a_case_without_its_log_says_what_is_gone(live: CaseStore, tmp_path: Path) -> None:
    """Only the database file of a live case was copied: an empty chain must not count as a good one."""
    copy = tmp_path / "copy"
    shutil.copytree(live.folder, copy, ignore=shutil.ignore_patterns("*-shm", "*-wal"))
    with contextlib.suppress(CaseDamaged):
        assert not verify_case(copy).ok
    with pytest.raises(CaseDamaged):
        CaseStore.open(copy, key=LedgerKey.load_or_create(tmp_path / "keys"))


def test_places_are_what_they_say(tmp_path: Path) -> None:
    """The harness itself: a lost event and a cut file are found."""
    place = Place(tmp_path / "place")
    key = LedgerKey.load_or_create(tmp_path / "keys")
    CaseStore.create(place.case, number="1", title="", examiner="A", question="", key=key).close()
    place.home.mkdir()
    (place.case / "evidence" / "ab").mkdir()
    (place.case / "evidence" / "ab" / ("ab" * 32)).write_bytes(b"half")
    said = ({"is": "event", "seq": 9, "hash": "00"}, {"is": "exhibit", "id": "x", "sha256": "y"})
    found = look(place, Outcome(-9, 0.0, said, "", ""))
    assert found.lost == 1
    assert any("event 9 is gone" in fault for fault in found.faults)
    assert any("exhibit x is gone" in fault for fault in found.faults)
    assert any("holds other bytes" in fault for fault in found.faults)
