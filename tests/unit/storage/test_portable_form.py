"""The zip around a pack, backups and archives: forms, limits and refusals that no hostile pack is needed for."""

from __future__ import annotations

import io
import json
import os
import subprocess
import threading
import zipfile
from pathlib import Path

import pytest

from tests.unit.storage.storage_samples import ENVIRONMENT, fakeness, full_row, index, plan, take_in
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import (
    Cancelled,
    CaseExists,
    CaseReadOnly,
    InputError,
    IntegrityMismatch,
    PackInvalid,
    StorageFull,
)
from workstation.domain.examinations import ExaminationState
from workstation.storage import switching
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.storage.portable import exporting
from workstation.storage.portable.container import Container, directory
from workstation.storage.portable.disclosure import Disclosure, disclose, redact_pack
from workstation.storage.portable.exporting import Handover, export_case
from workstation.storage.portable.reading import Pack
from workstation.storage.portable.receiving import import_case
from workstation.storage.portable.snapshot import back_up
from workstation.storage.portable.verifying import verify_pack
from workstation.storage.verification import verify_case


@pytest.mark.parametrize("limit", [0xFFFFFFFF, 3000, 1])
def test_any_program_reads_the_container_also_where_numbers_are_wide(tmp_path: Path, limit: int) -> None:
    content = {"a.bin": os.urandom(3000), "b/ü.txt": b"text " * 3000, "empty": b"", "z.json": b"{}"}
    with (tmp_path / "x.zip").open("w+b") as file:
        container = Container(file, limit)
        for name, data in content.items():
            container.add(name, iter([data[:10], data[10:]]), len(data), deflate=name.endswith("txt"))
        container.finish()
    with zipfile.ZipFile(tmp_path / "x.zip") as packed:
        assert packed.testzip() is None
        assert {name: packed.read(name) for name in packed.namelist()} == content
    done = subprocess.run(["unzip", "-tq", str(tmp_path / "x.zip")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    tail = (tmp_path / "x.zip").read_bytes()
    assert tail.endswith(directory(container.entries, limit))
    assert (b"PK\x06\x06" in directory(container.entries, limit)) == (limit < 0xFFFFFFFF)


def test_a_member_of_another_size_than_said(tmp_path: Path) -> None:
    container = Container(io.BytesIO())
    with pytest.raises(ValueError, match="not the 5"):
        container.add("a", iter([b"1234"]), 5)


def test_a_pack_whose_numbers_are_wide_verifies(
    store: CaseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(store, tmp_path / "a.bin", os.urandom(5000))
    monkeypatch.setattr(Container.__init__, "__defaults__", (1,))
    export_case(store, tmp_path / "wide.zip")
    assert b"PK\x06\x06" in (tmp_path / "wide.zip").read_bytes()
    assert verify_pack(tmp_path / "wide.zip").ok


def test_exports_overwrite_nothing_and_leave_nothing(
    store: CaseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(store, tmp_path / "a.bin", os.urandom(5000))
    (tmp_path / "there.zip").write_bytes(b"mine")
    with pytest.raises(CaseExists):
        export_case(store, tmp_path / "there.zip")
    assert (tmp_path / "there.zip").read_bytes() == b"mine"
    with pytest.raises(CaseExists):
        back_up(store, tmp_path)

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "flush_folder", no_room)  # the last step of all
    with pytest.raises(StorageFull):
        export_case(store, tmp_path / "full.zip")
    monkeypatch.undo()
    monkeypatch.setattr(Container, "finish", no_room)
    with pytest.raises(StorageFull):
        export_case(store, tmp_path / "fuller.zip")
    monkeypatch.undo()
    assert not [*tmp_path.glob(".*.part"), *tmp_path.glob("full*.zip"), *store.folder.glob(".export*")]
    kinds = [event.kind for event in store.custody()]
    assert kinds[-2:] == [CustodyKind.EXPORTED, CustodyKind.DELETED]


def test_an_export_in_which_a_byte_was_lost_is_not_kept(
    store: CaseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk gives back other bytes than it got: what was read back decides."""
    take_in(store, tmp_path / "a.bin", os.urandom(50_000))
    finish = Container.finish

    def lossy(self: Container) -> None:
        finish(self)
        self._file.seek(self.entries[-5].offset + 200)
        self._file.write(b"\x00\x01\x02")

    monkeypatch.setattr(Container, "finish", lossy)
    with pytest.raises(PackInvalid):
        export_case(store, tmp_path / "out.zip")
    assert not [*tmp_path.glob("out.zip"), *tmp_path.glob(".*.part")]
    assert CustodyKind.EXPORTED not in {event.kind for event in store.custody()}


def test_a_case_open_for_reading_exports_nothing(store: CaseStore, key: LedgerKey, tmp_path: Path) -> None:
    store.close()
    with CaseStore.open(store.folder, key=None, read_only=True) as reading:
        # A backup is taken all the same where a key signs the copy; the case itself stays untouched.
        done = back_up(reading, tmp_path / "copy", key=key)
        assert (done.head.count, done.verification.ok) == (reading.custody_head().count, True)
        for work in (export_case, back_up):
            with pytest.raises(CaseReadOnly):
                work(reading, tmp_path / "out")  # type: ignore[operator]
        with pytest.raises(CaseReadOnly):
            disclose(reading, tmp_path / "out", Disclosure(()))


def test_a_backup_while_two_threads_write(store: CaseStore, tmp_path: Path) -> None:
    """Every backup is one moment: its rows, its chain and its files agree, whatever comes after."""
    item = take_in(store, tmp_path / "a.bin", os.urandom(9000))
    store.put_frame_index(item.id, index(4000))
    run = store.start_examination(plan(item.id), ENVIRONMENT)
    ended = threading.Event()

    def rows() -> None:
        for start in range(0, 4000, 8):
            if ended.is_set():
                return
            store.arrays.put(fakeness(start, 16))
            store.append_rows([full_row(run.id, item.id, n) for n in range(start, start + 8)])

    def events() -> None:
        while not ended.wait(0.005):
            store.record(CustodyKind.SETTINGS_CHANGED, {"what": "nothing"})

    threads = [threading.Thread(target=work) for work in (rows, events)]
    for thread in threads:
        thread.start()
    counts = []
    try:
        for number in range(4):
            done = back_up(store, tmp_path / f"b{number}")
            assert done.verification.ok
            counts.append(done.counts["custody events"])
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    store.end_examination(run.id, ExaminationState.CANCELLED)
    assert counts == sorted(set(counts))
    for number in range(4):
        assert verify_case(tmp_path / f"b{number}").ok


def test_a_backup_that_is_cancelled_leaves_nothing(store: CaseStore, tmp_path: Path) -> None:
    take_in(store, tmp_path / "a.bin", os.urandom(5000))
    for steps in range(3):
        count = iter(range(1000))
        with pytest.raises(Cancelled):
            back_up(store, tmp_path / "b", cancelled=lambda count=count, steps=steps: next(count) >= steps)
    assert not [*tmp_path.glob("b"), *tmp_path.glob(".*.part")]


def test_a_backup_of_a_damaged_case_is_refused_and_removed(store: CaseStore, tmp_path: Path) -> None:
    item = take_in(store, tmp_path / "a.bin", os.urandom(5000))
    path = store.vault.path(item.stored_path)
    path.chmod(0o644)
    path.write_bytes(bytes(5000))
    with pytest.raises(IntegrityMismatch, match="EX-01"):
        back_up(store, tmp_path / "b")
    with pytest.raises(IntegrityMismatch, match="EX-01"):
        disclose(store, tmp_path / "d.zip", Disclosure((item.id,)))
    assert not [*tmp_path.glob("b"), *tmp_path.glob("d.zip"), *tmp_path.glob(".*.part")]


def test_disclosures_say_what_they_leave_out(store: CaseStore, tmp_path: Path) -> None:
    items = [take_in(store, tmp_path / f"{n}.bin", os.urandom(500)) for n in range(3)]
    with pytest.raises(InputError, match="No exhibit"):
        disclose(store, tmp_path / "d.zip", Disclosure(()))
    done = disclose(
        store, tmp_path / "d.zip", Disclosure((items[1].id,), media=False, handover=Handover("p", "a", "r"))
    )
    with Pack(tmp_path / "d.zip") as pack:
        assert pack.manifest.part("withheld")["exhibits"] == 2
        assert pack.manifest.facts["recipient"] == "r"
        names = pack.names()
        assert "exhibits/EX-02/record.json" in names
        assert "exhibits/EX-02/original" not in names
        taken = [m for m in names if m.endswith(".body.json") and b"EX-0" in pack.read(m)]
        assert [json.loads(pack.read(m))["exhibit"] for m in taken] == ["EX-02"]
    assert done.counts["exhibits"] == (1, 1)
    for wish in ("exhibits/EX-01", "manifest.json", "checkpoint.txt", ""):
        with pytest.raises(InputError, match="taken out"):
            redact_pack(tmp_path / "d.zip", [wish], tmp_path / "e.zip", "")
    export_case(store, tmp_path / "whole.zip")
    with pytest.raises(PackInvalid, match="disclosure"):
        redact_pack(tmp_path / "whole.zip", ["case/maps"], tmp_path / "e.zip", "")
    with pytest.raises(PackInvalid, match="disclosure"):
        import_case(tmp_path / "d.zip", tmp_path / "in", store.ledger_key)  # type: ignore[arg-type]


def test_an_event_of_a_disclosure_cannot_be_exchanged(store: CaseStore, key: LedgerKey, tmp_path: Path) -> None:
    """With the key of the manifest in the wrong hands: the events still stand under the signed checkpoint alone."""
    from workstation.storage.portable.verifying import event_problem

    item = take_in(store, tmp_path / "a.bin", os.urandom(500))
    store.record(CustodyKind.TRANSFERRED, {"to": "lab", "exhibit": "EX-01", "evidence": item.id})
    disclose(store, tmp_path / "d.zip", Disclosure((item.id,)))
    with Pack(tmp_path / "d.zip") as pack:
        said = pack.manifest.part("custody")
        head = json.loads(pack.read("custody/000003.json"))
        body = pack.read("custody/000003.body.json").decode()
    keys, count, root = [key.public_key], said["count"], bytes.fromhex(said["root"])
    assert event_problem(head, body, keys, count, root) == ""
    assert event_problem(head, None, keys, count, root) == ""
    assert "body" in event_problem(head, body + " ", keys, count, root)
    assert "signed" in event_problem(head, body, [bytes(32)], count, root)
    for change in (
        {"actor": "Somebody else"},
        {"at": "2020-01-01T00:00:00.000+00:00"},
        {"kind": "exported"},
        {"seq": 2},
        {"prev": "00" * 32},
        {"hash": "00" * 32},
        {"signature": "00" * 64},
        {"proof": [*head["proof"], "00" * 32]},
        {"body_sha256": "00" * 32},
        {"form": 1},
        {"proof": "nothing"},
        {"seq": "many"},
    ):
        assert event_problem(head | change, body, keys, count, root) != "", change
    assert event_problem(head, body, keys, count + 1, root) != ""
    assert event_problem(head, body, keys, count, bytes(32)) != ""


def test_a_switch_that_waits_is_not_read_over(store: CaseStore, key: LedgerKey) -> None:
    from workstation.domain.errors import CaseDamaged, CaseError
    from workstation.storage.case_folder import CaseFolder

    store.close()
    folder = CaseFolder(store.folder)
    switching.switch_file(folder).write_text("{}", encoding="utf-8")
    with pytest.raises(CaseError, match="re-written"):
        verify_case(store.folder)
    with pytest.raises(CaseDamaged, match="not written by this program"):
        CaseStore.open(store.folder, key=key)
    switching.switch_file(folder).unlink()
    (switching.next_folder(folder) / "evidence").mkdir(parents=True)
    assert verify_case(store.folder).ok
    CaseStore.open(store.folder, key=key).close()
    assert not switching.next_folder(folder).exists()
