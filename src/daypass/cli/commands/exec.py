"""`daypass exec`: a command with keys in its own environment only."""

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
def exec_command(now: Now, /, serve: bool, command: tuple[str, ...], **params: str | bool | None) -> None:
    """Run a command with keys in its environment.

    \b
    Examples:
      daypass exec --tenant dev01 -- aws s3 ls
      daypass exec --admin -- terraform plan
      daypass exec --serve --tenant dev01 -- ./a-program-that-runs-for-days
      daypass exec --identity github --tenant dev01 -- aws s3 ls

    The command replaces the daypass process, so signals, the terminal and the exit code are its own. With
    --serve it gets its keys from an endpoint on 127.0.0.1 (see `daypass serve-credentials`), from which
    every AWS SDK renews them in time and which ends with the command.

    Exit codes beyond the usual ones: 126, the command cannot be run; 127, there is no such command.
    """
    flags = options.flags_of(params)
    if serve:
        endpoint = open_endpoint(flags, now)
        variables = {**endpoint.variables, **environment.region_variables(endpoint.credentials)}
        github_actions.mask([endpoint.variables[TOKEN_VARIABLE]], os.environ)
        _serve_in_background(endpoint)
    else:
        credentials = keys(flags, os.environ, now)
        variables = environment.credential_variables(credentials)
        github_actions.mask_keys(credentials, os.environ)
    _execute(command, environment.without_keys(os.environ) | variables)


def _execute(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Replace this process by the command (execve)."""
    # execve discards the buffers of this process.
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores these signals; the command expects their default actions, as under a shell.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606  the user's own command
    except FileNotFoundError as error:
        raise CommandNotFound(f"There is no command {command[0]}.") from error
    except OSError as error:
        raise CommandNotExecutable(f"{command[0]} cannot be run: {error.strerror}.") from error


def _serve_in_background(endpoint: ContainerEndpoint) -> None:
    """Start a process that serves the endpoint until this one ends, also after its execve."""
    parent = os.getpid()
    parent_end = loopback_server.process_end(parent)
    child = os.fork()
    if child:
        # Forked twice, so that the command does not find a child that it did not start.
        os.waitpid(child, 0)
        endpoint.loopback.close()
        return
    try:
        # A session of its own: Ctrl-C in the terminal is for the command, which still needs the endpoint.
        os.setsid()
        if os.fork() == 0:
            _detach_from_terminal()
            while _is_alive(parent):
                endpoint.loopback.serve(
                    None if parent_end is not None else 1.0, [] if parent_end is None else [parent_end]
                )
                if parent_end is not None:
                    break
    finally:
        # Not `sys.exit`, which would run the caller's handlers in this process a second time.
        os._exit(0)


def _detach_from_terminal() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    # A reader of the command's output waits for the end of the pipe, so this process must not hold it open.
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    # A process in a folder keeps its file system from being unmounted.
    os.chdir("/")


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
