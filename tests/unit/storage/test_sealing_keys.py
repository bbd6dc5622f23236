"""The key file of an encrypted case: what opens it, what does not, and what a hostile one is refused for."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from tests.unit.storage.storage_samples import fakeness, take_in
from workstation.domain.errors import (
    CaseDamaged,
    CaseLocked,
    InputError,
    IntegrityMismatch,
    NotFound,
    SealedFileDamaged,
    WorkstationError,
)
from workstation.storage import case_files
from workstation.storage.case_folder import CaseFolder
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.key_slots import ScryptCost, forget_keyring, key_file, unlock
from workstation.storage.keys import LedgerKey
from workstation.storage.outside_reader import open_for_reading
from workstation.storage.rewriting import decrypt_case, encrypt_case, rekey_case
from workstation.storage.sealing import CaseSeal
from workstation.storage.vault import hash_file
from workstation.storage.verification import verify_case

PASSPHRASE = "Grüße an alle"  # not ASCII, and written in two ways
CHEAP = ScryptCost(1 << 14)


class Memory(KeyringBackend):
    """A keyring that keeps what it is given while the test lasts."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.kept.pop((service, username), None)


@pytest.fixture(autouse=True)
def backend() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScryptCost.__init__, "__defaults__", (1 << 14, 8, 1))


def write(path: Path, seal: CaseSeal, **options: Any) -> Path:
    path.write_bytes(key_file("case-1", seal, PASSPHRASE, cost=CHEAP, **options))
    return path


def test_the_passphrase_opens_it_however_its_letters_are_composed(tmp_path: Path) -> None:
    seal = CaseSeal.fresh()
    path = write(tmp_path / "case.key", seal)
    for spelt in (PASSPHRASE, "Gru\u0308ße an alle"):
        got = unlock(path, spelt)
        assert got is not None
        assert got.master == seal.master
    for wrong in ("", "grüße an alle", PASSPHRASE + " "):
        with pytest.raises(CaseLocked):
            unlock(path, wrong)
    with pytest.raises(CaseLocked):
        unlock(path, None)
    assert unlock(tmp_path / "other.key", PASSPHRASE) is None


def test_nothing_of_the_master_key_stands_in_it(tmp_path: Path) -> None:
    import base64

    seal = CaseSeal.fresh()
    data = write(tmp_path / "case.key", seal).read_bytes()
    for secret in (seal.master, seal.database_key):
        assert secret not in data
        assert secret.hex().encode() not in data
        assert base64.b64encode(secret) not in data
    facts = json.loads(data)
    assert facts["application"] == "0x574b5331"
    assert facts["slots"][0]["n"] == 1 << 14


def test_the_default_costs_are_those_of_the_design() -> None:
    assert (ScryptCost().n, ScryptCost().r, ScryptCost().p) == (131072, 8, 1)
    with pytest.raises(InputError, match="shorter than 8"):
        key_file("case-1", CaseSeal.fresh(), "seven77")


