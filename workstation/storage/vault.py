"""The evidence vault: originals by content, read-only, taken in by one read that hashes while it copies (E1, E3)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workstation.domain.errors import (
    Cancelled,
    CaseError,
    CaseReadOnly,
    EmptyFile,
    EvidenceError,
    InputError,
    IntegrityMismatch,
    NotFound,
)
from workstation.domain.media import MediaLocation
from workstation.storage import case_files
from workstation.storage.copying import Digests, Progress, ReadFault, read_once
from workstation.storage.durable import file_error, flush_folder, part_name
from workstation.storage.sealing import CaseSeal, SealedWriter, plain_chunks


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the vault. ``relative_path`` starts at the case folder, with forward slashes; ``others`` are the
    digests asked for besides SHA-256 (hex), by name."""

    sha256: str
    size: int
    relative_path: str
    already_there: bool
    others: dict[str, str] = field(default_factory=dict)


class EvidenceVault:
    """Files under ``evidence/<first two digits>/<sha256>``. Nothing in it is ever opened for writing again.

    With a ``seal`` they lie there encrypted; names and digests are those of the plain bytes all the same (E1).
    """

    def __init__(self, folder: Path, *, read_only: bool = False, seal: CaseSeal | None = None) -> None:
        self._folder = folder
        self._read_only = read_only
        self._seal = seal
        self._loose: set[str] = set()

    def take_in(
        self,
        source: Path,
        on_progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
        others: tuple[str, ...] = (),
    ) -> StoredFile:
        """Copy a file in. ``on_progress`` gets (bytes done, bytes in all); ``others`` names further digests to compute
        from the same read (``copying.SECOND_DIGESTS``).

        Raises:
            InputError: no such file, or not a regular one; an unknown digest.
            EmptyFile: it has no bytes.
            EvidenceError: it changed while being read, or cannot be read to its end.
            IntegrityMismatch: the vault holds this digest already, but that copy was altered.
            Cancelled, StorageFull, PermissionRefused, CaseReadOnly: nothing was taken in.
        """
        if self._read_only:
            raise CaseReadOnly(f"The case in {self._folder} is open for reading only.", "Open it for writing.")
        with _reading(source, outside=True) as descriptor:
            before = os.fstat(descriptor)
            if before.st_size == 0:
                raise EmptyFile(f"{source.name} is empty (0 bytes).", "Ask for the file again.")
            incoming = part_name(self._folder / "evidence" / "incoming")
            try:
                read = self._copy(descriptor, before.st_size, incoming, on_progress, cancelled, others)
                after = os.fstat(descriptor)
                if read.size != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
                    raise EvidenceError(f"{source.name} changed while it was read.", "Take it in when it is complete.")
                return self._keep(incoming, read)
            except ReadFault as fault:
                raise EvidenceError(
                    f"{source.name} cannot be read to its end ({fault.strerror}).", "Check the medium it is on."
                ) from fault
            except OSError as fault:
                raise file_error(fault, incoming if fault.filename is None else Path(fault.filename)) from fault
            finally:
                incoming.unlink(missing_ok=True)

    def path(self, relative: str) -> Path:
        """Where a stored file is. Raises: InputError when the name leads out of the case folder."""
        return case_files.inside(self._folder, relative)

    def open_location(self, relative: str) -> MediaLocation:
        """Where a stored file is and how it is read: what every reader of media takes in place of a path.

        Raises:
            InputError: the name leads out of the case folder.
            NotFound, SealedFileDamaged: an encrypted case holds no sound file there.
        """
        return case_files.location(self._folder, relative, self._seal)

    def claim(self, relative: str) -> None:
        """From now on the file belongs to an exhibit and cannot be discarded."""
        self._loose.discard(relative)

    def discard(self, relative: str) -> None:
        """Remove a file that was taken in by this store and belongs to no exhibit (it turned out to be no media).

        Raises:
            InputError: it belongs to an exhibit, or was not taken in just now.
        """
        if relative not in self._loose:
            raise InputError(f"{relative} is an original in the vault and is never removed.")
        self._loose.discard(relative)
        path = self.path(relative)
        if os.name != "posix":
            path.chmod(0o644)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other originals share the folder
            path.parent.rmdir()

    def _keep(self, incoming: Path, read: Digests) -> StoredFile:
        sha256, size = read.sha256, read.size
        relative = _stored_name(sha256)
        target = self.path(relative)
        if target.exists():
            if not self._is_sound(relative, sha256, size):
                raise IntegrityMismatch(
                    f"The vault's copy {sha256[:12]}… was altered.", "Run case verify; restore the case from a copy."
                )
            return StoredFile(sha256, size, relative, already_there=True, others=read.others)
        target.parent.mkdir(exist_ok=True)
        incoming.chmod(0o444)
        incoming.replace(target)
        flush_folder(target.parent)
        flush_folder(target.parent.parent)  # the name of a folder made just now lies in the one above
        self._loose.add(relative)
        return StoredFile(sha256, size, relative, already_there=False, others=read.others)

    def _is_sound(self, relative: str, sha256: str, size: int) -> bool:
        try:
            return hash_file(self.open_location(relative)) == (sha256, size)
        except (EvidenceError, NotFound):
            return False

    def _copy(
        self,
        descriptor: int,
        total: int,
        target: Path,
        on_progress: Progress | None,
        cancelled: Callable[[], bool] | None,
        others: tuple[str, ...],
    ) -> Digests:
        with target.open("xb") as out:
            writer = None if self._seal is None else SealedWriter(out, self._seal, total)
            sink = out.write if writer is None else writer.write
            try:
                read = read_once(
                    descriptor, total, sink=sink, on_progress=on_progress, cancelled=cancelled, others=others
                )
                if writer is not None:
                    writer.finish(_stored_name(read.sha256))
            except ValueError:  # more or fewer bytes than the file had at first
                raise EvidenceError("The file changed while it was read.", "Take it in when it is complete.") from None
            out.flush()
            os.fsync(out.fileno())
        return read


