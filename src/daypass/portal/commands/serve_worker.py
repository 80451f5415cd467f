"""The work of one process of `serve`: builds the portal, and serves until its stop.

It is imported before the processes are forked, which share the memory of what it imports.
"""

import gc
import socket
from collections.abc import Callable
from pathlib import Path

import structlog

from daypass import __version__
from daypass.common.origins import authority
from daypass.portal import app, cpu_affinity
from daypass.portal.app import Portal
from daypass.portal.commands.common import default_database_file, sentence_for_operator
from daypass.portal.commands.serve_generations import Inputs
from daypass.portal.config.model import PortalConfig
from daypass.portal.server.http_server import MetricsListener, run_until_stopped
from daypass.portal.server.stopping import StopTimes, cleanup_timeout
from daypass.portal.server.worker_process import SupervisorLink
from daypass.portal.storage.pooler import Profile
from daypass.portal.telemetry import logs
from daypass.portal.telemetry.log_stream import LogStream
from daypass.portal.telemetry.metrics import CERTIFICATE_EXPIRY


def work(inputs: Inputs, link: SupervisorLink, *, stderr: LogStream) -> int:
    """Build the portal and serve until a stop signal; return the exit code."""
    # A reload may have changed the level or the form.
    logs.configure(stderr, inputs.config.logs)
    log = structlog.get_logger("portal")
    try:
        _serve(inputs, link, stderr, log)
    except Exception as error:  # nothing above would report it
        sentence = sentence_for_operator(error)
        if sentence is None:
            log.exception("The worker failed.")
        else:
            link.send_failure(sentence)
        return 1
    return 0


def _serve(inputs: Inputs, link: SupervisorLink, stderr: LogStream, log: structlog.BoundLogger) -> None:
    config = inputs.config
    times = StopTimes.within(config.stop_timeout)
    built = app.build(config)
    close_traces = _trace(config, built)
    built.discover_identity()
    is_ownerless = not built.has_administrator()

    def ready() -> None:
        # Threads inherit the affinity, so it is set before the server and the pools start theirs.
        if config.pin_to_one_cpu:
            cpu_affinity.pin_to_one_core()
        # From now on no request waits for the process that reads the log.
        stderr.start()
        built.start()
        # The objects that exist now stay; each collection over them would take tens of milliseconds.
        gc.collect()
        gc.freeze()
        _announce(config, built.database_profile, log, is_ownerless=is_ownerless)
        if metrics_url is not None:
            log.info("serving metrics", url=metrics_url)
        stderr.drain()
        link.send_ready()

    def give_up() -> None:
        log.error("A thread did not end in time.")
        stderr.finish(times.log)

    # The server takes the sockets over.
    metrics_url = _metrics_url(inputs.metrics_listening)
    metrics, tls = _metrics_listener(built, inputs), _tls(inputs)
    proxies = config.trusted_proxies if config.is_behind_proxy else ()
    try:
        try:
            run_until_stopped(built.app, inputs.listening, tls, ready, proxies, times, link, metrics)
        finally:
            with cleanup_timeout(give_up, times.cleanup):
                built.close()
                close_traces()
        log.info("stopped")
    finally:
        stderr.finish(times.log)


def _metrics_listener(built: Portal, inputs: Inputs) -> MetricsListener | None:
    if inputs.metrics_listening is None:
        return None
    return built.metrics_app, inputs.metrics_listening


def _metrics_url(listening: socket.socket | None) -> str | None:
    if listening is None:
        return None
    return f"http://{authority(*listening.getsockname()[:2])}/metrics"


def _tls(inputs: Inputs) -> tuple[Path, Path] | None:
    """Return the files of the certificate and its key; the metrics have the end of its validity."""
    key_pair = inputs.key_pair
    if key_pair is None:
        return None
    CERTIFICATE_EXPIRY.set(key_pair.not_after.timestamp())
    return key_pair.certificate, key_pair.private_key


def _trace(config: PortalConfig, built: Portal) -> Callable[[], None]:
    """Trace the requests of *built* if it is configured; return the function that exports the last traces."""
    if not config.exports_traces:
        return lambda: None
    # In each worker, because the thread of the exporter does not survive a fork.
    from daypass.portal.telemetry.traces import Traces

    traces = Traces(__version__)
    built.app.wrap(traces.wrap)
    return traces.close


def _announce(
    config: PortalConfig, profile: Profile, log: structlog.BoundLogger, *, is_ownerless: bool
) -> None:
    """Log that the portal is ready, and what its operator still has to do."""
    log.info("database", profile=profile)
    log.info("serving", url=config.public_url, tls=config.serves_tls)
    _log_database(log)
    if not config.serves_tls:
        log.warning("This process speaks no TLS.", **_tls_advice(config))
    if is_ownerless:
        log.warning(
            "No user can sign in yet.", remedy="daypass portal create-admin you@example.com --with-token"
        )


def _log_database(log: structlog.BoundLogger) -> None:
    file = default_database_file()
    if file is not None:
        log.info("The database is at its default place.", file=str(file))
        if file.parent == Path.cwd():
            log.warning(
                "The database is the daypass.db of the folder in which the portal was started.",
                remedy=f"Set DAYPASS_DATABASE_URL=sqlite:///{file} to use it from any folder.",
            )


def _tls_advice(config: PortalConfig) -> dict[str, str]:
    if config.is_behind_proxy:
        return {"reason": "DAYPASS_BEHIND_PROXY says that a proxy terminates TLS."}
    return {
        "remedy": "Set DAYPASS_TLS_CERTIFICATE and DAYPASS_TLS_KEY; tokens are not encrypted on this machine."
    }
