"""Signing a validation record and checking one: a JSON file that verifies by itself, and a PDF page that embeds it.

The JSON holds the record, the signer's certificate and an RSA signature (PKCS #1 v1.5, SHA-256) over the record's
canonical bytes. The PDF is made and sealed as reports are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from workstation.domain.custody import CheckLine, CheckState, Verification, canonical_json
from workstation.domain.errors import ReportError, ReportInvalid
from workstation.reporting.archive import Imprint, archive
from workstation.reporting.container import PARSE_FAULTS
from workstation.reporting.seal import seal
from workstation.reporting.signing import SELF_MADE, Identity, common_name
from workstation.reporting.validation_page import lay_out
from workstation.reporting.verification import verify_bytes
from workstation.reporting.wording import LANGUAGE, say

SCHEMA = "workstation.validation"
VERSIONS = (1, 2)
"""Versions that are read. In version 1 "pixel_auc" and "prior_pixel_auc" were over the whole crop."""
ALGORITHM = "RSASSA-PKCS1-v1_5 with SHA-256"
_KEYS: Mapping[str, type] = {
    "id": str,
    "made_at": str,
    "set": dict,
    "detector": dict,
    "figures": dict,
    "settings": dict,
    "environment": dict,
    "signing": dict,
}


def with_signer(record: Mapping[str, object], identity: Identity) -> dict[str, object]:
    """The record with who signs it: part of what is signed."""
    certificates = (identity.certificate, *identity.chain)
    signing = {
        "subject": identity.subject,
        "certificate_sha256": identity.fingerprint,
        "certificates": sorted(hashlib.sha256(der).hexdigest() for der in certificates),
        "self_made": identity.self_made,
    }
    return dict(record) | {"signing": signing}


def signed_json(record: Mapping[str, object], identity: Identity) -> bytes:
    """A record that has its signer (`with_signer`) as a signed JSON document.

    Raises:
        ReportError: the identity holds no RSA key.
    """
    key = serialization.load_der_private_key(identity.key, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ReportError("The signing identity holds no RSA key.", "Choose another one.")
    value = key.sign(canonical_json(record).encode(), padding.PKCS1v15(), hashes.SHA256())
    signature = {"algorithm": ALGORITHM, "certificate": identity.certificate.hex(), "value": value.hex()}
    return canonical_json({"record": dict(record), "signature": signature}).encode()


def signed_pdf(record: Mapping[str, object], identity: Identity, curves: bytes | None = None) -> bytes:
    """A record that has its signer as a sealed PDF/A-3b page with the record embedded; it verifies, or is not made.

    Args:
        curves: a PNG picture of the robustness curves.

    Raises:
        ReportError, ReportInvalid: it could not be made, or does not verify.
    """
    data = canonical_json(record).encode()
    title, detector = _title(record), str(_part(record, "detector")["id"])
    imprint = Imprint(
        title=title,
        author=identity.name,
        at=str(record["made_at"]),
        product=str(_part(record, "environment").get("product", "workstation")),
        json_sha256=hashlib.sha256(data).hexdigest(),
        language=LANGUAGE,
    )
    unsigned, _ = archive(lay_out(record, title, curves), data, imprint)
    reason = say("validation.signing_reason", id=record["id"], detector=detector)
    signed = seal(unsigned, identity, reason=reason)
    outcome, _ = verify_bytes(signed, read=read_record)
    if not outcome.ok:
        why = "; ".join(line.detail for line in outcome.bad)
        raise ReportInvalid(f"The finished record does not verify: {why}.", "It was not kept. Please report this.")
    return signed


def verify_record(data: bytes) -> tuple[Verification, dict[str, object] | None]:
    """Check a signed record, JSON or PDF.

    Returns:
        The lines, and the record whenever it could be parsed.
    """
    if data.startswith(b"%PDF"):
        return verify_bytes(data, read=read_record)
    try:
        whole = json.loads(data)
        record, signature = whole["record"], whole["signature"]
        found, problem = read_record(canonical_json(record).encode())
        if not problem and canonical_json({"record": record, "signature": signature}).encode() != data:
            problem = "it is not in canonical form, or holds more than record and signature"
    except (*PARSE_FAULTS, json.JSONDecodeError) as fault:
        return Verification((_line("record", False, say("validation.check.form.bad", why=fault)),)), None
    version = found["version"] if found is not None and not problem else ""
    good = say("validation.check.form.ok", version=version)
    lines = [_line("record", not problem, say("validation.check.form.bad", why=problem) if problem else good)]
    if found is not None:
        lines.extend(_signature(found, signature))
    return Verification(tuple(lines)), found


def read_record(data: bytes) -> tuple[dict[str, object] | None, str]:
    """Parse a record's canonical bytes: the record (None when there is none) and what is wrong, empty when nothing."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as fault:
        return None, f"it is not JSON ({fault})"
    if not isinstance(value, dict):
        return None, "it is not a JSON object"
    if value.get("schema") != SCHEMA:
        return value, f"its schema is {value.get('schema')!r}, not {SCHEMA!r}"
    if value.get("version") not in VERSIONS:
        known = " and ".join(str(version) for version in VERSIONS)
        return value, f"its schema version is {value.get('version')!r}; this program reads versions {known}"
    try:
        if canonical_json(value).encode() != data:
            return value, "it is not in canonical form"
    except ValueError:
        return value, "it holds a number that JSON does not have"
    missing = next((key for key, kind in _KEYS.items() if not isinstance(value.get(key), kind)), "")
    return value, f"{missing} is missing or of another kind" if missing else ""


def _signature(record: Mapping[str, object], signature: object) -> list[CheckLine]:
    try:
        assert isinstance(signature, dict)
        der = bytes.fromhex(str(signature["certificate"]))
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        stated = _part(record, "signing").get("certificate_sha256")
        same = hashlib.sha256(der).hexdigest() == stated and signature.get("algorithm") == ALGORITHM
        if not same or not isinstance(key, rsa.RSAPublicKey):
            return [_line("signature", False, say("validation.check.signature.bad"))]
        value = bytes.fromhex(str(signature["value"]))
        key.verify(value, canonical_json(record).encode(), padding.PKCS1v15(), hashes.SHA256())
    except (*PARSE_FAULTS, InvalidSignature, AssertionError):
        return [_line("signature", False, say("validation.check.signature.bad"))]
    name, issuer = common_name(certificate), certificate.issuer.rfc4514_string()
    if certificate.issuer == certificate.subject:
        who = say("check.signer.self_made", name=name, label=SELF_MADE)
    else:
        who = say("check.signer.unchecked", name=name, issuer=issuer)
    return [_line("signature", True, say("validation.check.signature.ok")), _line("signer", True, who)]


def _title(record: Mapping[str, object]) -> str:
    return say("validation.document", detector=_part(record, "detector")["id"], set=_part(record, "set")["name"])


def _part(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = record[name]
    if not isinstance(part, Mapping):
        raise ReportError(f"The record's {name} is no table.")
    return part


def _line(subject: str, held: bool, detail: str) -> CheckLine:
    return CheckLine(subject, CheckState.OK if held else CheckState.BAD, detail)
