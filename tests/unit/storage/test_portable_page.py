"""The page about packs: every sample in it is run, with the programs it names and without this one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.storage.storage_samples import ENVIRONMENT, fakeness, full_row, index, plan, take_in
from workstation.domain.examinations import ExaminationState
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.storage.portable.disclosure import Disclosure, disclose, redact_pack
from workstation.storage.portable.exporting import export_case
from workstation.storage.portable.verifying import verify_pack

PAGE = Path(__file__).resolve().parents[3] / "workstation" / "storage" / "PACK.md"
NEEDED = ("unzip", "jq", "openssl", "sha256sum", "sh")
pytestmark = pytest.mark.skipif(any(shutil.which(name) is None for name in NEEDED), reason=f"needs {NEEDED}")


def samples() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def shell(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-e", "-c", text], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def packs(tmp_path: Path, key: LedgerKey) -> Path:
    with CaseStore.create(tmp_path / "c", number="7", title="t", examiner="e", question="q", key=key) as store:
        items = [take_in(store, tmp_path / f"{n}.bin", os.urandom(900)) for n in range(3)]
        store.put_frame_index(items[0].id, index(4))
        run = store.start_examination(plan(items[0].id), ENVIRONMENT)
        store.append_rows([full_row(run.id, items[0].id, ordinal) for ordinal in range(4)])
        store.end_examination(run.id, ExaminationState.DONE)
        store.arrays.put(fakeness(2))
        export_case(store, tmp_path / "case.zip")
        extras = (("rerun.json", b'{"findings": [{"exhibit": "EX-01", "compare_with": "here"}]}'),)
        disclose(store, tmp_path / "disclosure.zip", Disclosure((items[0].id,), extras=extras))
    return tmp_path


@pytest.mark.parametrize("kind", ["case", "disclosure"])
def test_the_samples_work_and_say_what_is_true(packs: Path, kind: str) -> None:
    unpack, read, events = samples()
    place = packs / kind
    place.mkdir()
    shutil.copy(packs / f"{kind}.zip", place / "PACK.zip")
    done = shell(unpack, place)
    assert done.returncode == 0, done.stderr
    assert "Verified Successfully" in done.stdout
    done = shell(read, place / "pack")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{kind}\t")
    if kind == "disclosure":
        done = shell(events, place / "pack")
        assert done.returncode == 0, done.stderr
        assert "BAD" not in done.stdout
        assert "case_created" in done.stdout
        assert done.stdout.endswith("EX-01\there\n")


def test_the_samples_notice_a_change(packs: Path) -> None:
    unpack, _, events = samples()
    place = packs / "changed"
    place.mkdir()
    shutil.copy(packs / "disclosure.zip", place / "PACK.zip")
    shell(unpack, place)
    inside = place / "pack"
    check = "\n".join(unpack.splitlines()[1:])
    assert shell(check, inside).returncode == 0
    body = sorted((inside / "custody").glob("*.body.json"))[0]
    body.write_bytes(body.read_bytes() + b" ")
    assert shell(check, inside).returncode != 0
    assert "BAD" in shell(events, inside).stdout
    manifest = inside / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"size": 900', b'"size": 901'))
    assert shell(check, inside).returncode != 0


def test_what_the_chain_says_holds_one_by_one(packs: Path) -> None:
    """Taking out each kind of thing leaves the rest verifying; what was not announced is missed."""
    pack = packs / "disclosure.zip"
    names = subprocess.run(["unzip", "-Z1", str(pack)], capture_output=True, text=True, check=True).stdout.split()
    once = redact_pack(pack, ["exhibits/EX-01/examination-1/track-02.jsonl"], packs / "one.zip", "a face")
    assert len(once) == 1
    bodies = [name for name in names if name.endswith(".body.json")]
    heads = [name for name in names if re.fullmatch(r"custody/\d{6}\.json", name)]
    twice = redact_pack(packs / "one.zip", [bodies[0], heads[-1]], packs / "two.zip", "an event")
    assert set(once) < set(twice)
    outcome = verify_pack(packs / "two.zip")
    assert outcome.ok, outcome.bad
    told = {line.subject: line.detail for line in outcome.lines}
    assert f"{len(heads) - 1} of {len(heads)} events hold" in told["chain of custody"]
    assert "3 members were taken out later" in told["redactions"]
