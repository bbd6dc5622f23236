"""Re-verification: exhibits against their digests, a report against its case (E5, E7, G7).

A pass over exhibits is cheap first: presence, size, mode and time of every original, then the digests, those in doubt
before the others. An outcome that is not "verified" stays until a later pass finds the original whole again.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from workstation.app.hub import Hub
from workstation.app.passphrases import RUN
from workstation.domain.clock import now_utc
from workstation.domain.custody import CheckLine, CheckState, CustodyHead
from workstation.domain.errors import CaseError, EvidenceError, IntegrityMismatch, NotFound, PermissionRefused
from workstation.domain.events import EvidenceChanged
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.domain.jobs import JobContext
from workstation.storage.case_store import CaseStore
from workstation.storage.vault import hash_file

BROKEN = (IntegrityState.MISMATCH, IntegrityState.MISSING)


@dataclass(frozen=True, slots=True)
class Glance:
    """What one look at an original's folder entry says: ``state`` when that settles it, else None; ``doubt`` is why it
    should be hashed before the others, empty when nothing looks odd."""

    state: IntegrityState | None
    doubt: str = ""


def glance(store: CaseStore, item: EvidenceItem) -> Glance:
    """Look at presence, kind, size, mode and time of an original without reading it."""
    try:
        place = store.vault.open_location(item.stored_path)
        facts = place.path.lstat()
    except EvidenceError:
        return Glance(IntegrityState.MISMATCH, "its encryption does not hold")
    except (OSError, NotFound):
        return Glance(IntegrityState.MISSING)
    if not stat.S_ISREG(facts.st_mode):
        return Glance(IntegrityState.MISSING)
    if place.key is None and facts.st_size != item.size:
        return Glance(IntegrityState.MISMATCH, f"{facts.st_size} bytes instead of {item.size}")
    if item.integrity is not IntegrityState.VERIFIED:
        return Glance(None, "it was not found whole before")
    if facts.st_mode & 0o222:
        return Glance(None, "it can be written to")
    if facts.st_mtime > _seconds(item.verified_at):
        return Glance(None, "it was written to since it was verified")
    return Glance(None)


def check_exhibit(
    store: CaseStore,
    item: EvidenceItem,
    cancelled: Callable[[], bool],
    on_progress: Callable[[int, int], None] | None = None,
) -> IntegrityState:
    """Hash one original again. An original that cannot be read counts as missing. Raises: Cancelled."""
    try:
        place = store.vault.open_location(item.stored_path)
        if not place.path.is_file():
            return IntegrityState.MISSING
        digest, size = hash_file(place, on_progress=on_progress, cancelled=cancelled)
    except EvidenceError:
        return IntegrityState.MISMATCH
    except (NotFound, PermissionRefused, CaseError):
        return IntegrityState.MISSING
    good = digest == item.sha256 and size == item.size
    return IntegrityState.VERIFIED if good else IntegrityState.MISMATCH


def verify_exhibits(
    store: CaseStore,
    hub: Hub,
    evidence: Sequence[EvidenceId] | None,
    context: JobContext,
    *,
    only_doubtful: bool = False,
) -> dict[str, object]:
    """Verify exhibits, record each outcome in the chain and tell the doors; progress is in bytes.

    Args:
        only_doubtful: hash only what a glance leaves in doubt; the others are listed as "unhashed".

    Returns:
        Exhibit numbers under "verified", "mismatch" (missing ones among them) and "unhashed".

    Raises:
        Cancelled: what was recorded before stays.
    """
    items = [item for item in store.evidence() if evidence is None or item.id in evidence]
    bad: list[str] = []
    sure: list[EvidenceItem] = []
    doubtful: list[EvidenceItem] = []
    for item in items:
        context.raise_if_cancelled()
        seen = glance(store, item)
        if seen.state is not None:
            _record(store, hub, item, seen.state)
            bad.append(item.exhibit)
        else:
            (doubtful if seen.doubt else sure).append(item)
    hashed = doubtful if only_doubtful else [*doubtful, *sure]
    good, worse = _hash_all(store, hub, hashed, context)
    unhashed = [item.exhibit for item in sure] if only_doubtful else []
    return {"verified": good, "mismatch": [*bad, *worse], "unhashed": unhashed}


def _hash_all(
    store: CaseStore, hub: Hub, items: Sequence[EvidenceItem], context: JobContext
) -> tuple[list[str], list[str]]:
    total, done = max(1, sum(item.size for item in items)), 0
    good: list[str] = []
    bad: list[str] = []
    for number, item in enumerate(items, start=1):
        context.raise_if_cancelled()
        words = f"{item.exhibit}, {number} of {len(items)}"

        def tell(read: int, _size: int, before: int = done, words: str = words) -> None:
            context.progress(min(before + read, total), total, words)

        state = check_exhibit(store, item, context.cancelled, tell)
        _record(store, hub, item, state)
        (good if state is IntegrityState.VERIFIED else bad).append(item.exhibit)
        done += item.size
    context.progress(total, total)
    return good, bad


def _record(store: CaseStore, hub: Hub, item: EvidenceItem, state: IntegrityState) -> None:
    store.set_integrity(item.id, state, now_utc())
    hub.publish(EvidenceChanged(store.case.id, item.id))


def _seconds(stamp: str) -> float:
    try:
        # A stamp is cut to milliseconds, a file's time is not.
        return datetime.fromisoformat(stamp).timestamp() + 0.001
    except ValueError:
        return 0.0


def must_be_sound(
    store: CaseStore,
    hub: Hub,
    items: Sequence[EvidenceItem],
    context: JobContext,
    *,
    else_what: str = "no report is built",
    only_doubtful: bool = False,
) -> None:
    """Re-verify before a report, or, only what is in doubt, before an examination (E5).

    Raises:
        IntegrityMismatch: names every exhibit that differs, and what therefore does not happen.
    """
    chosen = [item.id for item in items]
    bad = verify_exhibits(store, hub, chosen, context, only_doubtful=only_doubtful)["mismatch"]
    if bad:
        names = ", ".join(str(name) for name in bad) if isinstance(bad, list) else str(bad)
        raise IntegrityMismatch(
            f"{names}: the stored original is not what was taken in; {else_what}.",
            "Restore the case from a sound copy and verify the exhibits again.",
        )


def compare_with_case(facts: Mapping[str, object], report_sha256: str, folder: Path) -> tuple[CheckLine, ...]:
    """Hold what a report says against the case it came from: its own digest, its exhibits, and its custody head.

    Args:
        facts: the embedded results JSON.
        report_sha256: digest of the PDF's bytes.
        folder: the case folder.
    """
    try:
        store = RUN.unlocking(
            folder, None, lambda known: CaseStore.open(folder, key=None, read_only=True, passphrase=known)
        )
    except CaseError as error:
        return (CheckLine("case", CheckState.BAD, error.message),)
    with store:
        lines = [_recorded(store, report_sha256)]
        lines.extend(_exhibits(store, facts))
        lines.extend(_streams(store, facts))
        lines.extend(_track_readings(store, facts))
        lines.append(_head(store, facts))
    return tuple(lines)


def _recorded(store: CaseStore, digest: str) -> CheckLine:
    for record in store.reports():
        if record.sha256 == digest:
            return CheckLine("report file", CheckState.OK, f"these bytes are report {record.number} of the case")
    return CheckLine("report file", CheckState.BAD, "these bytes are not those of any report recorded in the case")


def _exhibits(store: CaseStore, facts: Mapping[str, object]) -> list[CheckLine]:
    lines: list[CheckLine] = []
    listed = facts.get("exhibits", [])
    for entry in listed if isinstance(listed, list) else []:
        said = entry.get("item", {}) if isinstance(entry, dict) else {}
        name, digest = str(said.get("exhibit", "?")), str(said.get("sha256", ""))
        subject = f"exhibit {name}"
        try:
            item = store.evidence_item(EvidenceId(str(said.get("id", ""))))
        except NotFound:
            lines.append(CheckLine(subject, CheckState.BAD, "the case holds no such exhibit"))
            continue
        state = check_exhibit(store, item, lambda: False)
        if state is IntegrityState.VERIFIED and item.sha256 == digest:
            lines.append(CheckLine(subject, CheckState.OK, f"SHA-256 {digest[:16]}… as printed"))
        else:
            lines.append(CheckLine(subject, CheckState.BAD, "the stored original has another SHA-256 than printed"))
    return lines


def _track_readings(store: CaseStore, facts: Mapping[str, object]) -> list[CheckLine]:
    """Hold every reading of a whole track that the report prints against the case, and look for one it leaves out."""
    from workstation.reporting.twin import plain

    lines: list[CheckLine] = []
    listed = facts.get("exhibits", [])
    for entry in listed if isinstance(listed, list) else []:
        said = entry.get("readings") if isinstance(entry, dict) else None
        if not isinstance(said, list):
            continue
        item, run = entry.get("item", {}), entry.get("examination", {})
        subject = f"track readings of {item.get('exhibit', '?')}"
        try:
            held = store.readings.of(ExaminationId(str(run.get("id", ""))), EvidenceId(str(item.get("id", ""))))
        except NotFound as error:
            lines.append(CheckLine(subject, CheckState.BAD, error.message))
            continue
        if said == plain(held):
            if said:
                lines.append(CheckLine(subject, CheckState.OK, f"{len(said)}, as the case holds them"))
        else:
            lines.append(CheckLine(subject, CheckState.BAD, "the case holds other readings than printed"))
    return lines


def _streams(store: CaseStore, facts: Mapping[str, object]) -> list[CheckLine]:
    """Digest the streams of every exhibit again whose stream digests the report prints (P2)."""
    from workstation.media.streams import stream_digests

    lines: list[CheckLine] = []
    listed = facts.get("provenance", [])
    for entry in listed if isinstance(listed, list) else []:
        said = entry.get("streams") if isinstance(entry, dict) else None
        if not isinstance(said, list) or not said:
            continue
        try:
            item = store.evidence_item(EvidenceId(str(entry.get("evidence", ""))))
            found = stream_digests(store.vault.open_location(item.stored_path))
        except (NotFound, EvidenceError) as error:
            lines.append(CheckLine("streams", CheckState.BAD, error.message))
            continue
        printed = {(s.get("stream"), s.get("sha256")) for s in said if isinstance(s, dict)}
        same = printed == {(stream.stream, stream.sha256) for stream in found}
        words = f"{len(found)} digested again, as printed" if same else "the streams have other digests than printed"
        lines.append(CheckLine(f"streams of {item.exhibit}", CheckState.OK if same else CheckState.BAD, words))
    return lines


def _head(store: CaseStore, facts: Mapping[str, object]) -> CheckLine:
    said = facts.get("custody_head")
    if not isinstance(said, dict):
        return CheckLine("custody head", CheckState.BAD, "the report names no custody head")
    head = CustodyHead(int(str(said.get("count", 0))), bytes.fromhex(str(said.get("hash", ""))))
    events = store.custody()
    if len(events) < head.count:
        lost = head.count - len(events)
        return CheckLine("custody head", CheckState.BAD, f"the chain was cut: {lost} of {head.count} events are gone")
    if events[head.count - 1].hash != head.hash:
        return CheckLine("custody head", CheckState.BAD, f"event {head.count} is not the one the report was built on")
    return CheckLine("custody head", CheckState.OK, f"event {head.count} is the one the report names")