HOSTILE: dict[str, tuple[Any, type[WorkstationError]]] = {
    "cheap guessing": ({"n": 2}, CaseDamaged),
    "a machine's whole memory": ({"n": 1 << 30}, CaseDamaged),
    "no power of two": ({"n": 100_000}, CaseDamaged),
    "many lanes": ({"p": 4096}, CaseDamaged),
    "a word for a number": ({"n": "many"}, CaseLocked),
    "another salt": ({"salt": "AAAA"}, CaseLocked),
    "another nonce": ({"nonce": "AAAAAAAAAAAAAAAA"}, CaseLocked),
    "no wrapped key": ({"wrapped": ""}, CaseLocked),
    "another kind": ({"kind": "none"}, CaseLocked),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_slot_that_was_tampered_with(tmp_path: Path, what: str) -> None:
    path = write(tmp_path / "case.key", CaseSeal.fresh())
    facts = json.loads(path.read_bytes())
    change, kind = HOSTILE[what]
    facts["slots"][0] |= change
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(kind):
        unlock(path, PASSPHRASE)


def test_a_file_that_was_tampered_with(tmp_path: Path) -> None:
    path = write(tmp_path / "case.key", CaseSeal.fresh())
    facts = json.loads(path.read_bytes())
    for changed in (
        facts | {"written_in_format": 1},
        facts | {"database": "plain"},
        facts | {"slots": facts["slots"] * 2},
        facts | {"digest": ""},
    ):
        path.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(CaseDamaged, match="altered"):
            unlock(path, PASSPHRASE)
    path.write_text(json.dumps(facts | {"case": "case-2"}), encoding="utf-8")
    with pytest.raises(CaseLocked):
        unlock(path, PASSPHRASE)
    for data in (b"", b"{}", b"[]", b"\xff" * 40, b"[" * 60_000, json.dumps(facts).encode() + b" " * 70_000):
        path.write_bytes(data)
        with pytest.raises(CaseDamaged, match="damaged"):
            unlock(path, PASSPHRASE)


def test_a_keyring_opens_it_where_there_is_one(tmp_path: Path) -> None:
    seal = CaseSeal.fresh()
    with pytest.raises(InputError, match="keyring"):
        write(tmp_path / "case.key", seal, keyring=True)
    keyring.set_keyring(Memory())
    path = write(tmp_path / "case.key", seal, keyring=True)
    got = unlock(path, None)
    assert got is not None
    assert got.master == seal.master
    forget_keyring("case-1")
    with pytest.raises(CaseLocked):
        unlock(path, None)
    keyring.set_keyring(NoKeyring())
    with pytest.raises(CaseLocked):
        unlock(path, None)
    assert unlock(path, PASSPHRASE) is not None


def test_an_encrypted_case_in_every_part(tmp_path: Path, key: LedgerKey, cheap: None) -> None:
    case = tmp_path / "case"
    with CaseStore.create(
        case, number="1", title="t", examiner="e", question="q", key=key, passphrase=PASSPHRASE
    ) as store:
        item = take_in(store, tmp_path / "a.bin", b"secret" * 90_000)
        place = store.vault.open_location(item.stored_path)
        assert place.key is not None
        assert hash_file(place) == (item.sha256, item.size)
        assert hash_file(place.path) != (item.sha256, item.size)
        assert store.vault.take_in(tmp_path / "a.bin").already_there
        digest = store.arrays.put(fakeness(3))
        assert (store.arrays.get(digest) == fakeness(3)).all()
        store.files.write("reports/r.pdf", b"report")
        store.files.copy_out("reports/r.pdf", tmp_path / "out.pdf")
        assert (tmp_path / "out.pdf").read_bytes() == b"report"
        with pytest.raises(NotFound):
            store.files.read("reports/none.pdf")
        # A sealed file in another's place is noticed before a byte of it is believed.
        (case / "reports" / "s.pdf").write_bytes((case / "reports" / "r.pdf").read_bytes())
        with pytest.raises(SealedFileDamaged, match="another place"):
            store.files.read("reports/s.pdf")
        (case / "reports" / "s.pdf").write_bytes(b"plain in a sealed case")
        with pytest.raises(SealedFileDamaged):
            store.files.read("reports/s.pdf")
        (case / "reports" / "s.pdf").unlink()
        path = store.arrays.path(digest)
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(IntegrityMismatch):
            store.arrays.get(digest)
        data[-1] ^= 1
        path.write_bytes(data)
        assert store.seal is not None
        seal = store.seal
        # Beside the writer, and on a medium where its log cannot be used: read through a copy in memory.
        reader = open_for_reading(CaseFolder(case).database, seal.database_key)
        assert reader.execute("SELECT count(*) FROM evidence").fetchone()[0] == 1
        reader.close()
    assert verify_case(case, passphrase=PASSPHRASE).ok
    place.path.chmod(0o644)
    sealed = bytearray(place.path.read_bytes())
    sealed[5000] ^= 1
    place.path.write_bytes(sealed)
    bad = [line.subject for line in verify_case(case, passphrase=PASSPHRASE).bad]
    assert "exhibit EX-01" in bad
    assert case_files.location(case, item.stored_path, seal).key is not None
    (case / "derived" / "clip.mp4").write_bytes(b"in the clear")
    told = {line.subject: line.detail for line in verify_case(case, passphrase=PASSPHRASE).bad}
    assert told["encryption"] == "not encrypted: derived/clip.mp4"
    (case / "derived" / "clip.mp4").unlink()
    whole, seen = (case / "case.sqlite").read_bytes(), set()
    for end in range(4096, len(whole) + 1, 5 * 4096):
        (case / "case.sqlite").write_bytes(whole[: end - 40] + bytes([whole[end - 40] ^ 1]) + whole[end - 39 :])
        told = {line.subject: line.detail for line in verify_case(case, seal=seal).bad}
        seen |= {subject for subject in ("database", "encryption") if subject in told}
        assert seen & set(told), end
    assert "encryption" in seen


def test_the_database_is_one_of_sqlcipher_and_its_key_is_raw(tmp_path: Path, key: LedgerKey, cheap: None) -> None:
    case = tmp_path / "case"
    with CaseStore.create(
        case, number="1", title="t", examiner="e", question="q", key=key, passphrase=PASSPHRASE
    ) as store:
        assert store.seal is not None
        raw = store.seal.database_key
    assert not (case / "case.sqlite").read_bytes().startswith(b"SQLite")
    connection = connect(case / "case.sqlite", "ro", key=raw)
    assert connection.execute("PRAGMA cipher_integrity_check").fetchall() == []
    connection.close()
    (case / "case.key").unlink()
    with pytest.raises(CaseDamaged):
        CaseStore.open(case, key=key)


def test_a_new_passphrase_ends_the_old_one(tmp_path: Path, key: LedgerKey, cheap: None) -> None:
    case = tmp_path / "case"
    CaseStore.create(case, number="1", title="t", examiner="e", question="q", key=key, passphrase=PASSPHRASE).close()
    before = (case / "case.key").read_bytes()
    rekey_case(case, key, PASSPHRASE, "the second passphrase")
    with pytest.raises(CaseLocked):
        CaseStore.open(case, key=key, passphrase=PASSPHRASE)
    # Without a new master key an old copy of the key file still opens the case; with one it does not.
    kept = (case / "case.key").read_bytes()
    (case / "case.key").write_bytes(before)
    CaseStore.open(case, key=key, passphrase=PASSPHRASE).close()
    (case / "case.key").write_bytes(kept)
    rekey_case(case, key, "the second passphrase", "the third passphrase", full=True)
    kept = (case / "case.key").read_bytes()
    (case / "case.key").write_bytes(before)
    with pytest.raises(CaseDamaged):
        CaseStore.open(case, key=key, passphrase=PASSPHRASE)
    (case / "case.key").write_bytes(kept)
    with CaseStore.open(case, key=key, passphrase="the third passphrase") as store:
        said = [json.loads(e.body)["what"] for e in store.custody() if e.kind.value == "rekeyed"]
    assert said == ["new passphrase", "new master key"]
    assert verify_case(case, passphrase="the third passphrase").ok


def test_backups_made_before_a_change_of_format_go_along(tmp_path: Path, key: LedgerKey, cheap: None) -> None:
    """They are databases and stay such: under the case's own key while it is encrypted, plain when it is plain."""
    golden = Path(__file__).parents[2] / "golden" / "cases" / "format-1.0.tar.xz"
    with tarfile.open(golden) as tar:
        tar.extractall(tmp_path)
    case = tmp_path / "format-1.0"
    CaseStore.open(case, key=key).close()
    (backup,) = (case / "backups").glob("*.sqlite")
    assert verify_case(case).ok
    first, second = PASSPHRASE, "another passphrase"
    for work, passphrase in (
        (lambda: encrypt_case(case, key, first), first),
        (lambda: rekey_case(case, key, first, second, full=True), second),
        (lambda: decrypt_case(case, key, second), None),
    ):
        work()
        outcome = verify_case(case, passphrase=passphrase)
        assert outcome.ok, outcome.bad
        with CaseStore.open(case, key=key, passphrase=passphrase) as store:
            raw = connect(backup, "ro", key=None if store.seal is None else store.seal.database_key)
            assert raw.execute("PRAGMA user_version").fetchone()[0] == 1000
            assert raw.execute("SELECT count(*) FROM custody").fetchone()[0] > 3
            raw.close()
        assert backup.read_bytes().startswith(b"SQLite") == (passphrase is None)
    data = bytearray(backup.read_bytes())
    data[-1] ^= 1
    backup.chmod(0o644)
    backup.write_bytes(data)
    assert [line.subject for line in verify_case(case).bad if line.subject.startswith("backup")]


def test_wrong_keys_make_no_noise(
    tmp_path: Path, key: LedgerKey, cheap: None, capfd: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case"
    CaseStore.create(case, number="1", title="t", examiner="e", question="q", key=key, passphrase=PASSPHRASE).close()
    for passphrase in (None, "some wrong words"):
        with pytest.raises(CaseLocked):
            CaseStore.open(case, key=key, passphrase=passphrase)
        with pytest.raises(CaseLocked):
            verify_case(case, passphrase=passphrase)
    (case / "case.sqlite").write_bytes(b"\x00" * 20_000)
    with pytest.raises(CaseDamaged):
        CaseStore.open(case, key=key, passphrase=PASSPHRASE)
    assert capfd.readouterr() == ("", "")
    assert subprocess.run(["grep", "-rq", "Examiner", str(case)], check=False).returncode == 1
