"""Re-verification: exhibits against their digests, a case as a whole, a report against its case (E5, E7, G7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workstation.app.hub import Hub
from workstation.domain.clock import now_utc
from workstation.domain.custody import CheckLine, CheckState, CustodyHead
from workstation.domain.errors import CaseError, IntegrityMismatch, NotFound
from workstation.domain.events import EvidenceChanged
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.ids import EvidenceId
from workstation.domain.jobs import JobContext
from workstation.storage.case_store import CaseStore
from workstation.storage.vault import hash_file


def check_exhibit(store: CaseStore, item: EvidenceItem, cancelled: Callable[[], bool]) -> IntegrityState:
    """Hash one original again. Raises: Cancelled."""
    path = store.vault.path(item.stored_path)
    if not path.is_file():
        return IntegrityState.MISSING
    digest, size = hash_file(path, cancelled=cancelled)
    good = digest == item.sha256 and size == item.size
    return IntegrityState.VERIFIED if good else IntegrityState.MISMATCH


def verify_exhibits(
    store: CaseStore, hub: Hub, evidence: Sequence[EvidenceId] | None, context: JobContext
) -> dict[str, object]:
    """Hash exhibits again, record each outcome in the chain and tell the doors."""
    items = [item for item in store.evidence() if evidence is None or item.id in evidence]
    good: list[str] = []
    bad: list[str] = []
    for number, item in enumerate(items):
        context.raise_if_cancelled()
        context.progress(number, len(items), item.exhibit)
        state = check_exhibit(store, item, context.cancelled)
        store.set_integrity(item.id, state, now_utc())
        hub.publish(EvidenceChanged(store.case.id, item.id))
        (good if state is IntegrityState.VERIFIED else bad).append(item.exhibit)
    context.progress(len(items), len(items))
    return {"verified": good, "mismatch": bad}


def must_be_sound(store: CaseStore, hub: Hub, items: Sequence[EvidenceItem], context: JobContext) -> None:
    """Re-verify before a report (E5). Raises: IntegrityMismatch naming every exhibit that differs."""
    bad = verify_exhibits(store, hub, [item.id for item in items], context)["mismatch"]
    if bad:
        names = ", ".join(str(name) for name in bad) if isinstance(bad, list) else str(bad)
        raise IntegrityMismatch(
            f"{names}: the stored original is not what was taken in; no report is built.",
            "Run case verify, and restore the case from a sound copy.",
        )


def compare_with_case(facts: Mapping[str, object], report_sha256: str, folder: Path) -> tuple[CheckLine, ...]:
    """Hold what a report says against the case it came from: its own digest, its exhibits, and its custody head.

    Args:
        facts: the embedded results JSON.
        report_sha256: digest of the PDF's bytes.
        folder: the case folder.
    """
    try:
        store = CaseStore.open(folder, key=None, read_only=True)
    except CaseError as error:
        return (CheckLine("case", CheckState.BAD, error.message),)
    with store:
        lines = [_recorded(store, report_sha256)]
        lines.extend(_exhibits(store, facts))
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
