"""`daypass exec`: a command with keys in its environment and nowhere else."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import click

from daypass.cli.commands import options
from daypass.cli.commands.serve_credentials import open_endpoint
from daypass.cli.credentials import environment, github_actions
from daypass.cli.credentials.container_endpoint import TOKEN_VARIABLE, ContainerEndpoint
from daypass.cli.credentials.fetch import Now
from daypass.cli.credentials.provider import keys
from daypass.cli.runtime import loopback_server
from daypass.cli.runtime.errors import CommandNotExecutable, CommandNotFound


@click.command("exec", context_settings={**options.HELP, "allow_interspersed_args": False})
@click.option("--serve", is_flag=True, help="Renew the keys for as long as the command runs.")
@options.access
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec_command(now: Now, /, serve: bool, command: tuple[str, ...], **given: str | bool | None) -> None:
    """Run a command with keys in its environment.

    \b
    Examples:
      daypass exec --tenant dev01 -- aws s3 ls
      daypass exec --admin -- terraform plan
      daypass exec --serve --tenant dev01 -- ./a-program-that-runs-for-days

    The command takes the place of daypass: signals, the terminal and the exit code are its own. With
    --serve it finds its keys at an endpoint on 127.0.0.1 (see `daypass serve-credentials`), which every
    AWS SDK asks again in time and which is gone when the command is.

    Exit codes beyond the usual ones: 126, the command cannot be run; 127, there is no such command.
    """
    flags = options.flags_of(given)
    if serve:
        endpoint = open_endpoint(flags, now)
        told = {**endpoint.variables, **environment.of_region(endpoint.entry)}
        github_actions.mask([endpoint.variables[TOKEN_VARIABLE]], os.environ)
        _serve_in_background(endpoint)
    else:
        entry = keys(flags, os.environ, now)
        told = environment.of_keys(entry)
        github_actions.mask_keys(entry, os.environ)
    _execute(command, environment.without_keys(os.environ) | told)


def _execute(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Be that command from now on."""
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores these for itself; a command expects them as a shell leaves them.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606  running a command is what was asked
    except FileNotFoundError as error:
        raise CommandNotFound(f"There is no command {command[0]}.") from error
    except OSError as error:
        raise CommandNotExecutable(f"{command[0]} cannot be run: {error.strerror}.") from error


def _serve_in_background(endpoint: ContainerEndpoint) -> None:
    """Leave a process behind that answers for as long as this one lives, whatever this one becomes."""
    us = os.getpid()
    end = loopback_server.end_of(us)
    child = os.fork()
    if child:
        # It has a child of its own and is gone: the command will never see a child that is not its own.
        os.waitpid(child, 0)
        endpoint.loopback.close()
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _detach_from_terminal()
            while _is_alive(us):
                endpoint.loopback.serve(None if end is not None else 1.0, [] if end is None else [end])
                if end is not None:
                    break
    finally:
        os._exit(0)


def _detach_from_terminal() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    # Whoever reads what the command writes must not wait for us.
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir("/")


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