def _stored_name(sha256: str) -> str:
    return f"evidence/{sha256[:2]}/{sha256}"


@contextmanager
def _reading(source: Path, *, outside: bool = False) -> Iterator[int]:
    """Open read-only, without touching the access time where the system allows that, and never wait on a pipe.

    A file ``outside`` the case that cannot be opened is a matter of that file, not of the case.
    """
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        try:
            descriptor = os.open(source, flags | getattr(os, "O_NOATIME", 0))
        except PermissionError:
            descriptor = os.open(source, flags)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{source} does not exist.", "Check the name.") from None
    except OSError as fault:
        refusal = file_error(fault, source)
        if outside and isinstance(refusal, CaseError):
            raise EvidenceError(f"{source} cannot be opened ({fault.strerror}).", "Check the medium.") from fault
        raise refusal from fault
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"{source} is not a file.", "Name a picture or a video.")
        yield descriptor
    finally:
        os.close(descriptor)


def hash_file(
    path: Path | MediaLocation,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a file's plain content, from one read.

    Raises:
        InputError: no such file, or not a regular one.
        SealedFileDamaged: it lies there encrypted and does not decrypt.
        Cancelled, PermissionRefused, CaseError: it cannot be read to its end.
    """
    place = MediaLocation.of(path)
    with _reading(place.path) as descriptor:
        try:
            total = os.fstat(descriptor).st_size
            if place.key is not None:
                return _hash_sealed(descriptor, place.key, total, on_progress, cancelled)
            read = read_once(descriptor, total, on_progress=on_progress, cancelled=cancelled)
        except OSError as fault:
            raise file_error(fault, place.path) from fault
    return read.sha256, read.size


def _hash_sealed(
    descriptor: int,
    key: bytes,
    total: int,
    on_progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for chunk in plain_chunks(descriptor, key):
        if cancelled is not None and cancelled():
            raise Cancelled("Reading was cancelled.")
        digest.update(chunk)
        size += len(chunk)
        if on_progress is not None:
            on_progress(min(size, total), total)
    return digest.hexdigest(), size
