"""Whoever changes anything in a case is found out and the right thing is named; a sound case is never accused (E5, E7).

The full size (300 edits, 50 untouched cases) runs with ``-m harness``; the default run takes a seeded slice.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import tampering
from tests.harness.tampered_cases import Made, make_all
from tests.harness.tampered_files import Edit, Impossible, tamper_pack
from tests.harness.tampering import ACTS
from workstation.domain.custody import Verification
from workstation.domain.errors import CaseError
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.storage.portable.verifying import verify_pack
from workstation.storage.verification import verify_case

SEED = int(os.environ.get("HARNESS_SEED", "21"))
EDITS = int(os.environ.get("HARNESS_EDITS", "300"))
UNTOUCHED = int(os.environ.get("HARNESS_UNTOUCHED", "50"))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    return make_all(tmp_path_factory.mktemp("cases"), locked=False)


@pytest.fixture(scope="module")
def all_cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    return make_all(tmp_path_factory.mktemp("all"), locked=True)


def verdict(folder: Path, made: Made) -> Verification | CaseError:
    try:
        return verify_case(folder, pinned=made.pins, passphrase=made.passphrase)
    except CaseError as fault:
        return fault


def tamper_once(chance: random.Random, cases: dict[str, Made], place: Path) -> tuple[Made, Edit, str]:
    """Copy a case, do one edit, verify. Returns what was done and, if it was missed or misnamed, how."""
    acts, weights = list(ACTS), list(ACTS.values())
    while True:
        made = cases[chance.choice(["rich"] * 5 + ["killed"] * 3 + ["recovered"] * 2 + sorted(cases))]
        folder = place / "case"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made.folder, folder)
        try:
            edit = chance.choices(acts, weights)[0](chance, folder, made)
            break
        except Impossible:
            continue
    outcome = verdict(folder, made)
    if isinstance(outcome, CaseError):
        return made, edit, "" if not edit.names else f"refused with {outcome.code}: {outcome.message}"
    if outcome.ok:
        return made, edit, "MISSED"
    subjects = [line.subject for line in outcome.bad]
    if edit.names and not any(re.fullmatch(edit.names, subject) for subject in subjects):
        return made, edit, f"named {subjects}, not {edit.names}"
    return made, edit, ""


def run_edits(cases: dict[str, Made], place: Path, count: int, seed: str) -> tuple[list[str], Counter[str]]:
    faults, kinds = [], Counter[str]()
    for number in range(count):
        made, edit, fault = tamper_once(random.Random(f"{seed} {number}"), cases, place)
        kinds[f"{made.name}: {edit.what.split(':')[0].split('.')[0][:30]}"] += 1
        if fault:
            faults.append(f"{number} {made.name}: {edit.what}: {fault}")
    return faults, kinds


def untouched(cases: dict[str, Made], place: Path, count: int, seed: str) -> list[str]:
    """Copies of every kind of case, as they are, on read-only media, or opened and closed by another installation."""
    chance, accused = random.Random(seed), []
    for number in range(count):
        made = cases[sorted(cases)[number % len(cases)]]
        folder = place / "sound"
        if folder.exists():
            _writable(folder)
            shutil.rmtree(folder)
        shutil.copytree(made.folder, folder)
        state = chance.choice(("as it is", "read-only", "opened", "read"))
        pins = made.pins
        if state == "read-only":
            for path in (*folder.rglob("*"), folder):
                path.chmod(0o555 if path.is_dir() else 0o444)
        elif state == "opened":
            key = LedgerKey.load_or_create(place / "other-key")
            CaseStore.open(folder, key=key, passphrase=made.passphrase).close()
        elif state == "read":
            CaseStore.open(folder, key=None, read_only=True, passphrase=made.passphrase).close()
        outcome = verify_case(folder, pinned=pins, passphrase=made.passphrase)
        accused += [f"{number} {made.name} {state}: {line.subject}: {line.detail}" for line in outcome.bad]
    return accused


def _writable(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_no_edit_of_a_slice_is_missed(cases: dict[str, Made], tmp_path: Path) -> None:
    faults, _ = run_edits(cases, tmp_path, 25, f"{SEED}")
    assert not faults, "\n".join(faults)


def test_no_edit_of_a_reading_of_a_whole_track_is_missed(
    cases: dict[str, Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns, rows removed and rows added, in that table alone."""
    monkeypatch.setattr(tampering, "_tables", lambda raw: ["track_readings"])
    rows = {tampering.change_column: 4, tampering.remove_row: 1, tampering.add_row: 1}
    for act in [a for a in ACTS if a not in rows]:
        monkeypatch.delitem(ACTS, act)
    rich = dict.fromkeys(("rich", "killed", "recovered"), cases["rich"])
    faults, _ = run_edits(rich, tmp_path, 12, f"{SEED} readings")
    assert not faults, "\n".join(faults)


def test_no_untouched_case_of_a_slice_is_accused(cases: dict[str, Made], tmp_path: Path) -> None:
    accused = untouched(cases, tmp_path, len(cases), f"{SEED}")
    assert not accused, "\n".join(accused)


def spoil_packs(cases: dict[str, Made], place: Path, count: int, seed: str) -> list[str]:
    """Edits of exported packs that verification of the pack did not see."""
    missed = []
    packs = [pack for made in cases.values() for pack in made.packs]
    for number in range(count):
        chance = random.Random(f"{seed} pack {number}")
        copy = place / "pack"
        shutil.copyfile(chance.choice(packs), copy)
        try:
            act = tamper_pack(chance, copy)
        except Impossible:
            continue
        if verify_pack(copy).ok:
            missed.append(f"pack {number}: {act}: MISSED")
    return missed


def test_no_edit_of_a_pack_is_missed(cases: dict[str, Made], tmp_path: Path) -> None:
    for pack in cases["rich"].packs:
        outcome = verify_pack(pack)
        assert outcome.ok, outcome.bad
    missed = spoil_packs(cases, tmp_path, 10, f"{SEED}")
    assert not missed, missed


@pytest.mark.harness
@pytest.mark.timeout(3600)
def test_many_edits_and_many_sound_cases(
    all_cases: dict[str, Made], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = all_cases
    faults, kinds = run_edits(cases, tmp_path, EDITS, f"full {SEED}")
    accused = untouched(cases, tmp_path, UNTOUCHED, f"full {SEED}")
    faults += spoil_packs(cases, tmp_path, EDITS // 5, f"full {SEED}")
    missed = [fault for fault in faults if fault.endswith("MISSED")]
    told = f"{EDITS} edits of cases and {EDITS // 5} of packs: {len(missed)} missed, "
    told += f"{len(faults) - len(missed)} misnamed; {UNTOUCHED} sound cases: {len(accused)} lines of accusation"
    print("\n" + told + "\n" + "\n".join(f"{count:4} {kind}" for kind, count in sorted(kinds.items())))  # noqa: T201
    record_property("figures", told)
    assert not faults, "\n".join(faults)
    assert not accused, "\n".join(accused)
