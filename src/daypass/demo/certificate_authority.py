"""A certificate authority of this folder's own, and the certificate for localhost that it signs."""

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

LIFE = timedelta(days=365)
MARGIN = timedelta(days=7)
"""A certificate with less than this left is made anew."""

LOOPBACK = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)

# Whoever trusts this authority trusts it for this machine's loopback and for nothing else.
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
    """The three files: what clients trust, and what the portal serves with."""

    authority: Path
    certificate: Path
    private_key: Path

    def trust(self) -> ssl.SSLContext:
        """What a client of the demo trusts: this authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


def certify(folder: StateDirectory, now: datetime) -> Certificates:
    """Answer this folder's certificates; makes them when they are missing or soon to end."""
    found = Certificates(
        folder.path / "ca.pem", folder.path / "localhost.pem", folder.path / "localhost-key.pem"
    )
    if not _is_good(found, now):
        _make(folder, found, now)
    return found


def _is_good(found: Certificates, now: datetime) -> bool:
    if not all(path.exists() for path in (found.authority, found.certificate, found.private_key)):
        return False
    certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    return certificate.not_valid_after_utc - now > MARGIN


def _make(folder: StateDirectory, files: Certificates, now: datetime) -> None:
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
    # The authority's own key is never written: nobody can sign with it again, this folder's owner included.
    folder.write(files.authority.name, _pem(authority))
    folder.write(files.private_key.name, _key_pem(key))
    # Last, because its end is what tells whether the three are good.
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
        # A clock that is a little behind must not find the certificate not yet valid.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
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
