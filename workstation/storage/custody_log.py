"""The chain of custody as a file of its own: JSON Lines that anyone can verify without the case (C3, E7).

First line: {"log", "case", "origin", "redacted", "events"}. Then one line an event with every column; ``prev``,
``hash`` and ``signature`` in hex. A redacted log has ``body_sha256`` in place of ``body`` (``domain.custody``: hashes
and with them the signatures cover that digest). Events that name the key from which on the log is signed have it as
``ledger_key`` too. Last line: {"checkpoint": signed note} (``domain.checkpoints``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from workstation.domain.checkpoints import Checkpoint, SignedNote, VerifierKey, origin_of
from workstation.domain.checkpoints import fields as fields_of
from workstation.domain.custody import (
    GENESIS,
    CheckLine,
    CustodyEvent,
    CustodyHead,
    CustodyKind,
    Verification,
    body_digest,
    event_hash,
    event_hash_of,
    event_hash_v1,
)
from workstation.domain.errors import InputError, IntegrityMismatch
from workstation.domain.merkle import Tree, leaf_hash
from workstation.storage.checkpoints import open_checkpoint
from workstation.storage.checks.chain import first_bad_signature
from workstation.storage.checks.lines import bad, good
from workstation.storage.durable import file_error, write_whole
from workstation.storage.keys import fingerprint

TITLE = "workstation custody log 1"
_LONGEST_LINE = 64 << 20
_FIRST_FORM = "first-form-events"
_KEY_KINDS = (CustodyKind.CASE_CREATED.value, CustodyKind.CASE_OPENED.value)


def lines(case: str, events: Sequence[CustodyEvent], checkpoint: str, *, redacted: bool) -> Iterator[str]:
    """The lines of a log file, without their line ends."""
    head = {"log": TITLE, "case": case, "origin": origin_of(case), "redacted": redacted, "events": len(events)}
    yield json.dumps(head, ensure_ascii=False)
    for event in events:
        yield json.dumps(_as_facts(event, redacted), ensure_ascii=False)
    yield json.dumps({"checkpoint": checkpoint}, ensure_ascii=False)


def _as_facts(event: CustodyEvent, redacted: bool) -> dict[str, object]:
    facts: dict[str, object] = {"seq": event.seq, "at": event.at, "actor": event.actor, "kind": event.kind.value}
    if event.kind.value in _KEY_KINDS:
        facts["ledger_key"] = json.loads(event.body).get("ledger_key", "")
    facts |= {"body_sha256": body_digest(event.body).hex()} if redacted else {"body": event.body}
    return facts | {"prev": event.prev.hex(), "hash": event.hash.hex(), "signature": event.signature.hex()}


def write(path: Path, case: str, events: Sequence[CustodyEvent], checkpoint: str, *, redacted: bool) -> str:
    """Write a log file whole and return its SHA-256 (hex). Raises: StorageFull, PermissionRefused, CaseError."""
    data = "".join(f"{line}\n" for line in lines(case, events, checkpoint, redacted=redacted)).encode()
    try:
        write_whole(path, data)
    except OSError as fault:
        raise file_error(fault, path) from fault
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class _Line:
    """One event of a log file, believed in nothing. ``body`` is None in a redacted log."""

    seq: int
    at: str
    actor: str
    kind: str
    body: str | None
    body_sha256: bytes
    prev: bytes
    hash: bytes
    signature: bytes
    key: bytes | None

    @property
    def whole(self) -> bool:
        """Whether the hash follows from what stands here. False: another content, or an event of format 1.0 without
        its body, which only its signature and the checkpoint speak for."""
        if self.body is None:
            return self.hash == event_hash_of(self.seq, self.at, self.actor, self.kind, self.body_sha256, self.prev)
        fields = (self.seq, self.at, self.actor, self.kind, self.body, self.prev)
        return self.hash in (event_hash(*fields), event_hash_v1(*fields))


@dataclass(frozen=True, slots=True)
class _Log:
    case: str
    redacted: bool
    events: list[_Line]
    checkpoint: str


def verify(path: Path, *, checkpoint: str | None = None, key: VerifierKey | None = None) -> Verification:
    """Check links, hashes, every signature and the Merkle root of a log file.

    Args:
        checkpoint: a signed note kept elsewhere; the log must contain what it was signed over.
        key: who must have signed the log's last checkpoint and the one given; by default the key the log names.

    Raises:
        InputError: there is no such file.
    """
    try:
        log = _read(path)
    except IntegrityMismatch as fault:
        return Verification((bad("log", fault.message),))
    named = list(dict.fromkeys(event.key for event in log.events if event.key is not None))
    signers = [key] if key is not None else [VerifierKey(origin_of(log.case), k) for k in reversed(named)]
    problem, own = _open(log.checkpoint, signers)
    bad_event = _first_fault(log, 0 if own is None else _first_form(own))
    found = [_told(log, named) if bad_event is None else bad_event]
    tree = Tree([leaf_hash(event.hash) for event in log.events])
    found.append(_held("checkpoint", log, tree, problem, own, to_the_end=True))
    if checkpoint is not None:
        found.append(_held("given checkpoint", log, tree, *_open(checkpoint, signers)))
    return Verification(tuple(found))


def first_form_line(events: Sequence[CustodyEvent]) -> tuple[str, ...]:
    """The extension line that a redacted log's checkpoint needs when events of format 1.0 are in it: how many there
    are. Their hashes cover the body itself, so that without it only signatures and root speak for them."""
    count = 0
    for event in events:
        fields = (event.seq, event.at, event.actor, event.kind.value, event.body, event.prev)
        if event.hash != event_hash_v1(*fields):
            break
        count += 1
    return (f"{_FIRST_FORM} {count}",) if count else ()


def _first_form(checkpoint: Checkpoint) -> int:
    said = fields_of(checkpoint.extensions).get(_FIRST_FORM, "0")
    return int(said) if said.isdecimal() else 0


def _told(log: _Log, keys: Sequence[bytes]) -> CheckLine:
    sealed = sum(not event.whole for event in log.events)
    note = f"; {sealed} of format 1.0 whose content needs its body to be checked" if sealed else ""
    bodies = "bodies taken out" if log.redacted else "with bodies"
    told = ", ".join(fingerprint(key) for key in dict.fromkeys(keys))
    detail = f"{len(log.events)} events ({bodies}), hashes, links and signatures hold; ledger key {told}{note}"
    return good("custody chain", detail)


def _first_fault(log: _Log, first_form: int) -> CheckLine | None:
    """The first event that does not hold; the first ``first_form`` may stand without a body that could be checked."""
    if not log.events:
        return bad("custody chain", "holds no event")
    previous, key, signed = GENESIS, b"", list[tuple[bytes, bytes, bytes]]()
    broken: CheckLine | None = None
    for expected, event in enumerate(log.events, start=1):
        key = event.key or key
        detail = _problem(event, expected, previous, first_form)
        if detail:
            broken = bad(f"custody event {event.seq}", detail)
            break
        signed.append((key, event.signature, event.hash))
        previous = event.hash
    place = first_bad_signature(signed)
    if place is None:
        return broken
    detail = f"bad signature: not made with ledger key {fingerprint(signed[place][0])}"
    return bad(f"custody event {log.events[place].seq}", detail)


def _problem(event: _Line, expected: int, previous: bytes, first_form: int) -> str:
    if event.seq != expected:
        return f"gap: event {expected} is missing before it"
    if event.prev != previous:
        return f"wrong link: it does not follow event {expected - 1} as that one now stands"
    if not event.whole and (event.body is not None or expected > first_form):
        return "wrong hash: its content was changed after it was recorded"
    if expected == 1 and event.key is None:
        return "does not name the ledger key"
    return ""


def _open(whole: str, signers: Sequence[VerifierKey]) -> tuple[str, Checkpoint | None]:
    """What is wrong with a signed note, or what it says."""
    problem = "no key to check it with"
    for signer in signers:
        try:
            return "", open_checkpoint(whole, signer)
        except IntegrityMismatch as fault:
            problem = fault.message
    return problem, None


def _held(
    subject: str, log: _Log, tree: Tree, problem: str, found: Checkpoint | None, *, to_the_end: bool = False
) -> CheckLine:
    """Hold what a signed note says against the log."""
    if found is None:
        return bad(subject, problem)
    if found.size > len(log.events):
        lost = found.size - len(log.events)
        return bad("custody tail", f"cut: the {subject} says {found.size} events, {lost} of the last are gone")
    if to_the_end and found.size != len(log.events):
        return bad(subject, f"it was signed over {found.size} events, the log has {len(log.events)}")
    if tree.root(found.size) != found.root:
        return bad(subject, f"the events up to {found.size} are not those it was signed over")
    code = CustodyHead(found.size, log.events[found.size - 1].hash if found.size else GENESIS).code
    return good(subject, f"event {found.size}, root {found.root.hex()}, code {code}")


def _read(path: Path) -> _Log:
    """Raises: IntegrityMismatch when it is no log file; InputError when there is none."""
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            return _parse(file)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.", "Check the name.") from None
    except (ValueError, KeyError, TypeError) as fault:
        raise IntegrityMismatch(f"{path.name} is no custody log, or was cut or damaged ({fault}).") from None
    except OSError as fault:
        raise file_error(fault, path) from fault


def _parse(file: TextIO) -> _Log:
    """Raises: ValueError, KeyError, TypeError."""
    head = _object(file.readline(_LONGEST_LINE))
    if head["log"] != TITLE:
        raise ValueError("another kind of file")
    events = [_event(_object(file.readline(_LONGEST_LINE))) for _ in range(int(str(head["events"])))]
    last = _object(file.readline(_LONGEST_LINE))
    if file.read(1):
        raise ValueError("more lines than it says")
    SignedNote.parse(str(last["checkpoint"]))
    return _Log(str(head["case"]), bool(head["redacted"]), events, str(last["checkpoint"]))


def _object(line: str) -> dict[str, object]:
    if not line.endswith("\n"):
        raise ValueError("a line is missing or not whole")
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("a line is no object")
    return value


def _event(facts: Mapping[str, object]) -> _Line:
    def raw(name: str) -> bytes:
        return bytes.fromhex(str(facts[name]))

    body = facts.get("body")
    key = raw("ledger_key") if facts["kind"] in _KEY_KINDS else None
    if isinstance(body, str) and key is not None and json.loads(body).get("ledger_key") != key.hex():
        raise ValueError(f"event {facts['seq']} names two keys")
    return _Line(
        seq=int(str(facts["seq"])),
        at=str(facts["at"]),
        actor=str(facts["actor"]),
        kind=str(facts["kind"]),
        body=body if isinstance(body, str) else None,
        body_sha256=b"" if isinstance(body, str) else raw("body_sha256"),
        prev=raw("prev"),
        hash=raw("hash"),
        signature=raw("signature"),
        key=key,
    )
