"""Rejected certificates: the message names the real reason and the remedy for it."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daypass.cli.api.client import ApiRequest, exchange
from daypass.cli.api.tls import Trust, trust, trust_with_system
from daypass.cli.runtime.errors import Misconfigured
from tests.cli.stub import StubPortal
from tests.tls import new_authority

HOUR = dt.timedelta(hours=1)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Issuer:
    """A certificate authority that conforms to RFC 5280."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.now = dt.datetime.now(dt.UTC)  # noqa: TID251  certificates live by the real clock
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        certificate = (
            self._builder(self.key, "authority")
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, key: ec.EllipticCurvePrivateKey, subject: str, ends: dt.timedelta = HOUR
    ) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            name("authority"),
            name(subject),
            key.public_key(),
            x509.random_serial_number(),
            self.now - 2 * HOUR,
            self.now + ends,
        )

    def server(
        self, *, host: str = "localhost", ends: dt.timedelta = HOUR, has_key_id: bool = True
    ) -> ssl.SSLContext:
        """Return a server's TLS context with a certificate that this authority signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
        builder = self._builder(key, host, ends).add_extension(
            x509.SubjectAlternativeName(names), critical=False
        )
        if has_key_id:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        chain = self.folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        signed = builder.sign(self.key, hashes.SHA256())
        chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context


def refusal(server: ssl.SSLContext, ca_file: Path | None) -> str:
    """Return the message about that server's certificate with the strict checks of Python 3.13."""
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    portal = StubPortal(server)
    try:
        with pytest.raises(Misconfigured) as refused:
            exchange(portal.url, Trust(context, is_whole=True), ApiRequest("GET", "/", {}, None), "asking")
    finally:
        portal.close()
    return str(refused.value)


@pytest.mark.parametrize(
    ("make", "reason", "remedy"),
    [
        (lambda issuer: issuer.server(has_key_id=False), "Missing Authority Key Identifier", "Python 3.12"),
        (lambda issuer: issuer.server(ends=-HOUR), "expired", "renew it"),
        (lambda issuer: issuer.server(host="elsewhere"), "localhost", "address right"),
    ],
    ids=["without a key identifier", "expired", "for another name"],
)
def test_the_real_reason_is_reported_if_a_ca_file_would_not_help(
    tmp_path: Path, make: Callable[[Issuer], ssl.SSLContext], reason: str, remedy: str
) -> None:
    issuer = Issuer(tmp_path)

    message = refusal(make(issuer), issuer.ca_file)

    assert reason in message
    assert remedy in message
    assert "--ca-file" not in message


def test_for_an_unknown_authority_the_ca_file_flag_is_suggested(tmp_path: Path) -> None:
    assert "--ca-file" in refusal(Issuer(tmp_path).server(), None)


def test_another_server_than_the_portal_may_have_an_authority_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("portal", "system"):
        (tmp_path / name).mkdir()
    portal, system = (new_authority(tmp_path / name) for name in ("portal", "system"))
    # OpenSSL takes the file in this variable for the system's.
    monkeypatch.setenv("SSL_CERT_FILE", str(system.ca_file))
    flags = {"ca_file": str(portal.ca_file)}

    of_portal = trust("https://portal.example.com", flags, {})
    of_others = trust_with_system("https://ci.example.com", flags, {})

    assert of_portal is not None
    assert of_others is not None
    assert len(of_portal.context.get_ca_certs()) == 1
    assert len(of_others.context.get_ca_certs()) == 2
    assert trust_with_system("http://127.0.0.1:1", flags, {}) is None
