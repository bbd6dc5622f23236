"""Packs made to do harm: every one is refused by a typed error, and nothing of it reaches the disk."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.storage.storage_samples import fakeness, take_in
from workstation.domain.errors import Cancelled, IntegrityMismatch, PackInvalid, WorkstationError
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.storage.portable import manifest as manifests
from workstation.storage.portable.container import Container
from workstation.storage.portable.exporting import export_case
from workstation.storage.portable.manifest import FRAME, Member, manifest_bytes, public_key_pem
from workstation.storage.portable.receiving import import_case
from workstation.storage.portable.verifying import verify_pack

Parts = dict[str, bytes]
Files = list[tuple[str, bytes]]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LedgerKey, Parts, dict[str, Any]]:
    """A sound pack, the key it is signed with, its members, and its manifest."""
    place = tmp_path_factory.mktemp("good")
    key = LedgerKey.load_or_create(place / "keys")
    with CaseStore.create(place / "c", number="1", title="t", examiner="e", question="q", key=key) as store:
        take_in(store, place / "a.bin", os.urandom(3000))
        store.arrays.put(fakeness(1))
        export_case(store, place / "good.zip")
    with zipfile.ZipFile(place / "good.zip") as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    facts = json.loads(parts["manifest.json"])
    return place / "good.zip", key, parts, facts


class Forge:
    """Makes packs like the sound one, but for what a test changes; signed with a key that fits, as any foe can."""

    def __init__(self, path: Path, key: LedgerKey, parts: Parts, facts: dict[str, Any]) -> None:
        self.path = path
        self.key = key
        self.parts = parts
        self.facts = facts

    def content(self) -> Files:
        return [(name, data) for name, data in self.parts.items() if name not in FRAME]

    def manifest(self, files: Files, **changes: object) -> bytes:
        members = [Member(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files]
        facts = {name: value for name, value in self.facts.items() if name not in ("title", "kind", "members")}
        return manifest_bytes(str(changes.pop("kind", "case")), facts | changes, members)

    def write(self, files: Files, manifest: bytes | None = None, **frame: bytes) -> Path:
        """With this program's own writer: right in form, wrong in what it holds."""
        data = self.manifest(files) if manifest is None else manifest
        whole = {"manifest.json": data, "manifest.sig": self.key.sign(data), "manifest.pub": public_key_pem(self.key)}
        whole |= {f"manifest.{name}": value for name, value in frame.items()}
        with self.path.open("w+b") as file:
            container = Container(file)
            for name, content in [*files, *((n, whole[n]) for n in FRAME if whole[n])]:
                container.add(name, iter((content,)), len(content), deflate=name.endswith((".json", ".txt")))
            container.finish()
        return self.path

    def zip(self, files: Files, shape: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> Path:
        """With the library: for what this program's own writer never makes."""
        data = self.manifest(files)
        frame = [data, self.key.sign(data), public_key_pem(self.key)]
        with zipfile.ZipFile(self.path, "w") as packed:
            for name, content in [*files, *zip(FRAME, frame, strict=True)]:
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                shape(info)
                packed.writestr(info, content)
        return self.path


@pytest.fixture
def forge(good: tuple[Path, LedgerKey, Parts, dict[str, Any]], tmp_path: Path) -> Forge:
    _, key, parts, facts = good
    (tmp_path / "drop").mkdir()
    return Forge(tmp_path / "drop" / "bad.zip", key, parts, json.loads(json.dumps(facts)))


def refused(forge: Forge, tmp_path: Path, told: str = "", kind: type[WorkstationError] = WorkstationError) -> str:
    """Import it and see that it is refused with one line, and that nothing but the pack lies anywhere."""
    with pytest.raises(kind) as caught:
        import_case(forge.path, tmp_path / "place" / "in", forge.key)
    assert told.lower() in caught.value.line().lower(), caught.value.line()
    assert all(letter.isprintable() for letter in caught.value.line())
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*"))
    assert [name for name in left if name not in ("drop", "drop/bad.zip", "place")] == []
    assert not Path("/evil-member").exists()
    return caught.value.line()


BAD_NAMES = (
    "../evil",
    "case/../../evil",
    "case/evidence/../../../evil",
    "..",
    "/evil-member",
    "//server/share/evil",
    "C:/evil",
    "c:evil",
    "case\\..\\evil",
    "\\\\server\\evil",
    "case//evil",
    "case/./evil",
    "./case/evil",
    "case/evil.",
    "case/evil ",
    "case/ evil",
    "case/evidence/",
    "case/NUL",
    "case/aux.txt",
    "case/maps/COM1.npy",
    "case/evil:stream",
    "case/evil\n",
    "case/evil\x1b[2J",
    "case/\u202egnp.exe",
    "case/evil\u200b",
    "case/e\u0301vil",
    "case/" + "x" * 500,
    "case/*.sqlite",
    "case/evil?",
)


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
def test_names_that_lead_astray(forge: Forge, tmp_path: Path, name: str) -> None:
    forge.write([*forge.content(), (name, b"evil")])
    refused(forge, tmp_path, "refused", PackInvalid)


def test_a_name_with_a_zero_byte(forge: Forge, tmp_path: Path) -> None:
    forge.write([*forge.content(), ("case/evil\x00.txt", b"evil")])
    refused(forge, tmp_path, "", PackInvalid)


CLASHES: tuple[Sequence[str], ...] = (
    ("case/maps/a.npy.z", "case/maps/a.npy.z"),
    ("case/maps/a.npy.z", "case/maps/A.npy.z"),
    ("case/maps/straße", "case/maps/STRASSE"),
    ("case/maps/\ufb01le", "case/maps/file"),
    ("case/reports/a", "case/reports/a/b"),
    ("case/reports/one/a", "case/reports/ONE/b"),
    ("manifest.JSON",),
)


@pytest.mark.parametrize("names", CLASHES, ids=range(len(CLASHES)))
def test_names_that_become_one_file(forge: Forge, tmp_path: Path, names: Sequence[str]) -> None:
    forge.write([*forge.content(), *((name, b"x") for name in names)])
    refused(forge, tmp_path, "would become one file", PackInvalid)


KINDS = {
    "link": stat.S_IFLNK,
    "pipe": stat.S_IFIFO,
    "character device": stat.S_IFCHR,
    "block device": stat.S_IFBLK,
    "socket": stat.S_IFSOCK,
    "folder": stat.S_IFDIR,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file(forge: Forge, tmp_path: Path, kind: str) -> None:
    def shape(info: zipfile.ZipInfo) -> None:
        if info.filename == "case/evidence/evil":
            info.external_attr = (KINDS[kind] | 0o777) << 16

    forge.zip([*forge.content(), ("case/evidence/evil", b"/etc/passwd")], shape)
    refused(forge, tmp_path, "it is", PackInvalid)


def patched(forge: Forge, change: Callable[[bytearray], bytes | bytearray]) -> None:
    forge.path.write_bytes(change(bytearray(forge.path.read_bytes())))


def headers(data: bytes | bytearray, magic: bytes) -> Iterator[int]:
    at = data.find(magic)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1)


def test_a_bomb_by_ratio(forge: Forge, tmp_path: Path) -> None:
    forge.write([*forge.content(), ("case/reports/bomb.txt", bytes(60 << 20))])
    refused(forge, tmp_path, "more tightly", PackInvalid)


def test_a_bomb_by_members(forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forge.write([*forge.content(), *((f"case/reports/{n}", b"") for n in range(300))])
    monkeypatch.setattr(manifests, "MOST_MEMBERS", 200)
    refused(forge, tmp_path, "members", PackInvalid)


@pytest.mark.parametrize("stated", [10, 5_000_000])
def test_a_size_that_is_not_the_real_one(forge: Forge, tmp_path: Path, stated: int) -> None:
    """The same lie in local header, central directory and manifest; the content is what it is."""
    text = b"A" * 100_000 + os.urandom(999)
    files = [*forge.content(), ("case/reports/lie.txt", text)]
    lie = Member("case/reports/lie.txt", stated, hashlib.sha256(text).hexdigest())
    facts = json.loads(forge.manifest(files))
    facts["members"][-1]["size"] = lie.size
    forge.write(files, json.dumps(facts).encode())

    def change(data: bytearray) -> bytearray:
        for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            for at in headers(data, magic):
                name_at = at + (30 if magic == b"PK\x03\x04" else 46)
                if data[name_at : name_at + 20] == b"case/reports/lie.txt":
                    data[at + offset : at + offset + 4] = struct.pack("<I", stated)
        return data

    patched(forge, change)
    refused(forge, tmp_path, "", PackInvalid)


def test_members_that_lie_over_each_other(forge: Forge, tmp_path: Path) -> None:
    """Many names for one piece of content, as the bombs do that need no nesting."""
    payload = os.urandom(200_000)
    files = [("case/reports/a", payload), ("case/reports/b", payload), *forge.content()]
    forge.write(files)

    def change(data: bytearray) -> bytearray:
        for at in headers(data, b"PK\x01\x02"):
            if data[at + 46 : at + 60] == b"case/reports/b":
                data[at + 42 : at + 46] = struct.pack("<I", 0)
        return data

    patched(forge, change)
    refused(forge, tmp_path, "", PackInvalid)


STRUCTURES: dict[str, Callable[[bytearray], bytes | bytearray]] = {
    "nothing": lambda data: b"",
    "no zip": lambda data: b"%PDF-1.7" + bytes(5000),
    "an empty zip": lambda data: b"PK\x05\x06" + bytes(18),
    "cut in half": lambda data: data[: len(data) // 2],
    "cut by a byte": lambda data: data[:-1],
    "a program in front": lambda data: b"#!/bin/sh\nrm -rf /\n" + data,
    "bytes behind": lambda data: data + b"x",
    "a zip behind a zip": lambda data: data + data,
    "a comment": lambda data: data[:-2] + struct.pack("<H", 4) + b"evil",
    "more members than there are": lambda data: data[:-12] + b"\xff\x7f\xff\x7f" + data[-8:],
    "a directory somewhere else": lambda data: data[:-6] + struct.pack("<I", 7) + data[-2:],
}


@pytest.mark.parametrize("what", STRUCTURES)
def test_a_structure_that_was_tampered_with(forge: Forge, tmp_path: Path, what: str) -> None:
    forge.write(forge.content())
    patched(forge, STRUCTURES[what])
    refused(forge, tmp_path, "", PackInvalid)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_are_not_used_here(forge: Forge, tmp_path: Path, method: int) -> None:
    forge.zip(forge.content(), lambda info: setattr(info, "compress_type", method))
    refused(forge, tmp_path, "method", PackInvalid)


def test_members_that_are_encrypted(forge: Forge, tmp_path: Path) -> None:
    forge.write(forge.content())

    def change(data: bytearray) -> bytearray:
        data[6] |= 1
        data[next(headers(data, b"PK\x01\x02")) + 8] |= 1
        return data

    patched(forge, change)
    refused(forge, tmp_path, "encrypted", PackInvalid)


def test_two_names_for_one_member(forge: Forge, tmp_path: Path) -> None:
    """One name in the directory, another in front of the content: programs differ in which they believe."""
    forge.write(forge.content())
    patched(forge, lambda data: data.replace(b"checkpoint.txt", b"checkpoint.exe", 1))
    refused(forge, tmp_path, "", PackInvalid)


def test_a_field_where_bytes_can_hide(forge: Forge, tmp_path: Path) -> None:
    forge.zip(forge.content(), lambda info: setattr(info, "extra", struct.pack("<HH", 0x7075, 4) + b"evil"))
    refused(forge, tmp_path, "", PackInvalid)


def test_content_that_waits_behind_the_sizes(forge: Forge, tmp_path: Path) -> None:
    """Members with data descriptors, as streams have them: two programs may see two contents."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    pipe, files = Pipe(), forge.content()
    data = forge.manifest(files)
    with zipfile.ZipFile(pipe, "w") as packed:  # type: ignore[call-overload]
        frame = zip(FRAME, (data, forge.key.sign(data), public_key_pem(forge.key)), strict=True)
        for name, content in [*files, *frame]:
            packed.writestr(name, content)
    forge.path.write_bytes(pipe.data)
    refused(forge, tmp_path, "", PackInvalid)


def changed(text: str, old: str, new: str) -> bytes:
    assert old in text
    return text.replace(old, new, 1).encode()


MANIFESTS: dict[str, Callable[[str], bytes]] = {
    "no JSON": lambda text: b"\x00\x01",
    "not UTF-8": lambda text: b"\xff\xfe{}",
    "a list": lambda text: b"[]",
    "too deep": lambda text: b"[" * 100_000,
    "another title": lambda text: changed(text, "workstation pack 1", "workstation pack 9"),
    "another kind": lambda text: changed(text, '"kind": "case"', '"kind": "virus"'),
    "said twice": lambda text: changed(text, '"kind": "case"', '"kind": "case", "kind": "archive"'),
    "no members": lambda text: changed(text, '"members"', '"numbers"'),
    "members of a wrong kind": lambda text: changed(text, '"size": ', '"size": true, "was": '),
    "a negative size": lambda text: changed(text, '"size": ', '"size": -'),
    "a huge size": lambda text: changed(text, '"size": ', '"size": 99999999999999999999'),
    "another case": lambda text: changed(text, '"case": {\n  "id": "', '"case": {\n  "id": "0'),
    "a higher head": lambda text: changed(text, '"count": ', '"count": 9'),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_manifest_that_was_made_to_mislead(forge: Forge, tmp_path: Path, what: str) -> None:
    files = forge.content()
    forge.write(files, MANIFESTS[what](forge.manifest(files).decode()))
    refused(forge, tmp_path, "", IntegrityMismatch)


@pytest.mark.parametrize("what", ["manifest", "signature", "key", "foreign signature", "foreign key", "no PEM"])
def test_a_frame_that_does_not_fit(forge: Forge, tmp_path: Path, what: str) -> None:
    other = LedgerKey.load_or_create(tmp_path / "drop")
    (tmp_path / "drop" / "ledger.ed25519").unlink()
    files = forge.content()
    data = forge.manifest(files)
    frames = {
        "manifest": {"json": b""},
        "signature": {"sig": b""},
        "key": {"pub": b""},
        "foreign signature": {"sig": other.sign(data)},
        "foreign key": {"pub": public_key_pem(other)},
        "no PEM": {"pub": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
    }
    forge.write(files, data, **frames[what])
    refused(forge, tmp_path, "", PackInvalid)


def test_members_against_the_manifest(forge: Forge, tmp_path: Path) -> None:
    files = forge.content()
    honest = forge.manifest(files)
    for told, there in (
        ("not in its manifest", [*files, ("case/reports/extra", b"x")]),
        ("not in the pack", files[:-1]),
        ("another size", [*files[:-1], (files[-1][0], files[-1][1] + b"x")]),
        ("altered", [*files[:-1], (files[-1][0], bytes(len(files[-1][1])))]),
    ):
        forge.write(there, honest)
        refused(forge, tmp_path, told, PackInvalid)


def test_what_has_no_place_in_a_case(forge: Forge, tmp_path: Path) -> None:
    for name in (
        "case/evil.exe",
        "evil.txt",
        "case/case.lock",
        "case/.next/case.sqlite",
        "case/case.switch",
        "other/x",
    ):
        forge.write([*forge.content(), (name, b"x")])
        refused(forge, tmp_path, "no place", PackInvalid)
    forge.write([entry for entry in forge.content() if entry[0] != "case/case.sqlite"])
    refused(forge, tmp_path, "case.sqlite", PackInvalid)
    forge.write(forge.content(), forge.manifest(forge.content(), kind="disclosure"))
    refused(forge, tmp_path, "disclosure", PackInvalid)


def test_a_case_that_does_not_verify(forge: Forge, tmp_path: Path) -> None:
    """Rightly packed and rightly signed, but what is in it was altered first."""
    files = dict(forge.content())
    exhibit = next(name for name in files if name.startswith("case/evidence/"))
    for name, data in (
        (exhibit, bytes(len(files[exhibit]))),
        ("case/case.sqlite", b"SQLite format 3\x00" + os.urandom(8000)),
        ("case/case.sqlite", b"no database at all" * 100),
        ("case/custody.head", files["case/custody.head"].replace(b"head ", b"heap ", 1)),
        ("case/case.key", b"{}"),
    ):
        forge.write([*(files | {name: data}).items()])
        refused(forge, tmp_path)


def test_stopping_at_any_point_leaves_nothing(forge: Forge, tmp_path: Path) -> None:
    forge.write(forge.content())
    for steps in range(6):
        count = iter(range(1000))
        with pytest.raises(Cancelled):
            import_case(
                forge.path,
                tmp_path / "place" / "in",
                forge.key,
                cancelled=lambda count=count, steps=steps: next(count) >= steps,
            )
        assert list((tmp_path / "place").iterdir()) == []
    import_case(forge.path, tmp_path / "place" / "in", forge.key)


def test_every_byte_of_a_pack_counts_and_is_named(
    good: tuple[Path, LedgerKey, Parts, dict[str, Any]], tmp_path: Path
) -> None:
    path, *_ = good
    data = path.read_bytes()
    assert verify_pack(path).ok
    with zipfile.ZipFile(path) as packed:
        starts = [(info.header_offset, info.filename) for info in packed.infolist()]
        tail = packed.start_dir
    bad = tmp_path / "bad.zip"
    # Every byte that is no content, and a sample of what is.
    offsets = sorted(
        {*range(0, len(data), 977), *range(tail, len(data)), *(s + n for s, _ in starts for n in range(60))}
    )
    for offset in offsets:
        damaged = bytearray(data)
        damaged[offset] ^= 0x20
        bad.write_bytes(damaged)
        outcome = verify_pack(bad)
        assert not outcome.ok, offset
        if offset < tail:
            name = [n for s, n in starts if s <= offset][-1]
            told = " ".join(f"{line.subject} {line.detail}" for line in outcome.bad)
            assert name in told or "manifest" in told or "pub" in told or "other bytes lie" in told, (
                offset,
                name,
                told,
            )
