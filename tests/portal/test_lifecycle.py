"""Workers that die, reloads and certificates that are replaced, under load and in real processes."""

import os
import signal
import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from daypass.demo.certificate_authority import Certificates, ensure_certificates
from daypass.demo.state_dir import StateDirectory
from daypass.portal.clock import utc_now
from tests.portal.load import Http2Client, Load, on_a_kept_connection, on_new_connections, under_load
from tests.portal.processes import Operator, Serving
from tests.portal.test_serve import told
from tests.waiting import wait_until

HEALTH = "/healthz"


def events(serving: Serving) -> list[object]:
    """Return what was logged apart from requests."""
    return [line for line in serving.lines() if line["event"] != "request"]


def until_logged(serving: Serving, event: str, times: int = 1) -> None:
    wait_until(lambda: len(told(serving, event)) >= times, lambda: events(serving))


def until_every_client_is_answered(load: Load, times: int = 3) -> None:
    before = load.counts()
    wait_until(
        lambda: all(now - then >= times for now, then in zip(load.counts(), before, strict=True)),
        lambda: (before, load.counts(), load.failed[:5]),
    )


@pytest.fixture
def other_certificates(tmp_path: Path) -> Certificates:
    """A certificate by another authority."""
    (tmp_path / "other").mkdir()
    return ensure_certificates(StateDirectory(tmp_path / "other"), utc_now())


def install(folder: Path, *files: Path) -> None:
    """Replace the served files as certbot and Kubernetes do: by a symbolic link that leads elsewhere."""
    for file, name in zip(files, ("portal.pem", "portal-key.pem"), strict=False):
        (folder / "new").symlink_to(file)
        (folder / "new").replace(folder / name)


def trust_in(*certificates: Certificates) -> ssl.SSLContext:
    """Return the context of a client that trusts these authorities."""
    first, *others = certificates
    trust = first.ssl_context()
    for other in others:
        trust.load_verify_locations(str(other.authority))
    return trust


def mixed_clients(
    serving: Serving, stack: ExitStack, *certificates: Certificates
) -> Sequence[tuple[Callable[[], int], float]]:
    """Clients with and without kept connections, of both versions of HTTP, fast and slow."""
    http2 = [Http2Client(serving, HEALTH, trust_in(*certificates)) for _ in range(2)]
    for client in http2:
        stack.callback(client.close)
    return [
        (on_new_connections(serving, HEALTH), 0.01),
        (on_a_kept_connection(serving, HEALTH, stack), 0.0),
        (on_a_kept_connection(serving, HEALTH, stack), 0.01),
        (on_a_kept_connection(serving, HEALTH, stack), 0.2),
        (http2[0].ask, 0.0),
        (http2[1].ask, 0.1),
    ]


def leaf(serving: Serving) -> str:
    """Return the certificate that is served to a new connection."""
    return ssl.get_server_certificate(("127.0.0.1", serving.port)).strip()


def until_replaced(serving: Serving, worker: int) -> int:
    """Wait until another worker serves alone; return its id."""
    wait_until(lambda: len(serving.workers) == 1 and serving.workers != [worker], lambda: events(serving))
    (present,) = serving.workers
    wait_until(lambda: any(line["pid"] == present for line in told(serving, "serving")))
    return present


HALF = "The changed certificate cannot be used; the previous one stays in use."
FAILED = "The reload failed; the previous configuration and certificate stay in use."


def test_reloads_and_new_certificates_lose_no_request(
    operator: Operator, tmp_path: Path, certificates: Certificates, other_certificates: Certificates
) -> None:
    install(tmp_path, certificates.certificate, certificates.private_key)
    (tmp_path / "daypass.toml").touch()
    tls = {
        "DAYPASS_CONFIG": str(tmp_path / "daypass.toml"),
        "DAYPASS_TLS_CERTIFICATE": str(tmp_path / "portal.pem"),
        "DAYPASS_TLS_KEY": str(tmp_path / "portal-key.pem"),
        # A worker that is replaced has a second for clients that do not know yet.
        "DAYPASS_STOP_TIMEOUT": "4",
    }
    with operator.serving_forked(**tls) as serving, ExitStack() as stack:
        serving.trust = trust_in(certificates, other_certificates)
        (worker,) = serving.workers
        served = [leaf(serving)]
        with under_load(mixed_clients(serving, stack, certificates, other_certificates)) as load:
            until_every_client_is_answered(load)
            serving.process.send_signal(signal.SIGHUP)
            worker = until_replaced(serving, worker)
            until_every_client_is_answered(load)
            install(tmp_path, other_certificates.certificate, other_certificates.private_key)
            worker = until_replaced(serving, worker)
            until_every_client_is_answered(load)
        served.append(leaf(serving))

        install(tmp_path, certificates.certificate)
        until_logged(serving, HALF)
        serving.process.send_signal(signal.SIGHUP)
        until_logged(serving, FAILED)
        os.kill(worker, signal.SIGKILL)
        worker = until_replaced(serving, worker)
        served.append(leaf(serving))
        install(tmp_path, certificates.certificate, certificates.private_key)
        until_replaced(serving, worker)
        served.append(leaf(serving))
        failure, halves = told(serving, FAILED)[0], told(serving, HALF)
        (tmp_path / "daypass.toml").write_text("log_format = 'console'")
        serving.process.send_signal(signal.SIGHUP)
        # The supervisor writes this line, in the form that its workers have too.
        wait_until(lambda: "] New workers serve" in serving.log.read_text(), serving.log.read_text)
        code = serving.stop()

    old, new = (one.certificate.read_text().strip() for one in (certificates, other_certificates))
    assert load.failed == []
    assert served == [old, new, new, old]
    assert len(halves) == 1
    assert "are no certificate with its private key" in str(failure["reason"])
    assert code == 0
