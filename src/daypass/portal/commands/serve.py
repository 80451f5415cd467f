"""`daypass portal serve`: the portal's processes, from the start to the stop signal."""

import fcntl
import gc
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass import __version__
from daypass.portal.commands.common import (
    default_database_file,
    prepare_database_url,
    read_configuration,
    report_errors,
    sentence_for_operator,
)
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.variables import TRACES, VARIABLES, ConfigError
from daypass.portal.unknown_variables import unknown_names

if TYPE_CHECKING:
    import socket

    import structlog

    from daypass.portal.app import Portal
    from daypass.portal.commands.serve_generations import Generations, Inputs
    from daypass.portal.server.http_server import MetricsListener
    from daypass.portal.server.supervisor import Generation, Hooks
    from daypass.portal.server.worker_process import SupervisorLink
    from daypass.portal.storage.pooler import Profile
    from daypass.portal.telemetry.log_stream import LogStream


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

    SIGHUP reloads configuration and certificate. Logs are JSON lines on stderr. Without a certificate it
    serves plain HTTP, on this machine only, unless DAYPASS_BEHIND_PROXY says that a proxy terminates TLS.
    `daypass portal config check` checks the configuration without serving.

    \b
    To try it on this machine:
      DAYPASS_AWS_REGION=eu-central-1 daypass portal serve
    For a network, with a certificate:
      DAYPASS_LISTEN=0.0.0.0:8443 DAYPASS_PUBLIC_URL=https://portal.example.com \\
      DAYPASS_TLS_CERTIFICATE=portal.pem DAYPASS_TLS_KEY=portal-key.pem daypass portal serve
    """
    with report_errors():
        raise SystemExit(_supervise(workers, ready_fd))


def _supervise(workers: int, ready_fd: int | None) -> int:
    """Run the supervisor until it has stopped; return the exit code."""
    from daypass.portal.server.signals import hold_signals
    from daypass.portal.server.worker_process import IGNORED_SIGNALS

    # A reload that is asked for during the start is done after it.
    hold_signals(IGNORED_SIGNALS)
    # Imported here, because help and completion must not wait for a web server and an AWS library.
    import structlog

    from daypass.portal.commands.serve_generations import Generations
    from daypass.portal.server.sd_notify import ServiceNotifier
    from daypass.portal.server.supervisor import Supervisor
    from daypass.portal.telemetry import logs
    from daypass.portal.telemetry.python_messages import log_python_messages

    unknown = unknown_names(os.environ)
    _check_descriptor(ready_fd)
    config = _read_config(workers)
    prepare_database_url()
    stderr = logs.take_over_stderr()
    logs.configure(stderr, config.logs, is_final=False)
    log_python_messages()
    log = structlog.get_logger("portal")
    generations = Generations(workers, partial(_read_config, workers), partial(_work, stderr=stderr), log)
    first = generations.first(config)
    for name in unknown:
        log.warning("Unknown variable, ignored.", variable=name)
    # Workers share the memory of what is imported before they are forked.
    gc.freeze()
    supervisor = Supervisor(
        first,
        _hooks(generations, stderr, ready_fd),
        ServiceNotifier.from_environment(os.environ),
        ready_descriptors=() if ready_fd is None else (ready_fd,),
    )
    try:
        return supervisor.run()
    finally:
        generations.metrics.remove()
        stderr.finish()


def _hooks(generations: "Generations", stderr: "LogStream", ready_fd: int | None) -> "Hooks":
    from daypass.portal.server.supervisor import Hooks
    from daypass.portal.telemetry import logs

    def accept(generation: "Generation") -> None:
        generations.accept(generation)
        logs.configure(stderr, generations.logs, is_final=False)

    return Hooks(
        reload=generations.reload,
        poll=generations.poll,
        accepted=accept,
        ended=generations.metrics.worker_ended,
        ready=partial(_write_ready, ready_fd, lambda: generations.public_url),
        # A forked process must not inherit the lock of a thread that it does not have.
        pause_log=stderr.finish,
        resume_log=stderr.start,
    )


def _read_config(workers: int) -> PortalConfig:
    """Read the configuration; also called for each reload."""
    from daypass.portal.storage.engine import parse_url

    config = read_configuration()
    if config.exports_traces:
        _check_traces()
    if workers > 1 and parse_url(config.database_url).drivername == "sqlite":
        raise ConfigError("--workers needs PostgreSQL: SQLite serves one process. See DAYPASS_DATABASE_URL.")
    return config


def _check_descriptor(ready_fd: int | None) -> None:
    """Raise `ConfigError` if the option --ready-fd has a descriptor that cannot be written to."""
    if ready_fd is None:
        return
    with suppress(OSError):
        if fcntl.fcntl(ready_fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
            return
    raise ConfigError(
        f"--ready-fd {ready_fd} is not open for writing. It is opened by the program that starts the portal."
    )


def _write_ready(ready_fd: int | None, public_url: Callable[[], str]) -> None:
    if ready_fd is not None:
        os.write(ready_fd, f"{public_url()}\n".encode())
        os.close(ready_fd)


def _work(inputs: "Inputs", link: "SupervisorLink", *, stderr: "LogStream") -> int:
    """Build the portal and serve until a stop signal; return the exit code."""
    import structlog

    from daypass.portal.telemetry import logs

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


def _serve(
    inputs: "Inputs", link: "SupervisorLink", stderr: "LogStream", log: "structlog.BoundLogger"
) -> None:
    from daypass.portal import app, cpu_affinity
    from daypass.portal.server.http_server import run_until_stopped
    from daypass.portal.server.stopping import StopTimes, cleanup_timeout

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


def _metrics_listener(built: "Portal", inputs: "Inputs") -> "MetricsListener | None":
    if inputs.metrics_listening is None:
        return None
    return built.metrics_app, inputs.metrics_listening


def _metrics_url(listening: "socket.socket | None") -> str | None:
    if listening is None:
        return None
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"


def _tls(inputs: "Inputs") -> tuple[Path, Path] | None:
    """Return the files of the certificate and its key; the metrics have the end of its validity."""
    from daypass.portal.telemetry.metrics import CERTIFICATE_EXPIRY

    key_pair = inputs.key_pair
    if key_pair is None:
        return None
    CERTIFICATE_EXPIRY.set(key_pair.not_after.timestamp())
    return key_pair.certificate, key_pair.private_key


def _check_traces() -> None:
    """Raise `ConfigError` unless the extra is installed."""
    try:
        from daypass.portal.telemetry import traces  # noqa: F401  the import is the check
    except ImportError as error:
        raise ConfigError(
            f"{TRACES.name} needs OpenTelemetry, which is not installed. "
            "Install it beside Daypass: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
        ) from error


def _trace(config: PortalConfig, built: "Portal") -> Callable[[], None]:
    """Trace the requests of *built* if it is configured; return the function that exports the last traces."""
    if not config.exports_traces:
        return lambda: None
    # In each worker, because the thread of the exporter does not survive a fork.
    from daypass.portal.telemetry.traces import Traces

    traces = Traces(__version__)
    built.app.wrap(traces.wrap)
    return traces.close


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
