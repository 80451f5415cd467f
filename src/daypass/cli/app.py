"""The CLI's commands, each imported when it is used, and the place where errors become messages."""

import os
from collections.abc import Callable

import click

from daypass import __version__
from daypass.cli.lazy_group import ExtraCommands, OwnCommands, Root
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Unwritable
from daypass.cli.runtime.exit_status import exit_code_of, without_tokens
from daypass.cli.runtime.streams import careful_output
from daypass.common.lines import one_line

OWN_COMMANDS: OwnCommands = {
    "aws": ("daypass.cli.commands.aws:aws", "Print keys in the form that credential_process expects."),
    "login": ("daypass.cli.commands.login:login", "Sign in through the browser, for twelve hours."),
    "logout": (
        "daypass.cli.commands.login:logout",
        "Sign out on this machine and at the portal.",
    ),
    "portals": (
        "daypass.cli.commands.portals:portals",
        "List the portals that you signed in to on this machine.",
    ),
    "use": ("daypass.cli.commands.portals:use", "Make a portal the default for commands without --host."),
    "jit": ("daypass.cli.commands.jit:jit", "The same commands under duploctl's names: daypass jit aws …"),
    "configure": ("daypass.cli.commands.configure:configure", "Write profiles into the AWS config file."),
    "env": ("daypass.cli.commands.env:env", "Print commands that put keys into your shell's environment."),
    "exec": ("daypass.cli.commands.exec:exec_command", "Run a command with keys in its environment."),
    "serve-credentials": (
        "daypass.cli.commands.serve_credentials:serve_credentials",
        "Serve keys to AWS SDKs on this machine until stopped.",
    ),
    "web": ("daypass.cli.commands.web:web", "Open the AWS console, signed in."),
    "tenants": ("daypass.cli.commands.tenants:tenants", "List the tenants that you may use."),
    "permission-sets": (
        "daypass.cli.commands.permission_sets:permission_sets",
        "List the permission sets that you may request for a tenant.",
    ),
    "whoami": (
        "daypass.cli.commands.whoami:whoami",
        "Show who you are, and the cached keys of this machine.",
    ),
    "sessions": (
        "daypass.cli.commands.sessions:sessions",
        "List the AWS sessions you requested, the newest first.",
    ),
    "token": ("daypass.cli.commands.token:token", "Print the API token that other commands would use."),
    "apply": ("daypass.cli.commands.apply:apply", "Make users, tenants and settings match a file."),
    "export": (
        "daypass.cli.commands.apply:export",
        "Print users, tenants and settings as a file to apply.",
    ),
    "cache": ("daypass.cli.commands.cache:cache", "Manage the keys that are cached on this machine."),
    "doctor": ("daypass.cli.commands.doctor:doctor", "Find out why this machine gets no keys."),
    "completion": (
        "daypass.cli.commands.completion:completion",
        "Print the script for shell completion of `daypass`.",
    ),
}


def run(words: list[str], extra_commands: ExtraCommands, now: Callable[[], float]) -> int:
    """Run the command line *words* and return its exit code."""
    root.own_commands, root.extra_commands = OWN_COMMANDS, extra_commands
    words = _with_flags_last(words)
    code = exit_code_of(lambda: _with_careful_output(words, now), words)
    if code not in (0, Unwritable.exit_code) and words[:1] in (["env"], ["serve-credentials"]):
        from daypass.cli.commands.env import print_failure

        exit_code_of(lambda: print_failure(words), words)
    return code


def _with_careful_output(words: list[str], now: Callable[[], float]) -> object:
    with careful_output():
        return _run_click(words, now)


def _run_click(words: list[str], now: Callable[[], float]) -> object:
    """Run the command through click; return its result, or the exit code of an invalid command line."""
    colour = False if os.environ.get("NO_COLOR") else None
    try:
        return root.main(words, prog_name="daypass", standalone_mode=False, obj=now, color=colour)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        print_message(_error_message(error, words))
        return error.exit_code
    except click.Abort:
        # click has written the line break itself.
        return 130


def _with_flags_last(words: list[str]) -> list[str]:
    """Return the words with flags that duploctl's users write before `jit …` moved behind it."""
    if words[:1] and words[0].startswith("-") and "jit" in words:
        position = words.index("jit")
        return [*words[position : position + 2], *words[:position], *words[position + 2 :]]
    return words


def _error_message(error: click.ClickException, words: list[str]) -> str:
    """Return the message for an invalid command line, with everything that may be a token removed."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" See: {context.command_path} --help" if context else ""
    # click lists the choices of a missing argument on separate lines.
    message = one_line(error.format_message())
    return without_tokens(message, words) + hint


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def root() -> None:
    """Short-lived AWS access from a Daypass portal.

    \b
    Once: sign in, and get a profile in ~/.aws/config for each of your tenants.
      daypass configure --host https://portal.example.com --all
      aws --profile dev01 s3 ls

    \b
    Keys without a profile:
      daypass exec --host https://portal.example.com --tenant dev01 -- aws s3 ls
      daypass aws --host https://portal.example.com --tenant dev01

    Once signed in to a portal, or with DAYPASS_HOST set to its address, --host is not needed.
    """
