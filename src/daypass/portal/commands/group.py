"""The command group `daypass portal`, with serve, migrate and create-admin."""

import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.portal.commands.audit import audit
from daypass.portal.commands.aws_setup import aws_setup
from daypass.portal.commands.backup import backup
from daypass.portal.commands.common import database_file, open_database, prepare_database_url, report_errors
from daypass.portal.commands.doctor import doctor
from daypass.portal.config import DATABASE_URL, VARIABLES, ConfigError, PortalConfig
from daypass.portal.errors import PortalError
from daypass.portal.secret import Secret
from daypass.portal.unknown_variables import unknown_names

if TYPE_CHECKING:
    import socket

    import structlog

    from daypass.portal.logs import LogStream
    from daypass.portal.storage.pooler import Profile


_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_HELP)
def portal() -> None:
    """Run the portal, which issues short-lived AWS credentials.

    \b
    From nothing to a portal on this machine:
      export DAYPASS_AWS_REGION=eu-central-1
      export AWS_PROFILE=daypass-portal    # or any other source of AWS credentials
      daypass portal migrate
      daypass portal create-admin you@example.com --with-token
      daypass portal serve

    Environment variables configure it; `daypass portal serve --help` lists them. To try it without an AWS
    account, run `daypass demo` instead.
    """


class _Serve(click.Command):
    """A command whose help ends with a table of environment variables."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's own
        """Write the table of variables."""
        with formatter.section("Environment"):
            formatter.write_dl(
                [
                    (variable.name, f"{variable.help} Takes {variable.takes}.{_default(variable.default)}")
                    for variable in VARIABLES
                ]
            )


def _default(default: str | None) -> str:
    if default is None:
        return " Must be set."
    return f" [{default}]" if default else ""


@portal.command(cls=_Serve)
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
    DAYPASS_BEHIND_PROXY says that a proxy terminates TLS.

    \b
    To try it on this machine:
      DAYPASS_AWS_REGION=eu-central-1 daypass portal serve
    For a network, with a certificate:
      DAYPASS_LISTEN=0.0.0.0:8443 DAYPASS_PUBLIC_URL=https://portal.example.com \\
      DAYPASS_TLS_CERTIFICATE=portal.pem DAYPASS_TLS_KEY=portal-key.pem daypass portal serve
    """
    # Imported here, because help and completion must not wait for a web server and an AWS library.
    import structlog

    from daypass.portal import app, logs, server
    from daypass.portal.storage.engine import parse_url

    with report_errors():
        unknown = unknown_names(os.environ)
        config = PortalConfig.from_environment(os.environ)
        prepare_database_url()
        if workers > 1 and parse_url(config.database_url).drivername == "sqlite":
            raise ConfigError(
                "--workers needs PostgreSQL: SQLite serves one process. See DAYPASS_DATABASE_URL."
            )
        if config.certificate and config.private_key:
            server.check_certificate(config.certificate, config.private_key)
        listening = server.bind(config.host, config.port)
        config = replace(config, port=listening.getsockname()[1])
        stderr = logs.take_over_stderr()
        logs.configure(stderr)
        for name in unknown:
            structlog.get_logger("portal").warning("Unknown variable, ignored.", variable=name)
        if workers == 1:
            _work(config, listening, ready_fd, stderr)
            # The server's threads may still call into an interpreter that is being finalized, and abort it.
            sys.stderr.flush()
            os._exit(0)
        # A configuration error is reported once here, rather than by each worker.
        app.build(config).close()
        raise SystemExit(server.run_workers(workers, lambda: _worker(config, listening, ready_fd, stderr)))


def _worker(
    config: PortalConfig, listening: "socket.socket", ready_fd: int | None, stderr: "LogStream"
) -> int:
    with report_errors():
        _work(config, listening, ready_fd, stderr)
    return 0


def _work(
    config: PortalConfig, listening: "socket.socket", ready_fd: int | None, stderr: "LogStream"
) -> None:
    """Build the portal and serve until a stop signal."""
    import gc

    import structlog

    from daypass.portal import app, cpu_affinity, server

    built = app.build(config)
    built.reach_aws()
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
        stderr.drain()
        if ready_fd is not None:
            os.write(ready_fd, f"{config.public_url}\n".encode())
            os.close(ready_fd)

    def give_up() -> None:
        log.error("A thread did not end in time.", pid=os.getpid())
        stderr.finish()

    tls = (config.certificate, config.private_key) if config.certificate and config.private_key else None
    proxies = config.trusted_proxies if config.is_behind_proxy else ()
    try:
        try:
            server.run_until_signal(built.app, listening, tls, ready, proxies)
        finally:
            with server.cleanup_timeout(give_up):
                built.close()
        log.info("stopped", pid=os.getpid())
    finally:
        stderr.finish()


def _announce(
    config: PortalConfig, profile: "Profile", log: "structlog.BoundLogger", *, is_ownerless: bool
) -> None:
    """Log that the portal is ready, and what its operator still has to do."""
    log.info("database", profile=profile)
    log.info("serving", url=config.public_url, tls=config.serves_tls, pid=os.getpid())
    _log_database(log)
    if not config.serves_tls:
        log.warning("This process speaks no TLS.", **_tls_advice(config))
    if is_ownerless:
        log.warning(
            "Nobody can sign in yet.", remedy="daypass portal create-admin you@example.com --with-token"
        )


