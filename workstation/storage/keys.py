"""The ledger key of this installation: Ed25519, made once, kept in a file that only its owner can read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workstation.domain.errors import IdentityError
from workstation.storage.durable import file_error, flush_folder, part_name

_NAME = "ledger.ed25519"


def fingerprint(public_key: bytes) -> str:
    """The first 16 hexadecimal characters of the SHA-256 of a raw public key (32 bytes)."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def signed_by(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` (64 bytes) over ``message`` was made with the private half of ``public_key`` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class LedgerKey:
    """Signs custody events (E7). One per installation; the public half goes into every case it writes."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key: bytes = private.public_key().public_bytes_raw()

    @classmethod
    def load_or_create(cls, folder: Path) -> LedgerKey:
        """Return the key kept in ``folder``, making it on first use (file mode 0600).

        Raises:
            IdentityError: the key file is damaged.
            PermissionRefused, StorageFull: it cannot be read or made.
        """
        path = folder / _NAME
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                _make(path)
            raw = path.read_bytes()
        except OSError as fault:
            raise file_error(fault, path) from fault
        if len(raw) != 32:
            raise IdentityError(f"The ledger key {path} is damaged.", "Restore it from a copy, or move it away.")
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature (RFC 8032)."""
        return self._private.sign(message)


def _make(path: Path) -> None:
    """Two programs may start at once: a hard link takes the name only if nobody has it yet."""
    part = part_name(path)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            if not path.exists():
                part.replace(path)
        flush_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)
