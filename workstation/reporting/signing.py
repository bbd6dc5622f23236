"""Who signs a report: a certificate and its RSA key in a PKCS#12 file, the person's own or self-made (P13).

RSA, because an elliptic-curve key makes the signer declare PDF 2.0, which PDF/A-3 forbids (ISO 19005-3, 6.1.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from workstation.domain.errors import IdentityError, WrongPassword
from workstation.reporting.atomic import file_error, put_file

SELF_MADE = "self-made identity, not certified by an authority"
_KEY_BITS = 3072
_KDF_ROUNDS = 600_000
_VALID_FOR = timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class Identity:
    """A signer, opened. Only ``subject``, ``fingerprint`` and ``self_made`` are for others to read.

    Attributes:
        subject: the certificate's subject as one line (RFC 4514).
        fingerprint: SHA-256 of the certificate, 64 hexadecimal characters.
        self_made: the certificate vouches for itself; nobody else certified who holds the key.
    """

    subject: str
    fingerprint: str
    self_made: bool
    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """The person's name as the certificate gives it."""
        return common_name(x509.load_der_x509_certificate(self.certificate))


def create_identity(path: Path, *, name: str, organisation: str = "", password: str) -> Identity:
    """Make a self-made identity (RSA-3072, five years) and store it as PKCS#12 readable by its owner only.

    The file is protected with PBES2, AES-256 and 600,000 rounds; its outer integrity check is weaker, so the password
    should be long. The subject says plainly that no authority certified it.

    Raises:
        IdentityError: the name or the password is empty, or the file exists already.
        StorageFull, PermissionRefused: the file cannot be written.
    """
    name, organisation = " ".join(name.split()), " ".join(organisation.split())
    if not name:
        raise IdentityError("An identity needs the name of the person who signs.", "Give a name.")
    if not password:
        raise IdentityError("An identity needs a password.", "Give a password; without it anybody could sign.")
    if path.exists():
        raise IdentityError(f"{path.name} exists already.", "Open it, or choose another file.")
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    try:
        certificate = _self_made(key, name[:64], organisation[:64])
    except ValueError as fault:
        raise IdentityError(f"The name cannot stand in a certificate: {fault}.", "Use plain letters.") from fault
    protection = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_KDF_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode())
    )
    data = pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, None, protection)
    put_file(path, data, mode=0o600, replace=False)
    return _identity(certificate, key, ())


def load_identity(path: Path, password: str) -> Identity:
    """Open a PKCS#12 file for signing.

    Raises:
        WrongPassword: the password does not open it.
        IdentityError: the file is missing, damaged, holds no RSA key, or its certificate may not sign today.
        PermissionRefused: the file may not be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as fault:
        raise IdentityError(f"There is no identity at {path.name}.", "Create one or choose another file.") from fault
    except OSError as fault:
        raise file_error(fault, path) from fault
    if not _looks_like_pkcs12(data):
        raise IdentityError(f"{path.name} is not a PKCS#12 file or is damaged.", "Choose a .p12 or .pfx file.")
    try:
        store = pkcs12.load_pkcs12(data, password.encode())
    except ValueError as fault:
        if "password" in str(fault).lower() or "mac" in str(fault).lower():
            raise WrongPassword(f"The password does not open {path.name}.", "Try again.") from fault
        raise IdentityError(f"{path.name} cannot be read: {fault}.", "Export it again.") from fault
    key = store.key
    if key is None or store.cert is None:
        raise IdentityError(f"{path.name} holds no key with its certificate.", "Export both into one file.")
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 2048:
        raise IdentityError(
            f"{path.name} holds no RSA key of at least 2048 bits.", "A PDF/A-3 report is signed with RSA; choose one."
        )
    certificate = store.cert.certificate
    _check_certificate(certificate, key, path.name)
    return _identity(certificate, key, tuple(other.certificate for other in store.additional_certs))


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, or the whole subject when it has none."""
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        return str(attribute.value)
    return certificate.subject.rfc4514_string()


def _self_made(key: rsa.RSAPrivateKey, name: str, organisation: str) -> x509.Certificate:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    names.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, SELF_MADE))
    subject = x509.Name(names)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _check_certificate(certificate: x509.Certificate, key: rsa.RSAPrivateKey, name: str) -> None:
    if certificate.public_key() != key.public_key():
        raise IdentityError(f"The certificate in {name} belongs to another key.", "Export the pair again.")
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        raise IdentityError(
            f"The certificate in {name} expired on {certificate.not_valid_after_utc:%Y-%m-%d}.", "Renew it."
        )
    if now < certificate.not_valid_before_utc:
        raise IdentityError(
            f"The certificate in {name} is valid only from {certificate.not_valid_before_utc:%Y-%m-%d}.",
            "Check the clock of this machine.",
        )
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not usage.content_commitment:
        raise IdentityError(
            f"The certificate in {name} may not sign documents (key usage lacks non-repudiation).",
            "Use a certificate for document signing.",
        )


def _identity(certificate: x509.Certificate, key: rsa.RSAPrivateKey, chain: tuple[x509.Certificate, ...]) -> Identity:
    return Identity(
        subject=certificate.subject.rfc4514_string(),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        self_made=certificate.issuer == certificate.subject,
        certificate=certificate.public_bytes(serialization.Encoding.DER),
        key=key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        chain=tuple(other.public_bytes(serialization.Encoding.DER) for other in chain),
    )


def _looks_like_pkcs12(data: bytes) -> bool:
    """PFX ::= SEQUENCE { version INTEGER 3, ... } with a length that fits the file (RFC 7292, section 4)."""
    from asn1crypto import pkcs12 as structure

    try:
        return bool(structure.Pfx.load(data, strict=True)["version"].native == "v3")
    except (ValueError, TypeError, KeyError):
        return False
