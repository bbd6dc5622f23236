"""From a laid-out PDF to PDF/A-3b (ISO 19005-3, level B) with the twin embedded, prepared and validated by pikepdf."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pikepdf
from pikepdf import pdfa

from workstation.domain.errors import ReportError
from workstation.reporting.twin import FILE_NAME

_DIGEST_MARK = f"{FILE_NAME} SHA-256 "


@dataclass(frozen=True, slots=True)
class Imprint:
    """What stands in the document's own metadata. ``at`` is ISO 8601 with zone."""

    title: str
    author: str
    at: str
    product: str
    json_sha256: str
    language: str


def archive(laid_out: bytes, twin: bytes, imprint: Imprint) -> tuple[bytes, int]:
    """Return the PDF/A-3b file and its number of pages. Same input, same bytes.

    Raises:
        ReportError: the file did not pass the PDF/A-3b validator.
    """
    moment = _utc(imprint.at)
    with pikepdf.open(io.BytesIO(laid_out)) as pdf:
        for page in pdf.pages:
            # reportlab writes an empty transition into each page, which PDF/A validators refuse.
            if "/Trans" in page.obj:
                del page.obj["/Trans"]
        _imprint(pdf, imprint, moment)
        pdf.attachments[FILE_NAME] = pikepdf.AttachedFileSpec(  # type: ignore[call-arg]
            pdf,
            twin,
            filename=FILE_NAME,
            description="All results of this report, readable by machine",
            mime_type="application/json",
            relationship=pikepdf.Name.Data,
            creation_date=_stamp(moment),
            mod_date=_stamp(moment),
        )
        pdfa.prepare(pdf, "3b")
        _fix_metadata_date(pdf, moment)
        pages = len(pdf.pages)
        target = io.BytesIO()
        # Written and validated in memory: pikepdf's own save goes through a temporary file and aborts the whole process
        # when that disk is full (measured), besides leaving case data outside the case for a moment.
        settings = pdfa.resolve_save_kwargs("3b", deterministic_id=True)
        pdf.save(target, **settings)
    target.seek(0)
    outcome = pdfa.validate_written(target, "3b", save_kwargs=settings)
    if not outcome.passed:
        raise ReportError(f"The report did not pass the PDF/A-3b check: {_first_finding(outcome)}.")
    return target.getvalue(), pages


def printed_digest(pdf: pikepdf.Pdf) -> str:
    """The digest of the twin as stated in the document's metadata (``/Subject``), or an empty string."""
    subject = str(pdf.docinfo.get("/Subject", ""))
    return subject.removeprefix(_DIGEST_MARK) if subject.startswith(_DIGEST_MARK) else ""


def _imprint(pdf: pikepdf.Pdf, imprint: Imprint, moment: datetime) -> None:
    stamp = _stamp(moment)
    info = pdf.docinfo
    for key in list(info.keys()):
        del info[key]
    info["/Title"] = imprint.title
    info["/Author"] = imprint.author
    info["/Subject"] = _DIGEST_MARK + imprint.json_sha256
    info["/Creator"] = imprint.product
    info["/Producer"] = imprint.product
    info["/CreationDate"] = stamp
    info["/ModDate"] = stamp
    pdf.Root.Lang = imprint.language
    pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)


def _utc(at: str) -> datetime:
    moment = datetime.fromisoformat(at)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _stamp(moment: datetime) -> str:
    """A date as PDF writes it (ISO 32000-1, 7.9.4)."""
    return f"D:{moment:%Y%m%d%H%M%S}+00'00'"


def _fix_metadata_date(pdf: pikepdf.Pdf, moment: datetime) -> None:
    """Replace the one moment that preparation takes from the clock, so that the same facts give the same bytes."""
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}+00:00".encode()
    xmp = pdf.Root.Metadata.read_bytes()
    pattern = rb"(<xmp:MetadataDate>|xmp:MetadataDate=\")[^<\"]*"
    pdf.Root.Metadata.write(re.sub(pattern, lambda found: found.group(1) + stamp, xmp))


def _first_finding(outcome: pdfa.Report) -> str:
    return " ".join(str(next(iter(outcome.findings), outcome)).split())
