"""Lossless arrays by content: fakeness maps and whatever else is too large for a row (``maps/``)."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workstation.domain.errors import CaseReadOnly, IntegrityMismatch, NotFound, SealedFileDamaged
from workstation.storage.durable import file_error, flush_file, flush_folder, write_whole
from workstation.storage.sealing import CaseSeal, header_of, open_descriptor, plain_chunks, sealed_bytes

AnyArray = npt.NDArray[Any]
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Level 1 keeps up with the detectors; higher levels gain a few per cent on maps at several times the time.
_LEVEL = 1
# A stored array larger than this is refused when read back: a damaged or hostile file must not fill the memory.
_MOST_BYTES = 1 << 30


def canonical_bytes(array: AnyArray) -> bytes:
    """The array as a version 1.0 ``.npy`` file, C order, little-endian: the same values always give the same bytes.

    Raises:
        ValueError: the array holds Python objects.
    """
    flat = np.ascontiguousarray(array).reshape(array.shape)
    flat = flat.astype(flat.dtype.newbyteorder("<"), copy=False)
    out = io.BytesIO()
    np.lib.format.write_array(out, flat, version=(1, 0), allow_pickle=False)
    return out.getvalue()


class ArrayStore:
    """Files ``maps/<first two digits>/<sha256>.npy.z``. Thread-safe.

    ``put`` does not wait for the disk; ``flush`` does, and the store calls it before it commits rows that name arrays.

    Args:
        seal: the keys of an encrypted case: the files are sealed as ``maps/...``; digests stay those of the values.
    """

    def __init__(self, folder: Path, *, read_only: bool = False, seal: CaseSeal | None = None) -> None:
        self._folder = folder
        self._seal = seal
        self._read_only = read_only
        self._pending: set[Path] = set()
        self._lock = threading.Lock()

    def path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NotFound(f"{digest[:70]} is no digest of an array.")
        return self._folder / digest[:2] / f"{digest}.npy.z"

    def put(self, array: AnyArray) -> str:
        """Store an array and return its digest: SHA-256 (hex) of its canonical ``.npy`` bytes.

        Raises:
            CaseReadOnly, StorageFull, PermissionRefused.
        """
        if self._read_only:
            raise CaseReadOnly("The case is open for reading only.", "Open it for writing.")
        plain = canonical_bytes(array)
        digest = hashlib.sha256(plain).hexdigest()
        path = self.path(digest)
        if self._is_whole(path, digest):
            return digest
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            packed = zlib.compress(plain, _LEVEL)
            if self._seal is not None:
                packed = sealed_bytes(packed, self._seal, _name(digest))
            write_whole(path, packed, sync=False)
        except OSError as fault:
            raise file_error(fault, path) from fault
        with self._lock:
            self._pending.add(path)
        return digest

    def get(self, digest: str) -> AnyArray:
        """Return the array, read-only.

        Raises:
            NotFound: there is no such array.
            IntegrityMismatch: its file was altered or cut.
        """
        plain = self._read(digest)
        if hashlib.sha256(plain).hexdigest() != digest:
            raise IntegrityMismatch(f"The stored map {digest[:12]}… was altered.", "Run case verify.")
        array: AnyArray = np.lib.format.read_array(io.BytesIO(plain), allow_pickle=False)
        array.flags.writeable = False
        return array

    def flush(self) -> None:
        """Make every array put so far survive a power cut. Raises: StorageFull, CaseError."""
        with self._lock:
            pending, self._pending = self._pending, set()
        if not pending:
            return
        try:
            # Flushes asked for at the same time share one commit of the file system's journal: 64 files take 16 ms
            # together and 265 ms one after the other (measured on ext4).
            with ThreadPoolExecutor(min(8, max(1, len(pending))), "flush") as pool:
                list(pool.map(flush_file, pending))
                list(pool.map(flush_folder, {path.parent for path in pending} | {self._folder}))
        except OSError as fault:
            with self._lock:
                self._pending |= pending
            raise file_error(fault, self._folder) from fault

    def _is_whole(self, path: Path, digest: str) -> bool:
        """A power cut may have left a file with the right name and the wrong bytes: only a good one is reused."""
        if not path.exists():
            return False
        try:
            return hashlib.sha256(self._read(digest)).hexdigest() == digest
        except IntegrityMismatch:
            return False

    def _read(self, digest: str) -> bytes:
        path = self.path(digest)
        try:
            packed = path.read_bytes() if self._seal is None else self._unsealed(path, digest, self._seal)
        except FileNotFoundError:
            raise NotFound(f"The stored map {digest[:12]}… is missing.", "Run case verify.") from None
        except OSError as fault:
            raise file_error(fault, path) from fault
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(packed, _MOST_BYTES)
        except zlib.error:
            plain = b""
        if not unpacker.eof or unpacker.unused_data:
            raise IntegrityMismatch(f"The stored map {digest[:12]}… was altered or cut.", "Run case verify.")
        return plain

    @staticmethod
    def _unsealed(path: Path, digest: str, seal: CaseSeal) -> bytes:
        try:
            with open_descriptor(path) as descriptor:
                key = seal.file_key(header_of(descriptor, seal, _name(digest)).file_id)
                return b"".join(plain_chunks(descriptor, key))
        except SealedFileDamaged as fault:
            raise IntegrityMismatch(f"The stored map {digest[:12]}… was altered or cut.", "Run case verify.") from fault


def _name(digest: str) -> str:
    return f"maps/{digest[:2]}/{digest}.npy.z"
