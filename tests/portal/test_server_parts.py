"""The parts of the server that need no process: waiting for a port, certificates, reloads and time limits."""

import socket
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from daypass.demo.certificate_authority import LIFETIME, Certificates, ensure_certificates
from daypass.demo.state_dir import StateDirectory
from daypass.portal.certificate import CertificateError, not_after, read_key_pair
from daypass.portal.commands.serve_generations import Generations
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.reader import read_config
from daypass.portal.server.certificate_watch import ExpiryWarning, FileWatch
from daypass.portal.server.errors import ServeError
from daypass.portal.server.listening import bind, wait_for_predecessor
from daypass.portal.server.stopping import StopTimes

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_a_port_that_becomes_free_while_a_start_waits_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as predecessor:
        port, now, said = predecessor.getsockname()[1], [0.0], []

        def sleep(_seconds: float) -> None:
            now[0] += 0.5
            if now[0] > 3:
                predecessor.close()

        patience = wait_for_predecessor(timedelta(seconds=25))
        with bind("127.0.0.1", port, patience, lambda: said.append(now[0]), lambda: now[0], sleep) as taken:
            assert taken.getsockname()[1] == port

    assert (said, now, patience) == ([1.0], [3.5], timedelta(seconds=10))


def test_the_parts_of_a_stop_are_the_stop_timeout() -> None:
    for seconds in (2, 25, 300):
        times = StopTimes.within(timedelta(seconds=seconds))
        assert times.requests + times.cleanup + times.log == timedelta(seconds=seconds)
        assert timedelta(0) < times.linger < times.requests
        assert min(times.cleanup, times.log) > timedelta(0)


def test_a_key_pair_keeps_its_content_when_files_change(certificates: Certificates, tmp_path: Path) -> None:
    certificate, key = tmp_path / "portal.pem", tmp_path / "portal-key.pem"
    certificate.write_bytes(certificates.certificate.read_bytes())
    key.write_bytes(certificates.private_key.read_bytes())
    pair = read_key_pair(certificate, key)
    certificate.write_text("nonsense")

    assert pair.certificate.read_bytes() == certificates.certificate.read_bytes()
    assert pair.not_after == not_after(certificates.certificate)
    assert pair.has_same_content(read_key_pair(certificates.certificate, certificates.private_key))
    with pytest.raises(CertificateError, match="are no certificate with its private key"):
        read_key_pair(certificate, key)
    pair.close()


def test_replaced_files_are_noticed_once_when_they_no_longer_change(tmp_path: Path) -> None:
    # As Kubernetes mounts a secret: the files are symbolic links through a folder that is replaced.
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.crt").write_text(name)
    (tmp_path / "data").symlink_to("first")
    (tmp_path / "tls.crt").symlink_to("data/tls.crt")
    watch = FileWatch((tmp_path / "tls.crt", tmp_path / "missing"))
    seen = [watch.has_changed()]
    for name in ("second", "third"):
        (tmp_path / "new").symlink_to(name)
        (tmp_path / "new").replace(tmp_path / "data")
        seen.append(watch.has_changed())
    seen += [watch.has_changed(), watch.has_changed()]

    assert seen == [False, False, False, True, False]


def test_a_key_that_becomes_readable_later_is_noticed(tmp_path: Path) -> None:
    # As certbot's hooks do, which run after both files were written.
    key = tmp_path / "tls.key"
    key.touch(mode=0o600)
    watch = FileWatch((key,))
    key.chmod(0o640)

    assert [watch.has_changed(), watch.has_changed()] == [False, True]


