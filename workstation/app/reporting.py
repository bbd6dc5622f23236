"""The use-case of a report: verify, gather, lay out, sign, verify again, record, hand out."""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app import facts as gathering
from workstation.app.integrity import compare_with_case, must_be_sound
from workstation.app.paths import Home, refused
from workstation.app.quiet import Quiet
from workstation.domain.custody import CheckLine, CheckState, Verification
from workstation.domain.errors import NotFound, PermissionRefused, WrongPassword
from workstation.domain.ids import ExaminationId
from workstation.domain.jobs import JobContext
from workstation.domain.reports import ReportRecord
from workstation.storage.case_store import CaseStore

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.reporting.signing import Identity

_log = logging.getLogger(__name__)
_STEPS = 5


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """``output`` gets a copy of the report kept in the case; ``identity`` and ``password`` replace the own one."""

    output: Path | None
    examinations: tuple[ExaminationId, ...]
    identity: Path | None
    password: str | None


def open_identity(home: Home, name: str, organisation: str, identity: Path | None, password: str | None) -> Identity:
    """Open the signing identity; the installation's own is made on first use and says so in its subject.

    Raises:
        WrongPassword, IdentityError: the file cannot be opened.
    """
    from workstation.reporting.atomic import put_file
    from workstation.reporting.signing import create_identity, load_identity

    if identity is not None:
        if not identity.is_file():
            raise NotFound(f"There is no identity file {identity}.")
        given = password if password is not None else os.environ.get("WORKSTATION_IDENTITY_PASSWORD")
        if given is None:
            raise WrongPassword(f"{identity.name} needs its password.", "Give it with WORKSTATION_IDENTITY_PASSWORD.")
        return load_identity(identity, given)
    secret = home.identity.with_suffix(".secret")
    if not home.identity.is_file():
        put_file(secret, secrets.token_urlsafe(32).encode("ascii"), mode=0o600)
        return create_identity(
            home.identity, name=name, organisation=organisation, password=secret.read_text(encoding="ascii")
        )
    try:
        return load_identity(home.identity, secret.read_text(encoding="ascii"))
    except OSError as error:
        raise PermissionRefused(f"{secret} cannot be read ({error.strerror}).", "Restore it from a copy.") from error


def build(engine: Engine, store: CaseStore, request: ReportRequest, context: JobContext) -> dict[str, object]:
    """Build, sign, verify, record and hand out a report.

    Raises:
        IntegrityMismatch: an exhibit is not what was taken in (E5).
        ReportError, IdentityError, StorageFull, PermissionRefused.
    """
    from workstation.reporting.atomic import put_file
    from workstation.reporting.builder import build_report

    if request.output is not None and not request.output.resolve().parent.is_dir():
        raise NotFound(f"There is no folder {request.output.resolve().parent}.", "Make it, or choose another place.")
    context.progress(0, _STEPS, "opening the signing identity")
    identity = open_identity(
        engine.home, store.case.examiner, engine.settings.organisation, request.identity, request.password
    )
    context.progress(1, _STEPS, "verifying the exhibits")
    must_be_sound(store, engine.hub, store.evidence(), Quiet(context))
    context.progress(2, _STEPS, "gathering the facts")
    cards = [package.card for package in engine.detectors() if not package.problem]
    facts = gathering.gather(store, cards, Quiet(context), request.examinations)
    engine.pin(store.case.id, facts.custody_head, f"report {facts.number}")
    context.progress(3, _STEPS, "laying out and signing")
    context.raise_if_cancelled()
    target = store.folder / "reports" / f"report-{facts.number:02d}.pdf"
    try:
        target.parent.mkdir(exist_ok=True)
        name = target.relative_to(store.folder).as_posix()
        keep = (lambda data: store.files.write(name, data)) if store.encrypted else None
        built = build_report(facts, target, identity, keep=keep)
    except OSError as error:
        raise refused(error, target) from error
    record = ReportRecord(
        id=facts.report,
        case=store.case.id,
        number=facts.number,
        path=name,
        sha256=built.sha256,
        size=built.size,
        built_at=facts.built_at,
        signer=identity.subject,
        custody_count=facts.custody_head.count,
        custody_hash=facts.custody_head.hash.hex(),
    )
    store.add_report(record)
    engine.pin(store.case.id, store.custody_head(), f"after report {facts.number}")
    # Only a report that the case knows leaves the case: a program killed here has handed out nothing unrecorded.
    if request.output is not None and request.output.resolve() != target.resolve():
        put_file(request.output, store.files.read(name))
    context.progress(_STEPS, _STEPS, "done")
    return {
        "path": str(request.output or target),
        "stored": str(target),
        "sha256": built.sha256,
        "pages": built.pages,
        "number": facts.number,
        "signer": identity.subject,
    }


def check(engine: Engine, pdf: Path, case: Path | None = None) -> Verification:
    """Verify a report: its signature and embedded results and, where the case is at hand, the case they came from.

    Args:
        case: the case folder; by default the one this workstation knows under the id named in the report.

    Raises:
        NotFound: there is no such file.
    """
    from workstation.reporting.verification import verify_report
    from workstation.storage.vault import hash_file

    if not pdf.is_file():
        raise NotFound(f"There is no report {pdf}.")
    outcome, results = verify_report(pdf)
    lines = list(outcome.lines)
    if results is not None:
        folder = case or _folder_of(engine, results)
        if folder is None:
            note = "not at hand: only the report itself was checked"
            lines.append(CheckLine("case", CheckState.OK, note))
        else:
            lines.extend(compare_with_case(results, hash_file(pdf)[0], folder))
    return Verification(tuple(lines))


def _folder_of(engine: Engine, results: dict[str, object]) -> Path | None:
    named = results.get("case")
    wanted = named.get("id") if isinstance(named, dict) else None
    for known in engine.known_cases():
        if known.id == wanted and known.available:
            return Path(known.folder)
    return None
