"""Signing identities: made, stored privately, opened, and refused with one clear line."""

from __future__ import annotations

import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID
from sample_facts import report_facts

from workstation.domain.errors import IdentityError, ReportError, WrongPassword
from workstation.reporting.builder import build_report
from workstation.reporting.signing import SELF_MADE, Identity, create_identity, load_identity
from workstation.reporting.verification import verify_report


def test_a_self_made_identity_says_so_and_is_private(identity_file: Path, identity: Identity) -> None:
    certificate = x509.load_der_x509_certificate(identity.certificate)
    unit = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)[0].value
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    key = certificate.public_key()
    assert unit == SELF_MADE
    assert identity.self_made
    assert identity.name == "A. Ruiz"
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    assert identity.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
    assert "key" not in repr(identity)
    if sys.platform != "win32":
        assert stat.S_IMODE(identity_file.stat().st_mode) == 0o600


def test_a_wrong_password_is_told_from_a_damaged_file(identity_file: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongPassword):
        load_identity(identity_file, "wrong")
    with pytest.raises(WrongPassword):
        load_identity(identity_file, "")
    damaged = tmp_path / "damaged.p12"
    damaged.write_bytes(identity_file.read_bytes()[:-40])
    with pytest.raises(IdentityError) as caught:
        load_identity(damaged, "correct horse")
    assert not isinstance(caught.value, WrongPassword)
    damaged.write_bytes(b"not a key at all")
    with pytest.raises(IdentityError):
        load_identity(damaged, "correct horse")
    with pytest.raises(IdentityError):
        load_identity(tmp_path / "missing.p12", "correct horse")


def test_an_identity_is_never_overwritten_or_left_open(identity_file: Path, tmp_path: Path) -> None:
    before = identity_file.read_bytes()
    with pytest.raises(IdentityError):
        create_identity(identity_file, name="B", password="x")
    assert identity_file.read_bytes() == before
    with pytest.raises(IdentityError):
        create_identity(tmp_path / "a.p12", name="  ", password="x")
    with pytest.raises(IdentityError):
        create_identity(tmp_path / "a.p12", name="B", password="")
    with pytest.raises(ReportError):
        create_identity(tmp_path / "missing" / "a.p12", name="B", password="x")
    assert list(tmp_path.iterdir()) == []


def issue(
    subject: str,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: rsa.RSAPrivateKey | None,
    *,
    authority: bool,
    days: int = 30,
    non_repudiation: bool = True,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        True, non_repudiation and not authority, False, False, False, authority, authority, False, False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer is not None else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signer = issuer_key if issuer_key is not None else key
    if issuer_key is not None:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = builder.add_extension(known, critical=False)
    return builder.sign(signer, hashes.SHA256())


def store(path: Path, key: object, certificate: x509.Certificate, chain: list[x509.Certificate] | None = None) -> Path:
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", key, certificate, chain, BestAvailableEncryption(b"pw"))  # type: ignore[arg-type]
    )
    return path


@pytest.fixture(scope="module")
def keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    return rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)


def test_identities_that_cannot_sign_a_report_are_refused(
    tmp_path: Path, keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]
) -> None:
    key, other = keys
    curve = ec.generate_private_key(ec.SECP256R1())
    cases = {
        "RSA": store(tmp_path / "ec.p12", curve, issue("E", curve, None, None, authority=False)),
        "expired": store(tmp_path / "old.p12", key, issue("O", key, None, None, authority=False, days=-1)),
        "non-repudiation": store(
            tmp_path / "use.p12", key, issue("U", key, None, None, authority=False, non_repudiation=False)
        ),
    }
    for word, path in cases.items():
        with pytest.raises(IdentityError, match=word):
            load_identity(path, "pw")
    del other


def test_an_issued_identity_chains_to_its_root_and_its_chain_is_protected(
    tmp_path: Path, keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]
) -> None:
    """Certificates beside the signer's are not covered by any signature; the signed results list their digests."""
    root_key, key = keys
    root = issue("Example Root", root_key, None, None, authority=True)
    leaf = issue("C. Signer", key, root, root_key, authority=False)
    identity = load_identity(store(tmp_path / "c.p12", key, leaf, [root]), "pw")
    assert not identity.self_made
    built = build_report(report_facts(tracks=0, exhibits=1), tmp_path / "issued.pdf", identity)
    trust = tmp_path / "root.pem"
    trust.write_bytes(root.public_bytes(Encoding.PEM))
    verification, _ = verify_report(built.path, trust=trust)
    assert verification.ok, verification.bad
    unasked, _ = verify_report(built.path)
    assert "not checked" in next(line.detail for line in unasked.lines if line.subject == "signer")
    data = bytearray(built.path.read_bytes())
    inside = bytes(data).rindex(root.public_bytes(Encoding.DER)[-80:].hex().upper().encode())
    data[inside + 7] = ord("1") if data[inside + 7] == ord("0") else ord("0")
    built.path.write_bytes(data)
    tampered, _ = verify_report(built.path)
    assert {line.subject for line in tampered.bad} >= {"signature container"}
