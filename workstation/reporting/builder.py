"""Facts to signed report: lay out, embed the twin, make it PDF/A-3b, sign, re-read and verify, then put it in place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.errors import ReportInvalid
from workstation.domain.reports import ReportFacts
from workstation.reporting.archive import Imprint, archive
from workstation.reporting.atomic import put_file
from workstation.reporting.content import Content
from workstation.reporting.layout import SECTIONS, lay_out
from workstation.reporting.seal import seal
from workstation.reporting.signing import Identity
from workstation.reporting.twin import results_json
from workstation.reporting.verification import verify_bytes
from workstation.reporting.wording import say

Progress = Callable[[int, int, str], None]

_STEPS = len(SECTIONS) + 4


@dataclass(frozen=True, slots=True)
class BuiltReport:
    """A report on disk. ``sha256`` is of the whole signed file, ``json_sha256`` of the embedded results."""

    path: Path
    sha256: str
    size: int
    pages: int
    json_sha256: str


def build_report(
    facts: ReportFacts,
    output: Path,
    identity: Identity,
    *,
    on_progress: Progress | None = None,
    keep: Callable[[bytes], object] | None = None,
) -> BuiltReport:
    """Write the signed report to ``output``, replacing what is there, or leave the folder as it was.

    Args:
        keep: takes the finished and verified bytes in place of a plain file at ``output`` (an encrypted case).
        on_progress: called with (steps done, steps in all, name of the step); what it raises stops the building.

    Raises:
        StorageFull, PermissionRefused: the file cannot be written there.
        ReportError: the report could not be laid out, archived or signed.
        ReportInvalid: the finished file did not verify.
    """
    tell = on_progress or _silent
    twin, unsigned, pages = prepare_report(facts, identity, on_progress=tell)
    tell(_STEPS - 2, _STEPS, "sign")
    signed = seal(
        unsigned, identity, reason=say("document.signing_reason", number=facts.number, case=facts.case.number)
    )
    tell(_STEPS - 1, _STEPS, "verify")
    if keep is None:
        put_file(output, signed, check=lambda part: _must_verify(part.read_bytes()))
    else:
        _must_verify(signed)
        keep(signed)
    tell(_STEPS, _STEPS, "done")
    return BuiltReport(
        path=output,
        sha256=hashlib.sha256(signed).hexdigest(),
        size=len(signed),
        pages=pages,
        json_sha256=hashlib.sha256(twin).hexdigest(),
    )


def prepare_report(
    facts: ReportFacts, identity: Identity, *, on_progress: Progress | None = None
) -> tuple[bytes, bytes, int]:
    """Everything before the signature: the twin, the PDF/A-3b file and its pages. Same input, same bytes (G7)."""
    tell = on_progress or _silent
    twin = results_json(facts, identity)
    content = Content(facts, identity, hashlib.sha256(twin).hexdigest())
    tell(0, _STEPS, "lay out")
    laid_out = lay_out(content, lambda done, _total: tell(done, _STEPS, "lay out"))
    tell(len(SECTIONS) + 1, _STEPS, "archive")
    imprint = Imprint(
        title=content.title,
        author=facts.case.examiner,
        at=facts.built_at,
        product=facts.product,
        json_sha256=content.json_sha256,
        language=content.language,
    )
    unsigned, pages = archive(laid_out, twin, imprint)
    return twin, unsigned, pages


def _must_verify(data: bytes) -> None:
    verification, _ = verify_bytes(data)
    if not verification.ok:
        why = "; ".join(line.detail for line in verification.bad)
        raise ReportInvalid(f"The finished report does not verify: {why}.", "It was not kept. Please report this.")


def _silent(_done: int, _total: int, _note: str) -> None:
    return None
