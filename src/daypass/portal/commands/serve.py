"""`daypass portal serve`: the portal's processes, from the start to the stop signal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.portal.commands.common import (
    default_database_file,
    prepare_database_url,
    read_configuration,
    report_errors,
)
from daypass.portal.config.model import MetricsConfig, PortalConfig
from daypass.portal.config.variables import METRICS_LISTEN, VARIABLES, ConfigError
from daypass.portal.unknown_variables import unknown_names

if TYPE_CHECKING:
    import socket

    import structlog

    from daypass.portal.storage.pooler import Profile
    from daypass.portal.telemetry.log_stream import LogStream
    from daypass.portal.telemetry.multiprocess import WorkerMetrics

    _Sockets = tuple[socket.socket, socket.socket | None]
    """The portal's own, and that of the listener for metrics."""


class _Serve(click.Command):
    """A command whose help ends with a table of environment variables."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's own
        """Write the table of variables."""
        with formatter.section("Environment"):
            formatter.write_dl([(variable.name, variable.summary) for variable in VARIABLES])


@click.command(cls=_Serve)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of processes; more than one needs PostgreSQL.",
)
@click.option(
    "--ready-fd",
    type=click.IntRange(1),
    metavar="N",
    help="Write a line with the URL to this file descriptor when ready, and close it.",
)
def serve(workers: int, ready_fd: int | None) -> None:
    """Serve pages and APIs until SIGTERM or Ctrl-C.

    Logs are JSON lines on stderr. Without a certificate it serves plain HTTP, on this machine only, unless
    DAYPASS_BEHIND_PROXY says that a proxy terminates TLS. `daypass portal config check` checks the
    configuration without serving.

    \b
    To try it on this machine:
      DAYPASS_AWS_REGION=eu-central-1 daypass portal serve
    For a network, with a certificate:
      DAYPASS_LISTEN=0.0.0.0:8443 DAYPASS_PUBLIC_URL=https://portal.example.com \\
      DAYPASS_TLS_CERTIFICATE=portal.pem DAYPASS_TLS_KEY=portal-key.pem daypass portal serve
    """
    # Imported here, because help and completion must not wait for a web server and an AWS library.
    import structlog

    from daypass.portal import app, server
    from daypass.portal.storage.engine import parse_url
    from daypass.portal.telemetry import logs

    with report_errors():
        unknown = unknown_names(os.environ)
        config = read_configuration()
        prepare_database_url()
        if workers > 1 and parse_url(config.database_url).drivername == "sqlite":
            raise ConfigError(
                "--workers needs PostgreSQL: SQLite serves one process. See DAYPASS_DATABASE_URL."
            )
        if config.certificate and config.private_key:
            server.check_certificate(config.certificate, config.private_key)
        listening = server.bind(config.host, config.port)
        config = replace(config, port=listening.getsockname()[1])
        sockets = listening, _bind_metrics(config)
        stderr = logs.take_over_stderr()
        logs.configure(stderr, config.logs)
        for name in unknown:
            structlog.get_logger("portal").warning("Unknown variable, ignored.", variable=name)
        with _recording_metrics(config) as metrics:
            if workers > 1:
                # A configuration error is reported once here, rather than by each worker.
                app.build(config).close()
                raise SystemExit(
                    server.run_workers(
                        workers, lambda: _worker(config, sockets, ready_fd, stderr), metrics.worker_ended
                    )
                )
            _work(config, sockets, ready_fd, stderr)
        # The server's threads may still call into an interpreter that is being finalized, and abort it.
        sys.stderr.flush()
        os._exit(0)


@contextmanager
def _recording_metrics(config: PortalConfig) -> "Iterator[WorkerMetrics]":
    """Have this process, and those that it forks, record metrics if the configuration serves them."""
    from daypass.portal.server import ServeError
    from daypass.portal.telemetry.multiprocess import WorkerMetrics

    metrics = WorkerMetrics()
    if config.metrics != MetricsConfig():
        try:
            metrics.begin()
        except OSError as error:
            raise ServeError(
                f"The metrics need a temporary directory that can be written to ({error.strerror}). "
                "Set TMPDIR, or RuntimeDirectory= in a unit of systemd."
            ) from error
    try:
        yield metrics
    finally:
        metrics.remove()


def _metrics_url(listening: "socket.socket") -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"


def _bind_metrics(config: PortalConfig) -> "socket.socket | None":
    from daypass.portal import server

    listen = config.metrics.listen
    return None if listen is None else server.bind(*listen, METRICS_LISTEN.name)


def _worker(config: PortalConfig, sockets: "_Sockets", ready_fd: int | None, stderr: "LogStream") -> int:
    with report_errors():
        _work(config, sockets, ready_fd, stderr)
    return 0


def _work(config: PortalConfig, sockets: "_Sockets", ready_fd: int | None, stderr: "LogStream") -> None:
    """Build the portal and serve until a stop signal."""
    import gc

    import structlog

    from daypass.portal import app, cpu_affinity, server

    built = app.build(config)
    built.discover_identity()
    log = structlog.get_logger("portal")
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
        if ready_fd is not None:
            os.write(ready_fd, f"{config.public_url}\n".encode())
            os.close(ready_fd)

    def give_up() -> None:
        log.error("A thread did not end in time.")
        stderr.finish()

    listening, of_metrics = sockets
    metrics = None if of_metrics is None else (built.metrics_app, of_metrics)
    # The server takes the socket over.
    metrics_url = None if of_metrics is None else _metrics_url(of_metrics)
    tls = (config.certificate, config.private_key) if config.certificate and config.private_key else None
    proxies = config.trusted_proxies if config.is_behind_proxy else ()
    try:
        try:
            server.run_until_signal(built.app, listening, tls, ready, proxies, metrics=metrics)
        finally:
            with server.cleanup_timeout(give_up):
                built.close()
        log.info("stopped")
    finally:
        stderr.finish()


def _announce(
    config: PortalConfig, profile: "Profile", log: "structlog.BoundLogger", *, is_ownerless: bool
) -> None:
    """Log that the portal is ready, and what its operator still has to do."""
    log.info("database", profile=profile)
    log.info("serving", url=config.public_url, tls=config.serves_tls)
    _log_database(log)
    if not config.serves_tls:
        log.warning("This process speaks no TLS.", **_tls_advice(config))
    if is_ownerless:
        log.warning(
            "Nobody can sign in yet.", remedy="daypass portal create-admin you@example.com --with-token"
        )


def _log_database(log: "structlog.BoundLogger") -> None:
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
