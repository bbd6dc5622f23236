"""An archive that was made to do harm writes nothing at all; each trick is refused with a sentence of its own."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from workstation.detectors import archives
from workstation.domain.errors import DetectorError

OUTSIDE = ["../outside", "/outside", "a/../../outside", "..\\outside", "C:outside", "a//outside", "a/./outside", ".."]
OPENERS = {"tar": "w:", "tar.gz": "w:gz", "tar.xz": "w:xz"}


def tarred(path: Path, kind: str, members: list[tarfile.TarInfo], data: bytes = b"x") -> Path:
    with tarfile.open(path, OPENERS[kind]) as archive:  # type: ignore[call-overload]  # one of the three modes
        for member in members:
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data) if member.isreg() else None)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def refused(archive: Path, said: str) -> str:
    """Unpack must be refused with ``said`` in its sentence, before anything is written."""
    target = archive.parent / f"unpacked {len(list(archive.parent.iterdir()))}"
    before = {path: path.stat().st_mtime_ns for path in archive.parent.rglob("*")}
    with pytest.raises(DetectorError, match=said) as caught:
        archives.unpack(archive, target)
    assert not list(target.rglob("*")) if target.exists() else True
    assert {p for p in archive.parent.rglob("*") if p != target} == set(before)
    assert "Traceback" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("kind", OPENERS)
def test_a_sound_archive_comes_out_whole(tmp_path: Path, kind: str) -> None:
    folder = tarfile.TarInfo("./tiny")
    folder.type = tarfile.DIRTYPE
    archive = tarred(tmp_path / "p", kind, [member("./", tarfile.DIRTYPE), folder, member("./tiny/card.toml")], b"id")
    assert archives.is_archive(archive)
    archives.unpack(archive, tmp_path / "unpacked")
    assert (tmp_path / "unpacked" / "tiny" / "card.toml").read_bytes() == b"id"


def test_modes_in_an_archive_are_not_taken_over(tmp_path: Path) -> None:
    info = member("tool")
    info.mode = 0o4777
    archives.unpack(tarred(tmp_path / "p.tar", "tar", [info]), tmp_path / "unpacked")
    assert not (tmp_path / "unpacked" / "tool").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)


@pytest.mark.parametrize("kind", OPENERS)
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_outside_is_refused_in_a_tar(tmp_path: Path, kind: str, name: str) -> None:
    refused(tarred(tmp_path / "p", kind, [member("card.toml"), member(name)]), "unsafe name")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_outside_is_refused_in_a_zip(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("card.toml", b"x")
        archive.writestr(zipfile.ZipInfo(name), b"x")
    refused(tmp_path / "p.zip", "unsafe name")


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "card.toml"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
    ids=["link", "hard link", "character device", "block device", "pipe"],
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, link: str) -> None:
    archive = tarred(tmp_path / "p.tar", "tar", [member("card.toml"), member("model.safetensors", kind, link)])
    assert "link or a device" in refused(archive, "unsafe name")


def test_a_link_to_a_folder_with_a_file_behind_it_is_refused(tmp_path: Path) -> None:
    """The classic: a link named like a folder, then a file that would go through it."""
    members = [member("tiny", tarfile.SYMTYPE, str(tmp_path)), member("tiny/outside")]
    refused(tarred(tmp_path / "p.tar", "tar", members), "unsafe name")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO], ids=["link", "device", "pipe"])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("model.safetensors")
    info.external_attr = (mode | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "link or a device" in refused(tmp_path / "p.zip", "unsafe name")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """What was checked first and what is kept last would be two files."""
    refused(tarred(tmp_path / "p.tar", "tar", [member("card.toml"), member("Card.toml")]), "twice")
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("card.toml", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("card.toml", b"y")
    refused(tmp_path / "p.zip", "twice")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    many = [member(f"{n}") for n in range(archives.MOST_MEMBERS + 1)]
    refused(tarred(tmp_path / "p.tar", "tar.gz", many), "more than 256 files")


def test_too_much_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes of archive that would fill the disk."""
    monkeypatch.setattr(archives, "MOST_BYTES", 2**20)
    data = bytes(2**21)
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.safetensors", data)
    refused(tmp_path / "p.zip", "unpacks to more than 1 MiB")
    for kind in OPENERS:
        refused(tarred(tmp_path / "p", kind, [member("model.safetensors")], data), "unpacks to more than 1 MiB")


def test_a_member_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    """A header that states 12 exabytes must not be followed to its end."""
    info = member("model.safetensors")
    info.size = 12 * 2**60
    (tmp_path / "p.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    refused(tmp_path / "p.tar", "unpacks to more than")


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    info = member("model.safetensors")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "4096", "GNU.sparse.name": "model.safetensors"}
    with tarfile.open(tmp_path / "p.tar", "w:", format=tarfile.PAX_FORMAT) as archive:
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    refused(tmp_path / "p.tar", "unsafe name|damaged")


def test_a_header_of_a_gigabyte_is_not_read_into_memory(tmp_path: Path) -> None:
    header = member("x", tarfile.XHDTYPE)
    header.size = 2**30
    with lzma.open(tmp_path / "p.tar.xz", "wb", preset=0) as out:
        out.write(header.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(64):
            out.write(bytes(2**20))
    refused(tmp_path / "p.tar.xz", "damaged")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize("spoil", [cut, flipped])
@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_a_cut_or_changed_archive_is_one_clear_line(tmp_path: Path, kind: str, spoil: Callable[[bytes], bytes]) -> None:
    import random

    data = random.Random(5).randbytes(200_000)
    path = tmp_path / "p"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model.safetensors", data)
    else:
        tarred(path, kind, [member("model.safetensors")], data)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DetectorError, match=r"damaged|is not a zip") as caught:
        archives.unpack(path, tmp_path / "unpacked")
    assert "\n" not in caught.value.message


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("card.toml", b"x")
    data = bytearray((tmp_path / "p.zip").read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "p.zip").write_bytes(bytes(data))
    refused(tmp_path / "p.zip", "damaged or locked")


@pytest.mark.parametrize("data", [b"", b"text", b"\x1f\x8b\x08", b"\xfd7zXZ\x00", gzip.compress(b"not a tar")])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p").write_bytes(data)
    target = tmp_path / "unpacked"
    with pytest.raises(DetectorError) as caught:
        archives.unpack(tmp_path / "p", target)
    assert caught.value.message.count("\n") == 0
    assert not list(target.rglob("*")) if target.exists() else True
