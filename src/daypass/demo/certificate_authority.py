"""A certificate authority for this state folder, and the certificate for localhost that it signs."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from daypass.demo.state_dir import StateDirectory

LIFETIME = timedelta(days=365)
MARGIN = timedelta(days=7)
"""Remaining lifetime below which the certificate is replaced."""

LOOPBACK = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)

# The name constraints limit what a client trusts this authority for to loopback addresses.
LOOPBACK_ONLY = x509.NameConstraints(
    permitted_subtrees=[
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_network("127.0.0.1/32")),
        x509.IPAddress(ipaddress.ip_network("::1/128")),
    ],
    excluded_subtrees=None,
)


@dataclass(frozen=True, slots=True)
class Certificates:
    """The paths of the authority, which clients trust, and of the portal's certificate and key."""

    authority: Path
    certificate: Path
    private_key: Path

    def ssl_context(self) -> ssl.SSLContext:
        """Return a TLS context for clients that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


def ensure_certificates(folder: StateDirectory, now: datetime) -> Certificates:
    """Return the folder's certificates; create them if they are missing or about to expire."""
    files = Certificates(
        folder.path / "ca.pem", folder.path / "localhost.pem", folder.path / "localhost-key.pem"
    )
    if not _is_valid(files, now):
        _create(folder, files, now)
    return files


def _is_valid(files: Certificates, now: datetime) -> bool:
    if not all(path.exists() for path in (files.authority, files.certificate, files.private_key)):
        return False
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    # The authority is as old as its certificate, so its own end need not be checked.
    return certificate.not_valid_after_utc - now > MARGIN


def _create(folder: StateDirectory, files: Certificates, now: datetime) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Daypass demo authority (this machine only)")
    authority = (
        _builder(name, name, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(LOOPBACK_ONLY, critical=True)
        .add_extension(_key_id(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name("localhost"), name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(LOOPBACK), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .add_extension(_key_id(key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    # The authority's own key is never written, so that no further certificate can be signed with it.
    folder.write(files.authority.name, _pem(authority))
    folder.write(files.private_key.name, _key_pem(key))
    # Written last, because `_is_valid` concludes from it that all three are complete.
    folder.write(files.certificate.name, _pem(certificate))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Valid from the past on, for clients whose clock is behind.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_id(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