def _log_database(log: "structlog.BoundLogger") -> None:
    file = database_file()
    if file is not None and not DATABASE_URL.read(os.environ):
        log.info("The database is at its default place.", path=str(file))
        if file.parent == Path.cwd():
            log.warning(
                "The database is the daypass.db of the folder in which the portal was started.",
                remedy=f"Set DAYPASS_DATABASE_URL=sqlite:///{file} to use it from any folder.",
            )


def _tls_advice(config: PortalConfig) -> dict[str, str]:
    if config.is_behind_proxy:
        return {"why": "DAYPASS_BEHIND_PROXY says that a proxy terminates TLS."}
    return {
        "remedy": "Set DAYPASS_TLS_CERTIFICATE and DAYPASS_TLS_KEY; tokens are not encrypted on this machine."
    }


@portal.command()
@click.option(
    "--application-role",
    metavar="ROLE",
    help="PostgreSQL: grant this role what serving needs; it cannot change or delete audit events.",
)
def migrate(application_role: str | None) -> None:
    """Migrate the database to the schema of this version. Idempotent, and safe to run concurrently.

    \b
      DAYPASS_DATABASE_URL=postgresql://daypass@db/daypass daypass portal migrate
    With one role that owns the tables and another for serving:
      DAYPASS_DATABASE_URL=postgresql://owner@db/daypass daypass portal migrate --application-role daypass
    """
    from daypass.portal.storage.migrate import migrate as apply

    with report_errors(), open_database() as database:
        apply(database, application_role)
        file = database_file()
        click.echo(f"The database{f' {file}' if file else ''} has the schema of this version.", err=True)


@portal.command("create-admin")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@click.option("--random-password", is_flag=True, help="Generate a password and print it once, on stderr.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Generate a password and write it to this new file, which only you can read.",
)
@click.option(
    "--with-token",
    is_flag=True,
    help="Also print a new permanent API token once, on stdout.",
)
def create_admin(
    username: str, password_stdin: bool, random_password: bool, password_file: Path | None, with_token: bool
) -> None:
    """Create an Administrator. USERNAME is an e-mail address.

    Prompts for a password; an empty answer generates one, which is shown once. A script or a container
    without a terminal uses one of the three options for passwords.

    \b
      daypass portal create-admin you@example.com
      pass show daypass | daypass portal create-admin you@example.com --password-stdin
      DAYPASS_TOKEN=$(daypass portal create-admin you@example.com --random-password --with-token)
      daypass portal create-admin you@example.com --password-file /run/daypass/first-password
    """
    if password_stdin + random_password + (password_file is not None) > 1:
        raise click.UsageError("Use one of --password-stdin, --random-password and --password-file.")
    from daypass.portal.audit.event import OPERATOR
    from daypass.portal.audit.units_of_work import UnitsOfWork
    from daypass.portal.clock import utc_now
    from daypass.portal.identity.authentication import Identity
    from daypass.portal.identity.model import Role, TokenKind
    from daypass.portal.storage.migrate import check

    with report_errors(), open_database() as database:
        check(database)
        password = _password(from_stdin=password_stdin, random=random_password, file=password_file)
        units = UnitsOfWork(database, utc_now)
        try:
            identity = Identity(database, units, utc_now)
            user = identity.create_user(username, Role.ADMINISTRATOR, password, OPERATOR)
            click.echo(f"{user.username} is an Administrator.", err=True)
            if with_token:
                token, known = identity.create_token(user, TokenKind.PERMANENT, "create-admin", OPERATOR)
                click.echo(
                    f"The API token, valid until {known.expires_at:%d %b %Y}, is shown only once:", err=True
                )
                click.echo(token.reveal())
        except PortalError:
            if password_file is not None:
                password_file.unlink(missing_ok=True)
            raise
        finally:
            units.close()


def _password(*, from_stdin: bool, random: bool, file: Path | None) -> Secret:
    if from_stdin:
        return Secret(sys.stdin.readline().rstrip("\r\n"))
    if file is not None:
        return _password_in_file(file)
    if random:
        return _random_password()
    if not sys.stdin.isatty():
        raise ConfigError(
            "There is no terminal for the password prompt. Use --random-password to generate and print one, "
            "--password-file to write it to a file, or --password-stdin to supply one."
        )
    typed = click.prompt(
        "Password (empty to generate one)", hide_input=True, default="", show_default=False, err=True
    )
    if not typed:
        return _random_password()
    if click.prompt("Repeat the password", hide_input=True, err=True) != typed:
        raise ConfigError("The two passwords differ. No user was created.")
    return Secret(typed)


def _random_password() -> Secret:
    made = Secret(secrets.token_urlsafe(15))
    click.echo(f"The password, shown only once: {made.reveal()}", err=True)
    return made


def _password_in_file(path: Path) -> Secret:
    """Generate a password and write it to a new file that only its owner can read."""
    made = Secret(secrets.token_urlsafe(15))
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(made.reveal() + "\n")
    except OSError as error:
        raise ConfigError(
            f"The password cannot be written to {path} ({error.strerror}). No user was created. "
            "Choose a new file."
        ) from error
    click.echo(f"The password is in {path}.", err=True)
    return made


portal.add_command(aws_setup)
portal.add_command(audit)
portal.add_command(backup)
portal.add_command(doctor)
