"""The chain of custody from its first event to its head, and the head against what is pinned elsewhere (E7)."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workstation.domain.checkpoints import Checkpoint
from workstation.domain.custody import GENESIS, CheckLine, CustodyHead, CustodyKind, event_hash, event_hash_v1
from workstation.domain.errors import WorkstationError
from workstation.domain.merkle import Tree, leaf_hash
from workstation.storage.anchor import read_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checkpoints import open_checkpoint, verifier_key
from workstation.storage.checks.lines import bad, good
from workstation.storage.keys import fingerprint

# Below this a pool of threads costs more than it saves; the signature check itself runs outside the interpreter's lock.
_WORTH_A_POOL = 512
# The head is made durable before a closing is recorded; a program killed just then leaves that event, and one more when
# the clock was changed, without a head of its own.
_MOST_BEHIND = 2
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
    """The first event that does not hold. Every signature before the first broken link is checked."""
    fault, signed = _first_bad_link(events, case_key)
    keys: list[tuple[int, bytes]] = []
    for event, key in zip(events, signed, strict=False):
        if not keys or keys[-1][1] != key:
            keys.append((event.seq, key))
    place = first_bad_signature([(k, e.signature, e.hash) for e, k in zip(events, signed, strict=False)])
    if place is not None:
        detail = f"bad signature: not made with ledger key {fingerprint(signed[place])} (altered, or a foreign key)"
        return bad(f"custody event {events[place].seq}", detail), keys
    return fault, keys


def _first_bad_link(events: Sequence[ReadEvent], case_key: bytes) -> tuple[CheckLine | None, list[bytes]]:
    """Walk over hashes and links; also give the key in force for each event up to the first fault."""
    previous, key, signed = GENESIS, b"", list[bytes]()
    for expected, event in enumerate(events, start=1):
        for problem in _link(event, expected, previous):
            return bad(f"custody event {event.seq}", problem), signed
        named = _named_key(event)
        if expected == 1 and named is None:
            return bad("custody event 1", "does not name the ledger key"), signed
        if expected == 1 and named != case_key:
            return bad("custody event 1", "names a foreign public key, not the one in the case's facts"), signed
        key = key if named is None else named
        signed.append(key)
        previous = event.hash
    return None, signed


def first_bad_signature(signed: Sequence[tuple[bytes, bytes, bytes]]) -> int | None:
    """Index of the first (public key, signature, message) that does not hold; None when every one does."""
    workers = min(8, os.cpu_count() or 1)
    if len(signed) < _WORTH_A_POOL or workers == 1:
        return _first_bad(signed, 0, len(signed))
    step = max(_WORTH_A_POOL // 2, len(signed) // (workers * 8))
    starts = range(0, len(signed), step)
    with ThreadPoolExecutor(workers, "signatures") as pool:
        found = pool.map(lambda start: _first_bad(signed, start, min(start + step, len(signed))), starts)
        return next((place for place in found if place is not None), None)


def _first_bad(signed: Sequence[tuple[bytes, bytes, bytes]], start: int, end: int) -> int | None:
    loaded: dict[bytes, Ed25519PublicKey] = {}
    for place in range(start, end):
        raw, signature, message = signed[place]
        try:
            if raw not in loaded:
                loaded[raw] = Ed25519PublicKey.from_public_bytes(raw)
            loaded[raw].verify(signature, message)
        except (InvalidSignature, ValueError):
            return place
    return None


def _link(event: ReadEvent, expected: int, previous: bytes) -> Iterator[str]:
    if event.seq != expected:
        yield f"gap: event {expected} is missing before it"
    fields = (event.seq, event.at, event.actor, event.kind, event.body, event.prev)
    if event.hash != event_hash(*fields) and event.hash != event_hash_v1(*fields):
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
    line = reaches(events, tree_of(events), anchor.head, "custody.head")
    if line is not None:
        return [line]
    keys = {key for event in events if (key := _named_key(event)) is not None}
    if anchor.public_key not in keys:
        return [bad("custody head", f"custody.head is signed with a foreign key {fingerprint(anchor.public_key)}")]
    behind = len(events) - anchor.head.count
    if behind > _MOST_BEHIND and events[-1].kind == CustodyKind.CASE_CLOSED:
        detail = f"custody.head is {behind} events older than the chain of a closed case: an older one was put back"
        return [bad("custody head", detail)]
    note = f"; {behind} newer since (the program stopped before it could note them)" if behind else ""
    return [good("custody head", f"event {anchor.head.count}, code {anchor.head.code}{note}")]


def check_pins(
    events: Sequence[ReadEvent], pinned: Sequence[CustodyHead], source: str = "the head pinned on this workstation"
) -> list[CheckLine]:
    """Hold heads remembered outside the case against the chain."""
    if not pinned:
        return []
    tree = tree_of(events)
    for head in sorted(pinned, key=lambda head: head.count, reverse=True):
        line = reaches(events, tree, head, source)
        if line is not None:
            return [line]
    return [good("pinned heads", f"all {len(pinned)} heads pinned on this workstation are in the chain")]


def check_codes(events: Sequence[ReadEvent], codes: Sequence[str]) -> list[CheckLine]:
    """Find the event at which each short code, kept on paper, was the head of this chain."""
    known = {CustodyHead(event.seq, event.hash).code: event.seq for event in events} if codes else {}
    lines = []
    for given in codes:
        code = "-".join(given.upper().replace("-", " ").split())
        place = known.get(code)
        if place is None:
            lines.append(bad("custody tail", f"cut or replaced: the chain never had the head with the code {code}"))
        else:
            lines.append(good(f"code {code}", f"the head at event {place} of {len(events)}"))
    return lines


def check_notes(events: Sequence[ReadEvent], case_id: str, notes: Sequence[str]) -> list[CheckLine]:
    """Hold signed heads kept elsewhere against the chain; each must be signed with a key that this chain names."""
    tree, lines = tree_of(events), []
    keys = dict.fromkeys(key for event in events if (key := _named_key(event)) is not None)
    for note in notes:
        found: Checkpoint | None = None
        problem = "the chain names no key to check it with"
        for key in keys:
            try:
                found = open_checkpoint(note, verifier_key(case_id, key))
                break
            except WorkstationError as fault:
                problem = fault.message
        if found is None:
            lines.append(bad("kept checkpoint", problem))
            continue
        last = events[found.size - 1].hash if 0 < found.size <= len(events) else b""
        line = reaches(events, tree, CustodyHead(found.size, last, found.root), "the kept checkpoint")
        lines.append(line or good("kept checkpoint", f"its {found.size} events are the first of this chain"))
    return lines


def tree_of(events: Sequence[ReadEvent]) -> Tree:
    """The Merkle tree over the events as they stand."""
    return Tree([leaf_hash(event.hash) for event in events])


def reaches(events: Sequence[ReadEvent], tree: Tree, head: CustodyHead, source: str) -> CheckLine | None:
    """None when the chain contains the head: its event by number and hash and, where one is named, its Merkle root."""
    if head.count > len(events):
        lost = head.count - len(events)
        detail = f"cut: {source} says {head.count} events, {len(events)} are here, {lost} of the last are gone"
        return bad("custody tail", detail)
    if head.count > 0 and events[head.count - 1].hash != head.hash:
        return bad("custody tail", f"replaced: event {head.count} is not the one named by {source}")
    if head.root and tree.root(head.count) != head.root:
        return bad("custody tail", f"replaced: the events up to {head.count} are not those {source} was signed over")
    return None
