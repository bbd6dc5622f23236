"""``case.key``: the master key of an encrypted case, wrapped once for every way of unlocking it.

A small JSON file beside the database. A passphrase slot wraps the master key (AES-256-GCM) under a key that scrypt
(RFC 7914) makes from the passphrase; its costs stand in the slot. A keyring slot wraps it under a random key that the
system's own keyring keeps for this account. The file also says what the database's header would say if it could be
read: whose file it is and in which format it was written. A keyed digest under the master key covers all of it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from workstation.domain.custody import canonical_json
from workstation.domain.errors import CaseDamaged, CaseLocked, InputError
from workstation.storage import case_format
from workstation.storage.durable import file_error
from workstation.storage.sealing import CaseSeal

TITLE = "workstation case key 1"
SHORTEST_PASSPHRASE = 8
_SERVICE = "workstation case"
_MOST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """Costs of scrypt: ``n`` rounds (a power of two), block size ``r``, lanes ``p``; memory is 128 * n * r bytes."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    @property
    def bearable(self) -> bool:
        """Neither so low that guessing is cheap, nor so high that a hostile file exhausts this machine."""
        power = self.n >= 2 and self.n & (self.n - 1) == 0
        return power and 1 << 14 <= self.n <= 1 << 20 and 8 <= self.r <= 16 and 1 <= self.p <= 4


def is_encrypted(key_file: Path) -> bool:
    """Whether a case has a key file, and so is encrypted."""
    return key_file.is_file()


def check_passphrase(passphrase: str) -> str:
    """Return a passphrase in the form that is hashed. Raises: InputError when it is too short to protect anything."""
    normal = unicodedata.normalize("NFC", passphrase)
    if len(normal) < SHORTEST_PASSPHRASE:
        raise InputError(
            f"The passphrase is shorter than {SHORTEST_PASSPHRASE} characters.",
            "Choose a longer one, such as a phrase.",
        )
    return normal


def key_file(
    case: str, seal: CaseSeal, passphrase: str, *, cost: ScryptCost | None = None, keyring: bool = False
) -> bytes:
    """The bytes of ``case.key`` for a case.

    Args:
        case: the case's id.
        keyring: also let this account's keyring unlock it.

    Raises:
        InputError: the passphrase is too short, or there is no keyring to use.
    """
    slots: list[dict[str, object]] = [_passphrase_slot(case, seal, check_passphrase(passphrase), cost or ScryptCost())]
    if keyring:
        slots.append(_keyring_slot(case, seal))
    head: dict[str, object] = {
        "title": TITLE,
        "application": f"{case_format.APPLICATION_ID:#010x}",
        "written_in_format": case_format.FORMAT,
        "case": case,
        "database": "SQLCipher 4, raw key by HKDF-SHA-256 from the master key",
        "files": "AES-256-GCM in chunks, a key for every file by HKDF-SHA-256 from the master key",
        "slots": slots,
    }
    return (json.dumps(head | {"digest": _digest(seal, head)}, indent=2, ensure_ascii=False) + "\n").encode()


def unlock(path: Path, passphrase: str | None) -> CaseSeal | None:
    """Open the key file of a case. None when there is none: the case is not encrypted.

    Args:
        path: ``case.key``.
        passphrase: None tries the keyring, where a slot for it is there.

    Raises:
        CaseLocked: no passphrase, or not the right one.
        CaseDamaged: the key file cannot be read, or was altered.
    """
    if not is_encrypted(path):
        return None
    facts = _read(path)
    slots = facts["slots"]
    case = str(facts["case"])
    master = _by_keyring(case, slots) if passphrase is None else _by_passphrase(case, slots, passphrase)
    if master is None:
        where = path.parent
        if passphrase is None:
            raise CaseLocked(
                f"The case in {where} is encrypted.",
                "Give its passphrase: at the prompt, with --passphrase-file, or in WORKSTATION_PASSPHRASE.",
            )
        raise CaseLocked(f"This is not the passphrase of the case in {where}.", "Check it and try again.")
    seal = CaseSeal(master)
    stated = {name: value for name, value in facts.items() if name != "digest"}
    if not hmac.compare_digest(str(facts.get("digest", "")), _digest(seal, stated)):
        raise CaseDamaged(f"{path.name} was altered.", "Restore it from a sound copy of the case.")
    return seal


def fingerprint_of(data: bytes) -> str:
    """SHA-256 (hex) of a key file: names it in the chain of custody without giving anything away."""
    return hashlib.sha256(data).hexdigest()


