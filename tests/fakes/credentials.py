"""Content credentials signed in the test with certificates made in the test."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
    "builder": {"thumbnail": {"enabled": False}},
}


@dataclass(frozen=True)
class Authority:
    """A root and a signing certificate under it, as PEM."""

    root: str
    chain: bytes
    key: bytes


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "ES"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Laboratory"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def make_authority(name: str = "Test Root") -> Authority:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(name, name, root_key, root_key, 1)
    leaf = _certificate("Test Signer", name, key, root_key, 2)
    pem = serialization.Encoding.PEM
    return Authority(
        root.public_bytes(pem).decode(),
        leaf.public_bytes(pem) + root.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _certificate(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, serial: int
) -> x509.Certificate:
    now, ca = dt.datetime.now(dt.UTC), subject == issuer
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + dt.timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not ca:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return made.sign(signer, hashes.SHA256())


def sign(data: bytes, authority: Authority, kind: str = "image/jpeg") -> bytes:
    """The same file with signed credentials that name two actions."""
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    actions = [{"action": "c2pa.created", "digitalSourceType": source}, {"action": "c2pa.cropped"}]
    manifest = {
        "claim_generator_info": [{"name": "test maker", "version": "1.0"}],
        "format": kind,
        "title": "signed in a test",
        "assertions": [{"label": "c2pa.actions", "data": {"actions": actions}}],
    }
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", authority.chain, authority.key, None))
    out = io.BytesIO()
    with c2pa.Context.from_dict(_OFFLINE) as context, c2pa.Builder(manifest, context=context) as builder:
        builder.sign(signer, kind, io.BytesIO(data), out)
    signer.close()
    return out.getvalue()
