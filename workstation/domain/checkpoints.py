"""Signed checkpoints of the chain of custody as plain text: C2SP tlog-checkpoint inside a C2SP signed note (E7).

A checkpoint is an origin line, the number of events in decimal, the Merkle root in base64 (``domain.merkle``) and, if
any, extension lines. A signed note is that text, an empty line, and for each signer
"— name base64(key id || signature)". The key id is the first four bytes of
SHA-256(name || 0x0A || 0x01 || public key), 0x01 meaning Ed25519; the signature covers the text with its last newline
and without the empty line. Making and checking signatures belongs to ``workstation.storage``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from workstation.domain.errors import IntegrityMismatch

_ED25519 = b"\x01"
_DASH = "— "
_MOST_SIGNATURES = 100
_MOST_CHARACTERS = 1 << 20


def origin_of(case_id: str) -> str:
    """The origin line of a case's checkpoints, which is also the name its ledger keys sign under."""
    return f"workstation/case/{case_id}"


def key_id(name: str, public_key: bytes) -> bytes:
    """The four bytes that bind a signature to a key and the name it signs under."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Who may sign a note: a name without spaces and plus signs, and an Ed25519 public key (32 bytes)."""

    name: str
    public_key: bytes

    def text(self) -> str:
        """name+hexadecimal key id+base64(0x01 || public key), the form C2SP tools take."""
        told = base64.b64encode(_ED25519 + self.public_key).decode()
        return f"{self.name}+{key_id(self.name, self.public_key).hex()}+{told}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises: IntegrityMismatch when the text is no verifier key, or its parts do not belong together."""
        try:
            name, identity, told = text.strip().split("+", 2)
            raw = base64.b64decode(told, validate=True)
        except (ValueError, binascii.Error):
            raise _misshapen("verifier key") from None
        if not _name_fits(name) or raw[:1] != _ED25519 or len(raw) != 33 or identity != key_id(name, raw[1:]).hex():
            raise _misshapen("verifier key")
        return cls(name, raw[1:])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a log went. ``root`` is 32 bytes; ``extensions`` are lines of their own below it."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed, with its last newline."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises: IntegrityMismatch when the text is no checkpoint."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise _misshapen("checkpoint")
        origin, size, root = lines[:3]
        try:
            found = cls(origin, int(size), base64.b64decode(root, validate=True), tuple(lines[3:-1]))
        except (ValueError, binascii.Error):
            raise _misshapen("checkpoint") from None
        if found.text() != text or found.size < 0 or len(found.root) != 32:
            raise _misshapen("checkpoint")
        return found


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the signer's name, its four-byte key id and the 64 bytes of the signature."""

    name: str
    identity: bytes
    signature: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.identity + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text and who signed it; nothing is known about it until a signature has been checked."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def whole(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    def by(self, key: VerifierKey) -> NoteSignature | None:
        """The first signature that claims to be by ``key``."""
        wanted = (key.name, key_id(key.name, key.public_key))
        return next((s for s in self.signatures if (s.name, s.identity) == wanted), None)

    @classmethod
    def parse(cls, whole: str) -> SignedNote:
        """Read a signed note. Raises: IntegrityMismatch when it is none."""
        text, gap, tail = whole.rpartition("\n\n")
        if len(whole) > _MOST_CHARACTERS or not gap or not text or not tail.endswith("\n"):
            raise _misshapen("signed note")
        if any(ord(character) < 0x20 and character != "\n" for character in whole):
            raise _misshapen("signed note")
        lines = tail[:-1].split("\n")
        if len(lines) > _MOST_SIGNATURES:
            raise _misshapen("signed note")
        return cls(text + "\n", tuple(_signature(line) for line in lines))


def _signature(line: str) -> NoteSignature:
    name, _, told = line.removeprefix(_DASH).partition(" ")
    try:
        raw = base64.b64decode(told, validate=True)
    except (ValueError, binascii.Error):
        raise _misshapen("signed note") from None
    if not line.startswith(_DASH) or not _name_fits(name) or len(raw) < 5:
        raise _misshapen("signed note")
    return NoteSignature(name, raw[:4], raw[4:])


def _name_fits(name: str) -> bool:
    return bool(name) and "+" not in name and not any(c.isspace() for c in name)


def _misshapen(what: str) -> IntegrityMismatch:
    return IntegrityMismatch(f"This is no {what}.", "Take it again from where it was kept.")


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That one event stands in the log of a checkpoint. ``index`` counts from 0; ``path`` are 32-byte hashes."""

    index: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]
    root: bytes


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the log of ``old`` events is the beginning of the log of ``size`` events."""

    old: int
    old_root: bytes
    size: int
    root: bytes
    path: tuple[bytes, ...]


def fields(extensions: Sequence[str]) -> dict[str, str]:
    """Extension lines of the form "word value" as a mapping."""
    return dict(line.split(" ", 1) for line in extensions if " " in line)
