"""Files inside a case folder by their name in the case, plain or sealed: one way to write and read them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from workstation.domain.errors import CaseReadOnly, InputError, NotFound
from workstation.domain.media import MediaLocation
from workstation.storage.durable import file_error, part_name, write_whole
from workstation.storage.sealing import CaseSeal, header_of, open_descriptor, plain_chunks, sealed_bytes

_BLOCK = 4 << 20


def inside(root: Path, relative: str) -> Path:
    """The file that a name in a case stands for. Raises: InputError when the name leads out of the case folder."""
    parts = PurePosixPath(relative).parts
    if not parts or ".." in parts or PurePosixPath(relative).is_absolute():
        raise InputError(f"{relative} is no place inside the case.")
    return root.joinpath(*parts)


def location(root: Path, relative: str, seal: CaseSeal | None) -> MediaLocation:
    """Where a file of the case is and, when the case is encrypted, the key it is read with.

    Raises:
        InputError: the name leads out of the case folder.
        NotFound, SealedFileDamaged: an encrypted case holds no sound file there.
    """
    path = inside(root, relative)
    if seal is None:
        return MediaLocation(path)
    try:
        with open_descriptor(path) as descriptor:
            return MediaLocation(path, seal.file_key(header_of(descriptor, seal, relative).file_id))
    except FileNotFoundError:
        raise NotFound(f"{relative} is missing from the case folder.", "Restore it from a sound copy.") from None
    except OSError as fault:
        raise file_error(fault, path) from fault


class CaseFiles:
    """The files of one case. Names start at the case folder, with forward slashes: "reports/report-01.pdf".

    Args:
        seal: the keys of an encrypted case; None for a plain one.
    """

    def __init__(self, root: Path, *, seal: CaseSeal | None = None, read_only: bool = False) -> None:
        self._root = root
        self._seal = seal
        self._read_only = read_only

    @property
    def encrypted(self) -> bool:
        """Whether what is written here is sealed."""
        return self._seal is not None

    def location(self, relative: str) -> MediaLocation:
        """See :func:`location`."""
        return location(self._root, relative, self._seal)

    def chunks(self, relative: str) -> Iterator[bytes]:
        """The plain content, piece by piece.

        Raises:
            NotFound, SealedFileDamaged, PermissionRefused, CaseError.
        """
        path = inside(self._root, relative)
        try:
            with open_descriptor(path) as descriptor:
                if self._seal is None:
                    while block := os.read(descriptor, _BLOCK):
                        yield block
                else:
                    key = self._seal.file_key(header_of(descriptor, self._seal, relative).file_id)
                    yield from plain_chunks(descriptor, key)
        except FileNotFoundError:
            raise NotFound(f"{relative} is missing from the case folder.", "Restore it from a sound copy.") from None
        except OSError as fault:
            raise file_error(fault, path) from fault

    def read(self, relative: str) -> bytes:
        """The whole plain content of a small file. Raises: as in :meth:`chunks`."""
        return b"".join(self.chunks(relative))

    def write(self, relative: str, data: bytes) -> Path:
        """Put a small file there, whole and flushed, sealed when the case is encrypted. Returns where it lies.

        Raises:
            CaseReadOnly, StorageFull, PermissionRefused.
        """
        if self._read_only:
            raise CaseReadOnly(f"The case in {self._root} is open for reading only.", "Open it for writing.")
        path = inside(self._root, relative)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data if self._seal is None else sealed_bytes(data, self._seal, relative))
        except OSError as fault:
            raise file_error(fault, path) from fault
        return path

    def copy_out(self, relative: str, target: Path) -> None:
        """Write the plain content to a file outside the case, whole or not at all.

        Raises:
            NotFound, SealedFileDamaged, StorageFull, PermissionRefused.
        """
        part = part_name(target)
        try:
            with part.open("xb") as out:
                for chunk in self.chunks(relative):
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            part.replace(target)
        except OSError as fault:
            raise file_error(fault, target) from fault
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
