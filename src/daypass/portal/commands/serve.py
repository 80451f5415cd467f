"""`daypass portal serve`: the portal's processes, from the start to the stop signal."""

import fcntl
import gc
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from daypass.portal.commands.common import (
    prepare_database_url,
    read_configuration,
    report_errors,
)
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.provider_variables import variables_of
from daypass.portal.config.variables import TRACES, VARIABLES, ConfigError
from daypass.portal.unknown_variables import unknown_names

if TYPE_CHECKING:
    from daypass.portal.commands.serve_generations import Generations
    from daypass.portal.server.supervisor import Generation, Hooks
    from daypass.portal.telemetry.log_stream import LogStream


class _Serve(click.Command):
    """A command whose help ends with a table of environment variables."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's own
        """Write the table of variables."""
        with formatter.section("Environment"):
            formatter.write_dl([(variable.name, variable.summary) for variable in VARIABLES])
        with formatter.section("Environment for each identity provider, of which NAME is the name"):
            formatter.write_dl([(variable.name, variable.summary) for variable in variables_of(["name"])])


@click.command(cls=_Serve)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of processes that serve, on this machine.",
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
    from daypass.portal.server.signals import pending_signals
    from daypass.portal.server.worker_process import IGNORED_SIGNALS

    # A reload that is asked for during the start is done after it.
    with pending_signals(IGNORED_SIGNALS), report_errors():
        raise SystemExit(_supervise(workers, ready_fd))


def _supervise(workers: int, ready_fd: int | None) -> int:
    """Run the supervisor until it has stopped; return the exit code."""
    # Imported here, because help and completion must not wait for a web server and an AWS library.
    import structlog

    from daypass.portal.commands.serve_generations import Generations
    from daypass.portal.commands.serve_worker import work
    from daypass.portal.server.sd_notify import ServiceNotifier
    from daypass.portal.server.supervisor import Supervisor
    from daypass.portal.telemetry import logs
    from daypass.portal.telemetry.python_messages import log_python_messages

    unknown = unknown_names(os.environ)
    _check_descriptor(ready_fd)
    config = _read_config()
    prepare_database_url()
    stderr = logs.take_over_stderr()
    logs.configure(stderr, config.logs, is_final=False)
    log_python_messages()
    log = structlog.get_logger("portal")
    generations = Generations(workers, _read_config, partial(work, stderr=stderr), log)
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


def _read_config() -> PortalConfig:
    """Read the configuration; also called for each reload."""
    config = read_configuration()
    if config.exports_traces:
        _check_traces()
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


def _check_traces() -> None:
    """Raise `ConfigError` unless the extra is installed."""
    try:
        from daypass.portal.telemetry import traces  # noqa: F401  the import is the check
    except ImportError as error:
        raise ConfigError(
            f"{TRACES.name} needs OpenTelemetry, which is not installed. "
            "Install it beside Daypass: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
        ) from error