def forget_keyring(case: str) -> None:
    """Take the wrapping key of a case out of this account's keyring, if one is there."""
    import keyring
    from keyring.errors import KeyringError

    with contextlib.suppress(KeyringError):
        keyring.delete_password(_SERVICE, case)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise file_error(fault, path) from fault
    damaged = CaseDamaged(f"{path.name} is damaged.", "Restore it from a sound copy of the case.")
    try:
        facts = json.loads(data.decode()) if len(data) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        raise damaged from None
    if not isinstance(facts, dict) or facts.get("title") != TITLE or not isinstance(facts.get("slots"), list):
        raise damaged
    return facts


def _digest(seal: CaseSeal, facts: dict[str, Any]) -> str:
    return hmac.digest(seal.file_key(b"workstation case key"), canonical_json(facts).encode(), "sha256").hex()


def _bound(case: str, slot: dict[str, Any]) -> bytes:
    stated = {name: value for name, value in slot.items() if name != "wrapped"}
    return canonical_json({"case": case, "slot": stated}).encode()


def _wrapped(case: str, slot: dict[str, object], key: bytes, seal: CaseSeal) -> dict[str, object]:
    slot = slot | {"wrap": "AES-256-GCM", "nonce": _text(secrets.token_bytes(12))}
    nonce = base64.b64decode(str(slot["nonce"]))
    return slot | {"wrapped": _text(AESGCM(key).encrypt(nonce, seal.master, _bound(case, slot)))}


def _unwrapped(case: str, slot: dict[str, Any], key: bytes) -> bytes | None:
    try:
        nonce, wrapped = base64.b64decode(slot["nonce"]), base64.b64decode(slot["wrapped"])
        master = AESGCM(key).decrypt(nonce, wrapped, _bound(case, slot))
    except (InvalidTag, ValueError, KeyError, TypeError):
        return None
    return master if len(master) == 32 else None


def _passphrase_slot(case: str, seal: CaseSeal, passphrase: str, cost: ScryptCost) -> dict[str, object]:
    salt = secrets.token_bytes(16)
    slot: dict[str, object] = {
        "kind": "passphrase",
        "kdf": "scrypt",
        "n": cost.n,
        "r": cost.r,
        "p": cost.p,
        "salt": _text(salt),
    }
    return _wrapped(case, slot, _stretched(passphrase, salt, cost), seal)


def _by_passphrase(case: str, slots: Sequence[Any], passphrase: str) -> bytes | None:
    normal = unicodedata.normalize("NFC", passphrase)
    for slot in slots[:8]:
        if not isinstance(slot, dict) or slot.get("kind") != "passphrase" or slot.get("kdf") != "scrypt":
            continue
        try:
            cost = ScryptCost(int(slot["n"]), int(slot["r"]), int(slot["p"]))
            salt = base64.b64decode(slot["salt"])
        except (ValueError, KeyError, TypeError):
            continue
        if not cost.bearable:
            raise CaseDamaged(
                "The key file asks for costs that no key file of this program has.", "Restore it from a sound copy."
            )
        master = _unwrapped(case, slot, _stretched(normal, salt, cost))
        if master is not None:
            return master
    return None


def _stretched(passphrase: str, salt: bytes, cost: ScryptCost) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(passphrase.encode())


def _keyring_slot(case: str, seal: CaseSeal) -> dict[str, object]:
    import keyring
    from keyring.errors import KeyringError

    key = secrets.token_bytes(32)
    try:
        keyring.set_password(_SERVICE, case, key.hex())
        kept = keyring.get_password(_SERVICE, case) == key.hex()
    except KeyringError:
        kept = False
    if not kept:
        raise InputError("This account has no keyring that can be used.", "Use a passphrase alone.")
    return _wrapped(case, {"kind": "keyring", "service": _SERVICE, "user": case}, key, seal)


def _by_keyring(case: str, slots: Sequence[Any]) -> bytes | None:
    for slot in slots[:8]:
        if not isinstance(slot, dict) or slot.get("kind") != "keyring":
            continue
        import keyring
        from keyring.errors import KeyringError

        try:
            kept = keyring.get_password(_SERVICE, case)
            key = bytes.fromhex(kept or "")
        except (KeyringError, ValueError):
            continue
        master = _unwrapped(case, slot, key) if len(key) == 32 else None
        if master is not None:
            return master
    return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
