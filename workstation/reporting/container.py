"""The bytes between ``/Contents <`` and ``>``: the one stretch of a signed PDF that its own signature cannot cover.

Validators look only at what the container decodes to, so a changed byte in the padding, in the case of a hexadecimal
digit or in a field that nobody reads goes unnoticed. Here the container is held, byte for byte, against the only one
that this product would have written for the same certificates, signed attributes and signature value: RFC 5652 in
DER, upper-case hexadecimal, zeros to the end.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PARSE_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    UnsupportedAlgorithm,
)
_HEX = re.compile(rb"[0-9A-F]*")


@dataclass(frozen=True, slots=True)
class Container:
    """``certificates`` are DER, the signer's first; ``problem`` is empty when every byte is as it must be."""

    certificates: tuple[bytes, ...]
    problem: str


def read_container(data: bytes, byte_range: Sequence[int], listed: Sequence[str]) -> Container:
    """Check the gap that ``byte_range`` leaves in ``data``.

    Args:
        listed: SHA-256 of every certificate the signed results say the container holds. Certificates beside the
            signer's are covered by no signature, so this list is what protects them; none is parsed before it is met.
    """
    if len(byte_range) != 4 or byte_range[0] != 0 or not 0 < byte_range[1] < byte_range[2]:
        return Container((), "the signed byte range does not leave exactly one gap")
    gap = data[byte_range[1] : byte_range[2]]
    if gap[:1] != b"<" or gap[-1:] != b">":
        return Container((), "the signature is not delimited as written")
    digits = gap[1:-1]
    if len(digits) % 2 or not _HEX.fullmatch(digits):
        return Container((), "the signature holds characters that are not upper-case hexadecimal digits")
    raw = bytes.fromhex(digits.decode())
    try:
        length = _der_length(raw)
        found = _check(raw[:length], listed)
        if any(raw[length:]):
            return Container(found.certificates, "the padding behind the signature is not all zeros")
        return found
    except PARSE_FAULTS as fault:
        return Container((), f"the signature cannot be decoded ({fault})")


def _check(der: bytes, listed: Sequence[str]) -> Container:
    signed: cms.SignedData = cms.ContentInfo.load(der, strict=True)["content"]
    certificates = tuple(entry.chosen.dump() for entry in signed["certificates"])
    if sorted(hashlib.sha256(found).hexdigest() for found in certificates) != sorted(listed):
        return Container((), "its certificates are not the ones that the signed results list")
    info = signed["signer_infos"][0]
    attributes: bytes = info["signed_attrs"].contents
    signature: bytes = info["signature"].native
    serial = info["sid"].chosen["serial_number"].native
    named = (found for found in certificates if x509.load_der_x509_certificate(found).serial_number == serial)
    signer = next(named, None)
    if signer is None:
        return Container((), "none of its certificates is the signer's")
    ordered = (signer, *(other for other in certificates if other != signer))
    if _rebuilt(signed, info, signer) != der:
        return Container(ordered, "the signature is not encoded as written")
    key = x509.load_der_x509_certificate(signer).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return Container(ordered, "the signature was not made with an RSA key")
    try:
        covered = core.SetOf(spec=core.Any, contents=attributes).dump()
        key.verify(signature, covered, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return Container(ordered, "the signature value does not fit its signed attributes")
    return Container(ordered, "")


def _rebuilt(signed: cms.SignedData, info: cms.SignerInfo, signer: bytes) -> bytes:
    """The container written anew from the parts that carry information; what they do not fix is fixed here."""
    own = asn1_x509.Certificate.load(signer)
    name = cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number})
    author = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": name}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
            "signed_attrs": info["signed_attrs"].untag(),
            "signature": info["signature"].native,
        }
    )
    content = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": cms.DigestAlgorithms((algos.DigestAlgorithm({"algorithm": "sha256"}),)),
            "encap_content_info": {"content_type": "data"},
            "certificates": [asn1_x509.Certificate.load(entry.chosen.dump()) for entry in signed["certificates"]],
            "signer_infos": [author],
        }
    )
    rebuilt = cms.ContentInfo({"content_type": "signed_data", "content": content})
    return bytes(rebuilt.dump())


def _der_length(raw: bytes) -> int:
    """Total length of the DER value at the start of ``raw`` (X.690, 8.1.3, definite form)."""
    if len(raw) < 2 or raw[0] != 0x30:
        raise ValueError("no DER sequence")
    if raw[1] < 0x80:
        return 2 + raw[1]
    count = raw[1] & 0x7F
    if not 1 <= count <= 4:
        raise ValueError("a length of an unusual form")
    length = 2 + count + int.from_bytes(raw[2 : 2 + count], "big")
    if length > len(raw):
        raise ValueError("a length beyond the file")
    return length
