"""The PAdES signature (ETSI EN 319 142-1, baseline B-B): RSA, SHA-256, one revision over the entire file.

The signature certifies the report with "no changes allowed" (DocMDP P=1). The stricter of the two choices is right
here, because a report is never amended: a correction is a new report that names the old one (P15), and
``workstation.reporting.verification`` accepts nothing after the signature anyway. P=2, which a second signer would
need, would let other programs show a form-filled copy as intact. Everything that follows a signature, a reviewer's
countersignature included, therefore belongs outside this file.
"""

from __future__ import annotations

import io

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from workstation.domain.errors import ReportError
from workstation.reporting.signing import Identity

FIELD = "ReportSignature"


class _MetadataKept(IncrementalPdfFileWriter):
    """Leaves the XMP metadata as PDF/A preparation wrote it; the stock writer would put its own name and time in.

    ``_update_meta`` is private to pyHanko, which is why the requirements pin its exact version.
    """

    def _update_meta(self) -> None:
        return None


def seal(prepared: bytes, identity: Identity, *, reason: str) -> bytes:
    """Return the signed file.

    Args:
        prepared: a PDF/A-3b file without any signature.
        reason: stands in the signature, for other programs to show.

    Raises:
        ReportError: the signer refused the file.
    """
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    certificate = asn1_x509.Certificate.load(identity.certificate)
    for other in identity.chain:
        store.register(asn1_x509.Certificate.load(other))
    signer = signers.SimpleSigner(
        signing_cert=certificate, signing_key=keys.PrivateKeyInfo.load(identity.key), cert_registry=store
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        name=identity.name,
        reason=reason,
    )
    try:
        writer = _MetadataKept(io.BytesIO(prepared))
        signed = signers.PdfSigner(metadata, signer, new_field_spec=fields.SigFieldSpec(FIELD)).sign_pdf(writer)
    except (SigningError, PdfError) as fault:
        raise ReportError(f"The report could not be signed: {fault}.", "Check the signing identity.") from fault
    return bytes(signed.getvalue())
