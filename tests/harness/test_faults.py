"""Disks that are full, write-protected, pulled out or broken, at any call: one line says so, and nothing is harmed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.aftermath import finished
from tests.harness.disks import bind, leave_free, memory_disk, unmount
from tests.harness.faults import ALLOWED, FaultFigures, again, fail_once, judge
from tests.harness.instruments import Plan
from tests.harness.kills import ACTS, Act, Bases
from tests.harness.workbench import Place

SEED = int(os.environ.get("HARNESS_SEED", "20"))
FAULTS = int(os.environ.get("HARNESS_FAULTS", "60"))
FULL = int(os.environ.get("HARNESS_FULL_DISKS", "50"))
BY_NAME = {act.name: act for act in ACTS}
_MEGABYTES = 24


@pytest.fixture(scope="module")
def small_disk(bases: Bases) -> Iterator[Path]:
    """A few megabytes; where it is mounted, ``work`` of the bases lies on it."""
    with memory_disk(bases.root / "small", _MEGABYTES) as there:
        if not there:
            pytest.skip("no right to mount a small file system here")
        yield bases.root / "small"


def settle(figures: FaultFigures) -> None:
    assert not figures.faults, "\n".join(figures.lines())
    assert figures.lost == 0


@pytest.mark.parametrize(
    ("what", "name"), [("ENOSPC", "import"), pytest.param("EROFS", "report", marks=pytest.mark.harness)]
)
def test_a_call_that_fails(bases: Bases, what: str, name: str) -> None:
    if not bases.nursery.deep:
        pytest.skip("no C compiler here")
    chance, figures = random.Random(f"{SEED} {what}"), FaultFigures()
    fail_once(bases, BY_NAME[name], what, chance, figures)
    settle(figures)


@pytest.mark.harness
def test_a_call_of_python_that_fails(bases: Bases) -> None:
    """The same where nothing can be compiled: Python's own calls fail (SQLite's do not)."""
    name = "report"
    act, chance, figures = BY_NAME[name], random.Random(f"{SEED} {name}"), FaultFigures()
    place = bases.places[act.base].copy(bases.root / "work")
    number = chance.randint(1, max(1, bases.made(act).calls))
    plan = Plan(fail_at=number, fail_with="ENOSPC", under=str(place.root))
    outcome = bases.nursery.run(place.home, *act.arguments(place), act=act.call, plan=plan)
    judge(figures, act, "ENOSPC", f"{name} from call {number}", place, outcome)
    again(figures, bases, act, name, place)
    place.remove()
    settle(figures)


def fill_once(bases: Bases, disk: Path, act: Act, free: int, figures: FaultFigures) -> None:
    """The act on a real disk with only so many bytes free; then the room is given back."""
    place = bases.base_of(act).copy(disk / "work")
    media = disk / "media"
    if not media.exists():
        media.symlink_to(bases.root / "media")
    try:
        ballast = leave_free(disk, free)
        outcome = bases.run(act, place)
        ballast.unlink()
        where = f"{act.name} with {free} bytes free"
        judge(figures, act, "ENOSPC", where, place, outcome)
        again(figures, bases, act, where, place)
    finally:
        (disk / "ballast").unlink(missing_ok=True)
        place.remove()


def needs(bases: Bases, act: Act) -> int:
    """How many bytes the act takes from the disk, roughly."""
    before, after = (sum(p.stat().st_size for p in b.root.rglob("*") if p.is_file()) for b in _states(bases, act))
    return max(1 << 16, after - before + (1 << 19))


def _states(bases: Bases, act: Act) -> tuple[Place, Place]:
    bases.made(act)
    return bases.base_of(act), bases.places[act.name]


def test_a_full_disk(bases: Bases, small_disk: Path) -> None:
    chance, figures = random.Random(SEED), FaultFigures()
    fill_once(bases, small_disk, BY_NAME["examine"], chance.randrange(needs(bases, BY_NAME["examine"]) // 2), figures)
    settle(figures)


def test_a_write_protected_medium(bases: Bases, tmp_path: Path) -> None:
    """Everything that reads works; everything that writes says why not."""
    source = bases.base_of(BY_NAME["report"]).copy(tmp_path / "source")
    shown = tmp_path / "shown"
    if not bind(source.root, shown, read_only=True):
        pytest.skip("no right to mount here")
    home = tmp_path / "home"
    shutil.copytree(source.home, home)
    try:
        place = Place(shown)
        for arguments, code in (
            (("case", "show", place.case), 0),
            (("case", "verify", place.case), 0),
            (("evidence", "add", place.case, bases.root / "media" / "clip-0.mp4"), 3),
            (("examine", place.case), 3),
            (("report", "build", place.case, "-o", tmp_path / "report.pdf"), 3),
            (("case", "create", shown / "new"), 4),
        ):
            outcome = bases.nursery.run(home, *arguments)
            assert outcome.code == code, (arguments, outcome.stderr)
            assert outcome.stderr.count("\n") == (1 if code else 0), outcome.stderr
    finally:
        unmount(shown, pulled=True)
    assert finished(source) == []
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.harness
def test_a_medium_pulled_out_and_put_back(bases: Bases, tmp_path: Path) -> None:
    """In the middle of an examination: one line, and after it is back the examination goes on."""
    source = bases.base_of(BY_NAME["examine"]).copy(tmp_path / "source")
    shown = tmp_path / "shown"
    if not bind(source.root, shown):
        pytest.skip("no right to mount here")
    home = tmp_path / "home"
    shutil.copytree(source.home, home)
    place, figures = Place(shown), FaultFigures()
    act = BY_NAME["examine"]
    running = bases.nursery.start(home, *act.arguments(place))
    running.wait_for("rows")
    unmount(shown, pulled=True)
    outcome = running.wait()
    assert outcome.code in (0, 3, 4, 5), outcome.stderr
    assert outcome.stderr.count("\n") <= 1, outcome.stderr
    assert bind(source.root, shown)
    try:
        judge(figures, act, "EROFS", "pulled out", place, type(outcome)(0, 0, outcome.said, "", ""))
        again(figures, bases, act, "put back", place)
    finally:
        unmount(shown, pulled=True)
    settle(figures)


@pytest.mark.harness
@pytest.mark.skipif(not hasattr(os, "setuid") or os.getuid() != 0, reason="only root can make a file unchangeable")
def test_permission_lost_in_the_middle(bases: Bases) -> None:
    """The case folder becomes unchangeable (chattr +i, which binds root too) while an examination runs."""
    act, figures = BY_NAME["examine"], FaultFigures()
    place = bases.places[act.base].copy(bases.root / "work")
    folders = [place.case, place.case / "maps"]
    if subprocess.run(["chattr", "+i", str(place.case / "case.lock")], capture_output=True, check=False).returncode:
        place.remove()
        pytest.skip("this file system knows no unchangeable files")
    subprocess.run(["chattr", "-i", str(place.case / "case.lock")], check=True)
    running = bases.nursery.start(place.home, *act.arguments(place))
    running.wait_for("rows")
    subprocess.run(["chattr", "+i", *map(str, folders)], check=True)
    try:
        outcome = running.wait()
    finally:
        subprocess.run(["chattr", "-i", *map(str, folders)], check=True)
    judge(figures, act, "EACCES", "permission lost", place, outcome)
    again(figures, bases, act, "permission back", place)
    place.remove()
    settle(figures)


@pytest.mark.harness
@pytest.mark.timeout(7200)
def test_many_failing_calls(bases: Bases, record_property: Callable[[str, object], None]) -> None:
    if not bases.nursery.deep:
        pytest.skip("no C compiler here")
    chance, figures = random.Random(SEED), FaultFigures()
    for number in range(FAULTS):
        fail_once(bases, ACTS[number % len(ACTS)], chance.choice(list(ALLOWED)), chance, figures)
    print("\n" + "\n".join(figures.lines()))  # noqa: T201
    record_property("figures", figures.lines())
    settle(figures)


@pytest.mark.harness
@pytest.mark.timeout(7200)
def test_many_full_disks(bases: Bases, small_disk: Path, record_property: Callable[[str, object], None]) -> None:
    chance, figures = random.Random(SEED), FaultFigures()
    for number in range(FULL):
        act = ACTS[number % len(ACTS)]
        fill_once(bases, small_disk, act, chance.randrange(needs(bases, act)), figures)
    print("\n" + "\n".join(figures.lines()))  # noqa: T201
    record_property("figures", figures.lines())
    settle(figures)
