"""The demo's certificates: their constraints, and when they are replaced."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from daypass.demo.certificate_authority import LIFETIME, MARGIN, Certificates, ensure_certificates
from daypass.demo.state_dir import StateDirectory
from daypass.portal.clock import utc_now

TODAY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def handshake(certificates: Certificates, name: str) -> None:
    """Perform a TLS handshake as a client that expects *name* and trusts the authority alone."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificates.certificate, certificates.private_key)
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        trust = certificates.ssl_context()
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        trust.wrap_socket(near, server_hostname=name).close()
    finally:
        near.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_strict_client_that_trusts_the_authority_accepts_the_server(tmp_path: Path, name: str) -> None:
    handshake(ensure_certificates(StateDirectory(tmp_path), utc_now()), name)


def test_a_client_that_calls_another_name_refuses_the_server(tmp_path: Path) -> None:
    certificates = ensure_certificates(StateDirectory(tmp_path), utc_now())

    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificates, "portal.example.com")


def test_the_authority_is_trusted_for_loopback_names_only(tmp_path: Path) -> None:
    certificates = ensure_certificates(StateDirectory(tmp_path), TODAY)

    authority = x509.load_pem_x509_certificate(certificates.authority.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)

    assert constraints.critical
    assert [str(name.value) for name in constraints.value.permitted_subtrees or []] == [
        "localhost",
        "127.0.0.1/32",
        "::1/128",
    ]


def test_the_second_run_reuses_the_certificates(tmp_path: Path) -> None:
    first = ensure_certificates(StateDirectory(tmp_path), TODAY).certificate.read_bytes()

    again = ensure_certificates(
        StateDirectory(tmp_path), TODAY + LIFETIME - MARGIN - timedelta(minutes=1)
    ).certificate.read_bytes()

    assert again == first


def test_certificates_that_expire_soon_are_replaced(tmp_path: Path) -> None:
    first = ensure_certificates(StateDirectory(tmp_path), TODAY).certificate.read_bytes()

    again = ensure_certificates(StateDirectory(tmp_path), TODAY + LIFETIME - MARGIN).certificate.read_bytes()

    assert again != first


def test_all_three_files_are_replaced_if_the_key_is_missing(tmp_path: Path) -> None:
    certificates = ensure_certificates(StateDirectory(tmp_path), utc_now())
    certificates.private_key.unlink()

    handshake(ensure_certificates(StateDirectory(tmp_path), utc_now()), "localhost")


def test_the_key_is_private_and_the_authority_s_key_is_not_stored(tmp_path: Path) -> None:
    certificates = ensure_certificates(StateDirectory(tmp_path), TODAY)

    assert stat.S_IMODE(certificates.private_key.stat().st_mode) == 0o600
    keys = [path.name for path in tmp_path.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert keys == [certificates.private_key.name]
