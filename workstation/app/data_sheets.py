"""The use-case of a data sheet on copied data: compare the copies again, set the facts out, record the export."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app.environment import library_versions, machine_facts
from workstation.app.facts import provenance
from workstation.app.integrity import must_be_sound
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyKind
from workstation.domain.datasheets import CopySheet, Declarant
from workstation.domain.errors import InputError, NotFound
from workstation.domain.ids import EvidenceId, JobId
from workstation.domain.jobs import JobContext, Lane

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession

_TOOLS = ("av", "cryptography", "sqlcipher3")


@dataclass(frozen=True, slots=True)
class SheetRequest:
    """``evidence`` None means every exhibit."""

    output: Path
    declarant: Declarant
    evidence: tuple[EvidenceId, ...] | None = None


def submit_copy_sheet(engine: Engine, session: CaseSession, request: SheetRequest) -> JobId:
    """Make the sheet (report lane). Result: ``{"path", "sha256", "exhibits"}``.

    Raises:
        InputError: a mandatory text is blank; NotFound: there is no such folder. Both before anything is queued.
    """
    request.declarant.check()
    if not request.output.resolve().parent.is_dir():
        raise NotFound(f"There is no folder {request.output.resolve().parent}.", "Make it, or choose another place.")

    def work(context: JobContext) -> dict[str, object]:
        return _make(engine, session, request, context)

    return session.submit(Lane.REPORT, "Data sheet on copied data", work, "bytes")


def _make(engine: Engine, session: CaseSession, request: SheetRequest, context: JobContext) -> dict[str, object]:
    """Raises: IntegrityMismatch, InputError, StorageFull, PermissionRefused."""
    from workstation.reporting.atomic import put_file
    from workstation.reporting.data_sheet import copy_sheet_pdf

    store = session.store
    chosen = [item.id for item in store.evidence() if request.evidence is None or item.id in request.evidence]
    if not chosen:
        raise InputError("There is no exhibit to set out.", "Take one in first.")
    if not store.read_only:
        must_be_sound(store, engine.hub, [store.evidence_item(evidence) for evidence in chosen], context)
    items = [store.evidence_item(evidence) for evidence in chosen]
    sheet = CopySheet(
        case=store.case,
        made_at=now_utc(),
        organisation=engine.settings.organisation,
        product=machine_facts()["product"],
        tools=_tools(),
        exhibits=tuple(items),
        provenance=provenance(store, items),
        custody_head=store.custody_head(),
        declarant=request.declarant,
    )
    data = copy_sheet_pdf(sheet)
    put_file(request.output, data)
    digest = hashlib.sha256(data).hexdigest()
    if not store.read_only:
        body = {
            "what": "data sheet on copied data",
            "exhibits": [item.exhibit for item in items],
            "declarant": request.declarant.name.strip(),
            "file": request.output.name,
            "sha256": digest,
        }
        store.record(CustodyKind.EXPORTED, body)
    return {"path": str(request.output), "sha256": digest, "exhibits": [item.exhibit for item in items]}


def _tools() -> tuple[tuple[str, str], ...]:
    """What takes part in copying and digesting: the program's own build, interpreter, system, libraries."""
    machine, libraries = machine_facts(), library_versions()
    known: Sequence[tuple[str, str]] = [
        ("build", machine["source_sha256"][:16]),
        ("Python", machine["python"]),
        ("", machine["system"]),
    ]
    return (*known, *((name, libraries[name]) for name in _TOOLS if name in libraries))
