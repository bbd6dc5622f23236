"""``manifest.json``: what a pack holds, member by member, signed with the ledger key of whoever made it (E7, U9)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from workstation.domain.errors import PackInvalid
from workstation.storage.keys import LedgerKey, signed_by

TITLE = "workstation pack 1"
MANIFEST, SIGNATURE, PUBLIC_KEY, REDACTIONS = "manifest.json", "manifest.sig", "manifest.pub", "redactions.json"
FRAME = (MANIFEST, SIGNATURE, PUBLIC_KEY)
KINDS = ("case", "archive", "disclosure")
MOST_MEMBERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a pack. ``sha256`` is 64 hexadecimal characters."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says. ``facts`` is the whole of it, as JSON values; ``public_key`` is 32 bytes."""

    kind: str
    members: tuple[Member, ...]
    facts: Mapping[str, Any]
    public_key: bytes

    def part(self, name: str) -> Mapping[str, Any]:
        """One object inside it; empty when it is not there."""
        found = self.facts.get(name)
        return found if isinstance(found, dict) else {}


def manifest_bytes(kind: str, facts: Mapping[str, object], members: Sequence[Member]) -> bytes:
    """The manifest as it stands in the pack: readable JSON, members in the order of the pack."""
    whole = {
        "title": TITLE,
        "kind": kind,
        **facts,
        "members": [{"name": m.name, "size": m.size, "sha256": m.sha256} for m in members],
    }
    return (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def public_key_pem(key: LedgerKey) -> bytes:
    """The public half as PEM, for ``openssl pkeyutl``."""
    public = Ed25519PublicKey.from_public_bytes(key.public_key)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_manifest(data: bytes, signature: bytes, pem: bytes) -> Manifest:
    """Read a manifest after its signature held.

    Raises:
        PackInvalid: the signature does not fit, or it is no manifest of this program.
    """
    try:
        public = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PackInvalid(f"{PUBLIC_KEY} holds no public key.", _ADVICE) from None
    if not isinstance(public, Ed25519PublicKey):
        raise PackInvalid(f"{PUBLIC_KEY} holds no ledger key.", _ADVICE)
    raw = public.public_bytes_raw()
    if pem != public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo):
        raise PackInvalid(f"{PUBLIC_KEY} was altered.", _ADVICE)
    if not signed_by(raw, signature, data):
        raise PackInvalid(f"The signature does not fit {MANIFEST}: one of the two was altered.", _ADVICE)
    return Manifest(*_parsed(data), raw)


def redactions_bytes(names: Sequence[str], reason: str) -> bytes:
    """``redactions.json``: what was taken out of a disclosure pack after it was signed, and why."""
    said = {"title": "workstation redactions 1", "reason": reason, "withheld": sorted(names)}
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def read_redactions(data: bytes) -> frozenset[str]:
    """The names in ``redactions.json``. Raises: PackInvalid."""
    try:
        names = json.loads(data.decode(), object_pairs_hook=_no_twins)["withheld"]
    except (ValueError, RecursionError, KeyError, TypeError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PackInvalid(f"{REDACTIONS} is misshapen.", _ADVICE)
    return frozenset(names)


def _parsed(data: bytes) -> tuple[str, tuple[Member, ...], Mapping[str, Any]]:
    misshapen = PackInvalid(f"{MANIFEST} is not a manifest of this program.", _ADVICE)
    try:
        facts = json.loads(data.decode(), object_pairs_hook=_no_twins)
    except (ValueError, RecursionError):
        raise misshapen from None
    if not isinstance(facts, dict) or facts.get("kind") not in KINDS or not isinstance(facts.get("members"), list):
        raise misshapen
    if facts.get("title") != TITLE:
        raise PackInvalid("The pack has a form that is not known here.", "Use the version of the program that made it.")
    members: list[Member] = []
    for entry in facts["members"]:
        try:
            member = Member(entry["name"], entry["size"], entry["sha256"])
        except (KeyError, TypeError):
            raise misshapen from None
        sound = isinstance(member.name, str) and type(member.size) is int and member.size >= 0
        if not sound or not isinstance(member.sha256, str) or len(member.sha256) != 64:
            raise misshapen
        members.append(member)
    return str(facts["kind"]), tuple(members), facts


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON that says one thing twice is read differently by different programs."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


_ADVICE = "Ask for the pack again; take nothing from this one."
