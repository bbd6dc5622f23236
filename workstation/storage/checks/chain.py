"""The chain of custody from its first event to its head, and the head against what is pinned elsewhere (E7)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workstation.domain.custody import GENESIS, CheckLine, CustodyHead, CustodyKind, event_hash
from workstation.domain.errors import WorkstationError
from workstation.storage.anchor import read_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checks.lines import bad, good
from workstation.storage.keys import fingerprint, signed_by

_KEY_KINDS = (CustodyKind.CASE_CREATED.value, CustodyKind.CASE_OPENED.value)


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event as it stands in the table, believed in nothing."""

    seq: int
    at: str
    actor: str
    kind: str
    body: str
    prev: bytes
    hash: bytes
    signature: bytes

    def facts(self) -> dict[str, object]:
        """The body, or nothing when it is no JSON object any more."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def read_events(connection: sqlite3.Connection) -> list[ReadEvent]:
    """Every event as it stands; a column of the wrong kind becomes something that cannot verify."""
    return [
        ReadEvent(int(seq), str(at), str(actor), str(kind), str(body), _bytes(prev), _bytes(digest), _bytes(signature))
        for seq, at, actor, kind, body, prev, digest, signature in connection.execute(
            "SELECT seq, at, actor, kind, body, prev, hash, signature FROM custody ORDER BY seq"
        )
    ]


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def check_chain(events: Sequence[ReadEvent], case_key: bytes) -> list[CheckLine]:
    """Name the first bad event by its number, or say that all hold.

    Args:
        case_key: the public key in the case's own facts; the first event must name the same one.
    """
    if not events:
        return [bad("custody chain", "holds no event: every one is gone")]
    fault, keys = _first_fault(events, case_key)
    if fault is not None:
        return [fault]
    told = ", ".join(f"{fingerprint(key)} from event {seq}" for seq, key in keys)
    plural = "keys" if len({key for _, key in keys}) > 1 else "key"
    return [good("custody chain", f"{len(events)} events, hashes, links and signatures hold; ledger {plural} {told}")]


def _first_fault(events: Sequence[ReadEvent], case_key: bytes) -> tuple[CheckLine | None, list[tuple[int, bytes]]]:
    previous, key, keys = GENESIS, b"", list[tuple[int, bytes]]()
    for expected, event in enumerate(events, start=1):
        for problem in _link(event, expected, previous):
            return bad(f"custody event {event.seq}", problem), keys
        named = _named_key(event)
        if expected == 1 and named is None:
            return bad("custody event 1", "does not name the ledger key"), keys
        if expected == 1 and named != case_key:
            return bad("custody event 1", "names a foreign public key, not the one in the case's facts"), keys
        if named is not None and named != key:
            key = named
            keys.append((event.seq, key))
        if not signed_by(key, event.signature, event.hash):
            detail = f"bad signature: not made with ledger key {fingerprint(key)} (altered, or a foreign key)"
            return bad(f"custody event {event.seq}", detail), keys
        previous = event.hash
    return None, keys


def _link(event: ReadEvent, expected: int, previous: bytes) -> Iterator[str]:
    if event.seq != expected:
        yield f"gap: event {expected} is missing before it"
    if event_hash(event.seq, event.at, event.actor, event.kind, event.body, event.prev) != event.hash:
        yield "wrong hash: its content was changed after it was recorded"
    if event.prev != previous:
        yield f"wrong link: it does not follow event {expected - 1} as that one now stands"


def _named_key(event: ReadEvent) -> bytes | None:
    if event.kind not in _KEY_KINDS:
        return None
    try:
        return bytes.fromhex(str(event.facts()["ledger_key"]))
    except (KeyError, ValueError):
        return None


def check_anchor(folder: CaseFolder, case_id: str, events: Sequence[ReadEvent]) -> list[CheckLine]:
    """Hold ``custody.head`` against the chain: this shows a cut tail on any machine."""
    try:
        anchor = read_anchor(folder.anchor)
    except WorkstationError as fault:
        return [bad("custody head", fault.message)]
    if anchor.case != case_id:
        return [bad("custody head", "custody.head belongs to another case")]
    line = _reaches(events, anchor.head, "custody.head")
    if line is not None:
        return [line]
    keys = {key for event in events if (key := _named_key(event)) is not None}
    if anchor.public_key not in keys:
        return [bad("custody head", f"custody.head is signed with a foreign key {fingerprint(anchor.public_key)}")]
    behind = len(events) - anchor.head.count
    note = f"; {behind} newer since (the program stopped before it could note them)" if behind else ""
    return [good("custody head", f"event {anchor.head.count}, code {anchor.head.code}{note}")]


def check_pins(events: Sequence[ReadEvent], pinned: Sequence[CustodyHead]) -> list[CheckLine]:
    """Hold heads remembered outside the case against the chain."""
    if not pinned:
        return []
    for head in sorted(pinned, key=lambda head: head.count, reverse=True):
        line = _reaches(events, head, "the head pinned on this workstation")
        if line is not None:
            return [line]
    return [good("pinned heads", f"all {len(pinned)} heads pinned on this workstation are in the chain")]


def _reaches(events: Sequence[ReadEvent], head: CustodyHead, source: str) -> CheckLine | None:
    if head.count > len(events):
        lost = head.count - len(events)
        detail = f"cut: {source} says {head.count} events, {len(events)} are here, {lost} of the last are gone"
        return bad("custody tail", detail)
    if head.count > 0 and events[head.count - 1].hash != head.hash:
        return bad("custody tail", f"replaced: event {head.count} is not the one named by {source}")
    return None
