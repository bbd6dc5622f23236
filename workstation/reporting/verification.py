"""Does a report prove itself? Every line says what was checked, whether it held, and what was found (G7).

Rule (trust by bytes, not by appearance): exactly one signature, over the entire file, with nothing changed since and
nothing behind it, in a container without a free byte; and the embedded results have the digest that the signed
document states. The case additionally knows the SHA-256 of the whole file.
"""

from __future__ import annotations

import hashlib
import io
import logging
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import NO_CHANGES_DIFF_POLICY
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError

from workstation.domain.custody import CheckLine, CheckState, Verification
from workstation.domain.errors import IdentityError, NotFound
from workstation.reporting.archive import printed_digest
from workstation.reporting.atomic import file_error
from workstation.reporting.container import PARSE_FAULTS, Container, read_container
from workstation.reporting.signing import SELF_MADE, common_name
from workstation.reporting.twin import FILE_NAME, read_twin
from workstation.reporting.wording import say

_FAULTS = (
    *PARSE_FAULTS,
    PdfError,
    SigningError,
    SignatureValidationError,
    PathError,
    pikepdf.PdfError,
    zlib.error,
    AssertionError,
    NotImplementedError,
    EOFError,
    MemoryError,
)

ReadTwin = Callable[[bytes], tuple[dict[str, object] | None, str]]

for _noisy in ("pyhanko", "pyhanko_certvalidator"):
    # Both libraries log every oddity of a damaged file as a warning; the lines below say it once, in our words.
    logging.getLogger(_noisy).setLevel(logging.CRITICAL)