def copies_in_memory() -> int:
    """Return how many files of certificates this process has in memory."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found += "memfd:daypass-tls" in str(link.readlink())
    return found


def test_files_that_changed_without_other_content_are_read_and_released(
    certificates: Certificates, tmp_path: Path
) -> None:
    copy = replace(certificates, certificate=tmp_path / "tls.crt", private_key=tmp_path / "tls.key")
    copy.certificate.write_bytes(certificates.certificate.read_bytes())
    copy.private_key.write_bytes(certificates.private_key.read_bytes())
    config = config_of(copy)
    generations = Generations(1, lambda: config, lambda *_: 0, CapturingLogger())
    first = generations.first(config)
    before = copies_in_memory()
    copy.certificate.write_bytes(certificates.certificate.read_bytes())
    polled = [generations.poll(), generations.poll()]
    after = copies_in_memory()
    for resource in first.resources:
        resource.close()

    assert polled == [None, None]
    assert after == before


def test_the_end_of_a_certificate_is_logged_daily_from_two_weeks_before() -> None:
    logger = CapturingLogger()
    warning = ExpiryWarning(logger)
    end = NOW + timedelta(days=15)
    for hours in (0, 23, 25, 26, 48, 50, 24 * 16):
        warning.check(Path("portal.pem"), end, NOW + timedelta(hours=hours))

    assert [call.method_name for call in logger.calls] == ["warning", "warning", "error"]
    assert "has expired" in logger.calls[-1].args[0]
    assert logger.calls[0].kwargs["not_after"] == end.isoformat()


def config_of(certificates: Certificates | None, port: int = 0) -> PortalConfig:
    tls = {}
    if certificates is not None:
        tls["DAYPASS_TLS_CERTIFICATE"] = str(certificates.certificate)
        tls["DAYPASS_TLS_KEY"] = str(certificates.private_key)
    listen = f"127.0.0.1:{port}"
    return read_config(
        {"DAYPASS_AWS_REGION": "us-west-2", "DAYPASS_LISTEN": listen, "HOME": "/nonexistent", **tls}
    )


def test_a_certificate_that_no_worker_could_start_with_is_tried_again(
    certificates: Certificates, tmp_path: Path
) -> None:
    other = ensure_certificates(StateDirectory(tmp_path), NOW)
    copy = replace(certificates, certificate=tmp_path / "tls.crt", private_key=tmp_path / "tls.key")
    copy.certificate.write_bytes(certificates.certificate.read_bytes())
    copy.private_key.write_bytes(certificates.private_key.read_bytes())
    config, now = config_of(copy), [NOW]
    generations = Generations(1, lambda: config, lambda *_: 0, CapturingLogger(), lambda: now[0])
    first = generations.first(config)
    copy.certificate.write_bytes(other.certificate.read_bytes())
    copy.private_key.write_bytes(other.private_key.read_bytes())
    made = []
    for seconds in (0, 1, 2, 59, 61, 62, 63, 900):
        now[0] = NOW + timedelta(seconds=seconds)
        generation = generations.poll()
        made.append(generation)
        if seconds == 61 and generation is not None:
            generations.accept(generation)
    for generation in (first, *made):
        for resource in generation.resources if generation else ():
            resource.close()

    # The database may have been away when the certificate was replaced.
    assert [generation is not None for generation in made] == [
        False,
        True,
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_an_expired_certificate_is_reported_at_the_start(tmp_path: Path) -> None:
    expired = ensure_certificates(StateDirectory(tmp_path), NOW - LIFETIME - timedelta(days=1))
    logger, config = CapturingLogger(), config_of(expired)
    generations = Generations(1, lambda: config, lambda *_: 0, logger, lambda: NOW)
    for resource in generations.first(config).resources:
        resource.close()

    assert [call.args for call in logger.calls] == [("The certificate has expired; clients refuse it.",)]


def test_a_changed_address_is_bound_before_the_old_one_is_left() -> None:
    config = config_of(None)
    wanted = [config]
    generations = Generations(1, lambda: wanted[0], lambda *_: 0, CapturingLogger())
    first = generations.first(config)
    (listening,) = first.resources
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        wanted[0] = replace(config, port=foreign.getsockname()[1])
        with pytest.raises(ServeError, match="address already in use"):
            generations.reload()
        assert generations.public_url.startswith("http://127.0.0.1:")
    same_port = generations.public_url
    moved = generations.reload()
    wanted[0] = config
    kept = generations.reload()

    assert moved.resources != first.resources
    assert kept.resources == first.resources
    assert generations.public_url == same_port
    for resource in (listening, *moved.resources):
        resource.close()


def test_another_address_with_the_same_port_needs_a_restart() -> None:
    wanted = [config_of(None)]
    generations = Generations(1, lambda: wanted[0], lambda *_: 0, CapturingLogger())
    (listening,) = generations.first(wanted[0]).resources
    assert isinstance(listening, socket.socket)
    port = listening.getsockname()[1]
    wanted[0] = replace(wanted[0], host="0.0.0.0", port=port)  # noqa: S104  it is refused

    with pytest.raises(
        ServeError, match=rf"from 127\.0\.0\.1 to 0\.0\.0\.0 with the same port {port} .* Restart"
    ):
        generations.reload()
    listening.close()
