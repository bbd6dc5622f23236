"""Opening a pack from anywhere: believed in nothing until its structure, its names and its signature were checked."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from workstation.domain.errors import Cancelled, InputError, PackInvalid
from workstation.storage.durable import file_error
from workstation.storage.portable import manifest as manifests
from workstation.storage.portable.container import DEFLATED, STORED, Entry, directory, local_header
from workstation.storage.portable.manifest import FRAME, MANIFEST, PUBLIC_KEY, REDACTIONS, SIGNATURE, Manifest, Member
from workstation.storage.portable.names import clash_of, problem_of

_ADVICE = "Ask for the pack again; take nothing from this one."
_BLOCK = 1 << 20
# Text deflates to a twentieth of its size; a thousandth is what bombs do.
_MOST_RATIO = 200
SMALL = 1 << 20
_LARGEST_MANIFEST = 512 << 20
_LARGEST_FRAME = 4096
_LIMIT_32 = 0xFFFFFFFF

Cancel = Callable[[], bool]


class Pack:
    """An open pack whose manifest holds. A context manager.

    Raises on opening:
        InputError: there is no such file.
        PackInvalid: whatever is wrong with it, by name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise InputError(f"There is no pack {path}.", "Check the name.") from None
        except IsADirectoryError:
            raise InputError(f"{path} is a folder.", "Name the file of the pack.") from None
        except OSError as fault:
            raise file_error(fault, path) from fault
        try:
            self.size = path.stat().st_size
            self._zip = self._opened()
            self._infos = self._checked(self._zip.infolist())
            self.entries = tuple(self._entry(info) for info in self._infos.values())
            self._check_layout()
            self.manifest = self._manifest()
            self.withheld = self._withheld()
            self._check_members()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def names(self) -> frozenset[str]:
        """Every member that is there, the manifest and what belongs to it left out."""
        return frozenset(self._infos) - {*FRAME, REDACTIONS}

    def present(self) -> tuple[Member, ...]:
        """What the manifest lists and the pack still holds, in the manifest's order."""
        return tuple(member for member in self.manifest.members if member.name in self._infos)

    def chunks(self, member: Member, cancelled: Cancel | None = None) -> Iterator[bytes]:
        """The content of a member, never more than was stated; at its end its digest has been checked.

        Raises:
            PackInvalid: it has other bytes than the manifest says.
            Cancelled.
        """
        digest, count = hashlib.sha256(), 0
        for block in self._raw(member.name, member.size):
            if cancelled is not None and cancelled():
                raise Cancelled("Reading the pack was cancelled.")
            digest.update(block)
            count += len(block)
            yield block
        if count != member.size or digest.hexdigest() != member.sha256:
            raise PackInvalid(f"{member.name} was altered: its bytes are not those in the manifest.", _ADVICE)

    def read(self, name: str) -> bytes:
        """A whole small member, checked. Raises: PackInvalid when it is not there, or altered."""
        for member in self.manifest.members:
            if member.name == name and name in self._infos:
                return b"".join(self.chunks(member))
        raise PackInvalid(f"The pack holds no {name}.", _ADVICE)

    def frame(self, name: str) -> bytes:
        """The bytes of the manifest, its signature or its key, as they stand in the pack."""
        return b"".join(self._raw(name, self._infos[name].file_size))

    def _raw(self, name: str, most: int) -> Iterator[bytes]:
        count = 0
        try:
            with self._zip.open(self._infos[name]) as stream:
                while block := stream.read(_BLOCK):
                    count += len(block)
                    if count > most:
                        raise PackInvalid(f"{name} gives more bytes than it states.", _ADVICE)
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as fault:
            raise PackInvalid(f"{name} was altered: it cannot be unpacked ({fault}).", _ADVICE) from None

    def _opened(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self._file)
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            OSError,
            ValueError,
            UnicodeDecodeError,
            OverflowError,
        ) as fault:
            raise PackInvalid(
                f"{self.path.name} is no pack, or its central directory was altered ({fault}).", _ADVICE
            ) from None

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        if len(infos) > manifests.MOST_MEMBERS:
            raise PackInvalid(f"The pack has {len(infos)} members; no case has so many.", _ADVICE)
        for info in infos:
            name = getattr(info, "orig_filename", info.filename)
            problem = problem_of(name) or _shape_problem(info)
            if not problem and not 0 <= info.header_offset < self.size:
                problem = "it lies outside the file"
            if problem:
                raise PackInvalid(f"{_shown(name)} is refused: {problem}.", _ADVICE)
        clash = clash_of(info.filename for info in infos)
        if clash:
            raise PackInvalid(f"Two members would become one file: {_shown(clash)}.", _ADVICE)
        total = sum(info.compress_size for info in infos)
        if total > self.size:
            raise PackInvalid("Members of the pack lie over each other.", _ADVICE)
        return {info.filename: info for info in infos}

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        self._file.seek(info.header_offset)
        head = self._file.read(30)
        wide = len(head) == 30 and head[18:26] == b"\xff" * 8
        return Entry(
            info.filename,
            info.compress_type,
            info.CRC,
            info.file_size,
            info.compress_size,
            info.header_offset,
            wide,
        )

    def _check_layout(self) -> None:
        """Hold every byte that is not content against the one form packs are written in."""
        at = 0
        for entry in self.entries:
            expected = local_header(entry)
            self._file.seek(entry.offset)
            if entry.offset != at or self._file.read(len(expected)) != expected:
                raise PackInvalid(f"The header of {entry.name} was altered, or other bytes lie before it.", _ADVICE)
            at = entry.end
        self._file.seek(at)
        tail = self._file.read(max(0, self.size - at) + 1)
        # Which numbers are wide follows from the numbers; packs made with a lower limit exist in tests alone.
        if tail not in (directory(self.entries), directory(self.entries, 1)):
            raise PackInvalid("The central directory of the pack was altered, or bytes were added.", _ADVICE)

    def _manifest(self) -> Manifest:
        for name, most in ((MANIFEST, _LARGEST_MANIFEST), (SIGNATURE, _LARGEST_FRAME), (PUBLIC_KEY, _LARGEST_FRAME)):
            info = self._infos.get(name)
            if info is None:
                raise PackInvalid(f"The pack holds no {name}.", _ADVICE)
            if info.file_size > most:
                raise PackInvalid(f"{name} is too large to be one.", _ADVICE)
        data, signature, pem = (b"".join(self._raw(name, self._infos[name].file_size)) for name in FRAME)
        return manifests.read_manifest(data, signature, pem)

    def _withheld(self) -> frozenset[str]:
        """Members that somebody took out of a disclosure pack, and said so."""
        if REDACTIONS not in self._infos:
            return frozenset()
        if self.manifest.kind != "disclosure" or self._infos[REDACTIONS].file_size > _LARGEST_MANIFEST:
            raise PackInvalid(f"{REDACTIONS} does not belong into this pack.", _ADVICE)
        return manifests.read_redactions(b"".join(self._raw(REDACTIONS, self._infos[REDACTIONS].file_size)))

    def _check_members(self) -> None:
        listed = {member.name: member for member in self.manifest.members}
        if len(listed) != len(self.manifest.members):
            raise PackInvalid("The manifest lists a member twice.", _ADVICE)
        unknown = sorted(self.names() - set(listed))
        if unknown:
            raise PackInvalid(f"{_shown(unknown[0])} is in the pack but not in its manifest.", _ADVICE)
        missing = sorted(set(listed) - set(self._infos) - self.withheld)
        if missing:
            raise PackInvalid(f"{_shown(missing[0])} is in the manifest but not in the pack.", _ADVICE)
        for name in self.names():
            if self._infos[name].file_size != listed[name].size:
                raise PackInvalid(f"{_shown(name)} states another size than the manifest.", _ADVICE)


def _shape_problem(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if info.is_dir() or stat.S_ISDIR(mode):
        return "it is a folder"
    if stat.S_ISLNK(mode):
        return "it is a link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is no regular file"
    if info.flag_bits & 0x1:
        return "it is encrypted by the zip program"
    if info.compress_type not in (STORED, DEFLATED):
        return "it is packed by a method that is not used here"
    if info.file_size > SMALL and info.file_size > _MOST_RATIO * max(1, info.compress_size):
        return "it is packed more tightly than any real content"
    if info.compress_type == STORED and info.file_size != info.compress_size:
        return "it states two sizes"
    return ""


def _shown(name: str) -> str:
    """A hostile name, made harmless for a line of text."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:120]
