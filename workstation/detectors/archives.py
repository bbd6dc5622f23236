"""Unpacking an archive that somebody sent: every name, kind and size is checked before a byte is written.

Only plain files and folders with relative names come out; links, devices, sparse files, names that lead outside,
doubled names and archives of too many or too large members are refused.
"""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from workstation.domain.errors import DetectorError

MOST_BYTES = 8 * 2**30
MOST_MEMBERS = 256
_LONGEST_NAME = 240
_BLOCK = 2**20
_MOST_TAIL = 64 * _BLOCK
# tarfile reads the extra headers of a member in one piece; a sound one has a few hundred bytes.
_LARGEST_READ = 2**20
_GZIP, _XZ, _TAR, _TAR_AT = b"\x1f\x8b", b"\xfd7zXZ\x00", b"ustar", 257
KINDS = "a zip, tar, tar.gz or tar.xz archive"
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError, RuntimeError)


def is_archive(path: Path) -> bool:
    """Whether a file is one of the kinds read here, by its first bytes."""
    return _kind(path) != ""


def unpack(source: Path, target: Path) -> None:
    """Unpack ``source`` into the new folder ``target``.

    Raises:
        DetectorError: it is no archive, is damaged or locked, or holds what is not unpacked; names the member.
    """
    kind = _kind(source)
    if not kind:
        raise DetectorError(f"{source.name} is not {KINDS}.")
    target.mkdir()
    try:
        if kind == "zip":
            _unzip(source, target)
        else:
            _untar(source, target, kind)
    # A wrong checksum, a cut stream, encryption and an unknown compression each have their own exception.
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise DetectorError(f"{source.name} is a damaged or locked archive ({reason}).", "Get it again.") from error


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_TAR_AT + len(_TAR))
    if head.startswith(_GZIP):
        return "gz"
    if head.startswith(_XZ):
        return "xz"
    if head[_TAR_AT:] == _TAR:
        return "tar"
    return "zip" if zipfile.is_zipfile(path) else ""


class _Names:
    """Passes the members of one archive, one by one."""

    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._seen: set[str] = set()
        self._bytes = 0

    def check(self, name: str, size: int, *, plain: bool) -> None:
        """Raises: DetectorError for a member that is not unpacked."""
        parts = name.rstrip("/").split("/")
        unsafe = not name.rstrip("/") or name.startswith("/") or any(part in ("", ".", "..") for part in parts)
        if unsafe or any(sign in name for sign in "\\:\0") or not name.isprintable() or len(name) > _LONGEST_NAME:
            raise DetectorError(f"{self._archive} holds an unsafe name ({name[:80]!r}); it is not unpacked.")
        if not plain:
            raise DetectorError(f"{self._archive} holds an unsafe name ({name!r} is a link or a device).")
        if name.rstrip("/").casefold() in self._seen:
            raise DetectorError(f"{self._archive} holds the name {name!r} twice; it is not unpacked.")
        self._seen.add(name.rstrip("/").casefold())
        self._bytes += size
        if len(self._seen) > MOST_MEMBERS:
            raise DetectorError(f"{self._archive} holds more than {MOST_MEMBERS} files; a package has a few.")
        if self._bytes > MOST_BYTES:
            raise DetectorError(f"{self._archive} unpacks to more than {_amount(MOST_BYTES)}.")


def _unzip(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source) as archive:
        names = _Names(source.name)
        for info in archive.infolist():
            mode = info.external_attr >> 16
            # Archives made without Unix modes leave them at 0.
            plain = stat.S_IFMT(mode) in (0, stat.S_IFREG, stat.S_IFDIR)
            names.check(info.filename, info.file_size, plain=plain)
        for info in archive.infolist():
            if info.is_dir():
                (target / info.filename).mkdir(parents=True, exist_ok=True)
                continue
            with archive.open(info) as file:
                _write(file, target / info.filename, info.file_size)


def _untar(source: Path, target: Path, kind: str) -> None:
    with _stream(source, kind) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        names, members = _Names(source.name), []
        for member in archive:
            # "./" at the front is how tar writes the contents of a folder.
            member.name = member.name.removeprefix("./")
            if member.isdir() and member.name in ("", "."):
                continue
            plain = (member.isreg() or member.isdir()) and not member.issparse()
            names.check(member.name, member.size, plain=plain)
            members.append(member)
        for member in members:
            if member.isdir():
                (target / member.name).mkdir(parents=True, exist_ok=True)
                continue
            file = archive.extractfile(member)
            if file is None:
                raise tarfile.ReadError(f"{member.name} has no content")
            with file:
                _write(file, target / member.name, member.size)
        _drain(stream)


class _Bounded(io.RawIOBase):
    """A stream that neither reads on without end nor hands out more than a block at once."""

    def __init__(self, inner: BinaryIO, name: str) -> None:
        self._inner = inner
        self._name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._inner.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        where = offset + (self._inner.tell() if whence == io.SEEK_CUR else 0)
        if whence == io.SEEK_END or where > 2 * MOST_BYTES:
            raise DetectorError(f"{self._name} unpacks to more than {_amount(MOST_BYTES)}.")
        return self._inner.seek(where)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_READ:
            raise tarfile.ReadError("a header of unlikely length")
        return self._inner.read(size)


@contextmanager
def _stream(source: Path, kind: str) -> Iterator[IO[bytes]]:
    openers: dict[str, Callable[[Path, str], object]] = {"gz": gzip.open, "xz": lzma.open, "tar": open}
    with cast(BinaryIO, openers[kind](source, "rb")) as inner:
        yield cast(IO[bytes], _Bounded(inner, source.name))


def _drain(stream: IO[bytes]) -> None:
    """Read to the end, where compressed streams keep the checksum of what was read."""
    for _ in range(_MOST_TAIL // _BLOCK):
        if not stream.read(_BLOCK):
            return
    raise tarfile.ReadError("it goes on long after its end")


def _write(file: IO[bytes], path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with path.open("xb") as out:
        while block := file.read(_BLOCK):
            written += len(block)
            if written > size:
                raise zipfile.BadZipFile(f"{path.name} is longer than stated")
            out.write(block)
    if written != size:
        raise zipfile.BadZipFile(f"{path.name} is shorter than stated")


def _amount(count: int) -> str:
    return f"{count >> 30} GiB" if count >= 2**30 else f"{count >> 20} MiB"
