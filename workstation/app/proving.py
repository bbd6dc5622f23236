"""Proof that one event stands in the chain of custody, as text that another program can check (RFC 9162)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workstation.domain.custody import CustodyEvent
from workstation.domain.merkle import inclusion_holds, leaf_hash

if TYPE_CHECKING:
    from workstation.app.session import CaseSession


@dataclass(frozen=True, slots=True)
class Proof:
    """``holds``: the path was checked here against the root; ``text`` is JSON with everything needed to check it."""

    seq: int
    size: int
    steps: int
    holds: bool
    text: str


def prove(session: CaseSession, seq: int) -> Proof:
    """Prove that event ``seq`` (from 1) is in the chain as it stands, under its signed head.

    Raises:
        InputError, NotFound: there is no such event.
    """
    store = session.store
    proof = store.prove_inclusion(seq)
    event = store.custody()[seq - 1]
    facts = {
        "event": {"seq": event.seq, "at": event.at, "actor": event.actor, "kind": event.kind, "body": event.body},
        "prev": event.prev.hex(),
        "hash": event.hash.hex(),
        "signature": _base64(event.signature),
        "index": proof.index,
        "size": proof.size,
        "leaf": proof.leaf.hex(),
        "path": [part.hex() for part in proof.path],
        "root": proof.root.hex(),
        "checkpoint": session.checkpoint(),
        "verifier_key": store.verifier_key().text(),
    }
    same = proof.leaf == leaf_hash(event.hash)
    holds = same and inclusion_holds(proof.leaf, proof.index, proof.size, proof.path, proof.root)
    return Proof(seq, proof.size, len(proof.path), holds, json.dumps(facts, indent=2, ensure_ascii=False))


def matches(event: CustodyEvent, words: str, kind: str = "") -> bool:
    """Whether an event is of ``kind`` (empty: any) and holds every one of ``words`` in its facts, actor, time, or the
    beginning of its hash."""
    if kind and event.kind.value != kind:
        return False
    text = f"{event.seq} {event.at} {event.actor} {event.kind.value.replace('_', ' ')} {event.body}".casefold()
    return all(word in text or event.hash.hex().startswith(word) for word in words.casefold().split())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