def verify_report(path: Path, *, trust: Path | None = None) -> tuple[Verification, dict[str, object] | None]:
    """Verify a signed report.

    Args:
        trust: a file of certificates (PEM or DER) that the signer's must chain to. Without it a signer is named, and
            said to be self-made or unverified, but nobody's word is taken for who it is.

    Returns:
        The lines, and the embedded results whenever they could be parsed (compare them with the case).

    Raises:
        NotFound: there is no such file.
        PermissionRefused, ReportError: it cannot be read.
        IdentityError: ``trust`` holds no certificate.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as fault:
        raise NotFound(f"There is no report at {path.name}.", "Check the name.") from fault
    except OSError as fault:
        raise file_error(fault, path) from fault
    return verify_bytes(data, trust=trust)


def verify_bytes(
    data: bytes, *, trust: Path | None = None, read: ReadTwin = read_twin
) -> tuple[Verification, dict[str, object] | None]:
    """Verify a signed report held in memory; see :func:`verify_report`. Raises: IdentityError.

    Args:
        read: parses the embedded results of another kind of document.
    """
    roots = _roots(trust) if trust is not None else ()
    lines: list[CheckLine] = []
    twin, certificates = _results(data, lines, read)
    signature = _signature(data, lines)
    if signature is not None:
        container = _container(signature, data, certificates)
        problem = container.problem
        detail = say("check.container.bad", why=problem) if problem else say("check.container.ok")
        _line(lines, "signature container", not problem, detail)
        _signature_lines(signature, data, roots, container, lines)
    return Verification(tuple(lines)), twin


def _results(data: bytes, lines: list[CheckLine], read: ReadTwin) -> tuple[dict[str, object] | None, tuple[str, ...]]:
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False) as pdf:
            _line(lines, "file", True, say("check.file.ok", pages=len(pdf.pages), size=len(data)))
            stated = printed_digest(pdf)
            names = list(pdf.attachments)
            content = pdf.attachments[FILE_NAME].get_file().read_bytes() if FILE_NAME in names else None
    except _FAULTS as fault:
        _line(lines, "file", False, say("check.file.bad", why=_brief(fault)))
        return None, ()
    if content is None:
        _line(lines, "results", False, say("check.results.absent", file=FILE_NAME))
        return None, ()
    digest = hashlib.sha256(content).hexdigest()
    same = digest == stated
    key = "check.digest.ok" if same else "check.digest.bad"
    _line(lines, "results digest", same, say(key, digest=digest, stated=stated or "nothing"))
    twin, problem = read(content)
    detail = say("check.results.bad", why=problem) if problem else say("check.results.ok", size=len(content))
    _line(lines, "results", not problem, detail)
    signing = twin.get("signing") if twin is not None else None
    listed = signing.get("certificates") if isinstance(signing, dict) else None
    return twin, tuple(str(entry) for entry in listed) if isinstance(listed, list) else ()


def _signature(data: bytes, lines: list[CheckLine]) -> EmbeddedPdfSignature | None:
    try:
        found = list(PdfFileReader(io.BytesIO(data), strict=True).embedded_signatures)
    except _FAULTS as fault:
        _line(lines, "signature", False, say("check.signature.unreadable", why=_brief(fault)))
        return None
    if len(found) != 1:
        _line(lines, "signature", False, say("check.signature.count", count=len(found)))
        return None
    only: EmbeddedPdfSignature = found[0]
    return only


def _container(signature: EmbeddedPdfSignature, data: bytes, listed: tuple[str, ...]) -> Container:
    try:
        return read_container(data, [int(value) for value in signature.byte_range], listed)
    except _FAULTS as fault:
        return Container((), _brief(fault))


def _signature_lines(
    signature: EmbeddedPdfSignature,
    data: bytes,
    roots: tuple[asn1_x509.Certificate, ...],
    container: Container,
    lines: list[CheckLine],
) -> None:
    try:
        signature.compute_integrity_info(  # type: ignore[no-untyped-call]
            diff_policy=NO_CHANGES_DIFF_POLICY
        )
        context = ValidationContext(trust_roots=list(roots), allow_fetching=False)
        status = validate_pdf_signature(signature, context, diff_policy=NO_CHANGES_DIFF_POLICY)
        end = int(signature.byte_range[2]) + int(signature.byte_range[3])
    except _FAULTS as fault:
        _line(lines, "signature", False, say("check.signature.unreadable", why=_brief(fault)))
        return
    intact = bool(status.intact and status.valid)
    _line(lines, "signature", intact, say("check.signature.ok" if intact else "check.signature.bad"))
    entire = status.coverage == SignatureCoverageLevel.ENTIRE_FILE and end == len(data)
    behind = max(0, len(data) - end)
    _line(lines, "coverage", entire, say("check.coverage.ok" if entire else "check.coverage.bad", behind=behind))
    unchanged = (
        bool(status.docmdp_ok) and status.modification_level is not None and status.modification_level.value == 0
    )
    _line(lines, "changes", unchanged, say("check.changes.ok" if unchanged else "check.changes.bad"))
    _signer_line(status, container, bool(roots), lines)


def _signer_line(status: PdfSignatureStatus, container: Container, asked: bool, lines: list[CheckLine]) -> None:
    if not container.certificates:
        _line(lines, "signer", False, say("check.signer.unreadable"))
        return
    certificate = x509.load_der_x509_certificate(container.certificates[0])
    name = common_name(certificate)
    self_made = certificate.issuer == certificate.subject
    if status.trusted:
        _line(lines, "signer", True, say("check.signer.trusted", name=name))
    elif asked:
        _line(lines, "signer", False, say("check.signer.untrusted", name=name))
    elif self_made:
        _line(lines, "signer", True, say("check.signer.self_made", name=name, label=SELF_MADE))
    else:
        issuer = certificate.issuer.rfc4514_string()
        _line(lines, "signer", True, say("check.signer.unchecked", name=name, issuer=issuer))


def _roots(trust: Path) -> tuple[asn1_x509.Certificate, ...]:
    try:
        data = trust.read_bytes()
    except FileNotFoundError as fault:
        raise NotFound(f"There is no certificate file at {trust.name}.", "Check the name.") from fault
    except OSError as fault:
        raise file_error(fault, trust) from fault
    try:
        if b"-----BEGIN" in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [x509.load_der_x509_certificate(data)]
    except ValueError as fault:
        raise IdentityError(f"{trust.name} holds no certificate.", "Give a PEM or DER file.") from fault
    from cryptography.hazmat.primitives.serialization import Encoding

    return tuple(asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in found)


def _line(lines: list[CheckLine], subject: str, held: bool, detail: str) -> None:
    lines.append(CheckLine(subject, CheckState.OK if held else CheckState.BAD, detail))


def _brief(fault: BaseException) -> str:
    text = " ".join(str(fault).split())
    return (text[:160] + "…") if len(text) > 160 else text or type(fault).__name__
