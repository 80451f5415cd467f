"""The commands of the CLI, as click shows them, and the one place where a fault becomes a sentence."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import click
from click.shell_completion import get_completion_class

from daypass.cli import aws, keep, refresh
from daypass.cli.errors import Refusal
from daypass.cli.patience import say
from daypass.cli.scrub import known_tokens, possible_tokens, scrubbed
from daypass.cli.trust import CA_VARIABLES
from daypass.cli.wings import Root, Wings

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

HELP = {"help_option_names": ["-h", "--help"]}


def run(words: list[str], wings: Wings, now: refresh.Now) -> int:
    """Answer the command line; the result is the exit code."""
    root.wings = wings
    colour = False if os.environ.get("NO_COLOR") else None
    try:
        outcome = root.main(words, prog_name="daypass", standalone_mode=False, obj=now, color=colour)
    except Refusal as refusal:
        say(scrubbed(str(refusal), known_tokens(words, os.environ)))
        return refusal.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        say(_corrected(error, words))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except Exception as error:
        say(_unexpected(error, words))
        return 1
    return outcome if isinstance(outcome, int) else 0


def _corrected(error: click.ClickException, words: list[str]) -> str:
    """What was wrong with the command line, without what may be a token in the wrong place."""
    sentence = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" See: {context.command_path} --help" if context else ""
    return scrubbed(sentence, known_tokens(words, os.environ) | possible_tokens(words)) + hint


def _unexpected(error: Exception, words: list[str]) -> str:
    if os.environ.get("DAYPASS_DEBUG") != "1":
        return f"unexpected: {type(error).__name__}. DAYPASS_DEBUG=1 shows where; please report it."
    trace = "".join(traceback.format_exception(error))
    return scrubbed(trace, known_tokens(words, os.environ) | possible_tokens(words))


@click.group(cls=Root, context_settings=HELP)
@click.version_option(package_name="daypass", message="%(prog)s %(version)s")
def root() -> None:
    """Short-lived AWS access from a Daypass portal.

    \b
    Keys for a tenant, as every AWS tool understands them:
      daypass aws --host https://portal.example.com --tenant dev01

    \b
    The same in ~/.aws/config, so that you never think about it again:
      [profile dev01]
      credential_process = daypass aws --host https://portal.example.com --tenant dev01
    """


def _with(*options: Decorator) -> Decorator:
    """One decorator of many, the first one shown first."""
    return lambda command: reduce(lambda decorated, option: option(decorated), reversed(options), command)


# The flags that say which keys are wanted. `daypass.cli.ask` reads the same ones before click is loaded.
_access = _with(
    click.option("--host", "-H", metavar="URL", help="The portal. [DAYPASS_HOST, DUPLO_HOST]"),
    click.option("--tenant", "-T", metavar="NAME", help="The tenant. [DAYPASS_TENANT, DUPLO_TENANT]"),
    click.option("--admin", is_flag=True, help="Admin access instead of a tenant's; for Administrators."),
    click.option("--duration", metavar="TIME", help="How long the keys live: 15m to 12h, or seconds."),
    click.option("--token", "-t", metavar="TOKEN", help="The API token. [DAYPASS_TOKEN, DUPLO_TOKEN]"),
    click.option(
        "--token-file", metavar="PATH", help="A file with the API token, unlike a flag unseen by others."
    ),
    click.option(
        "--interactive", "-I", is_flag=True, help="Sign in through the browser: with a later release."
    ),
    click.option(
        "--ca-file", metavar="PATH", help=f"Whose certificates to trust. [{', '.join(CA_VARIABLES)}]"
    ),
    click.option(
        "--no-cache", is_flag=True, help="Ask the portal even if there are good keys, and keep none."
    ),
)

_legacy = _with(
    click.option("--tenant-id", "--tenantid", "--tid", hidden=True),
    click.option("--isadmin", "admin", is_flag=True, hidden=True),
    click.option("--nocache", "no_cache", is_flag=True, hidden=True),
    click.option("--output", "-o", type=click.Choice(["json"]), hidden=True),
    # What these ask for is the way of this command already, or belongs to the sign-in through the browser.
    click.option("--browser", "--web-browser", hidden=True, expose_value=False),
    click.option("--auth-cooldown", hidden=True, expose_value=False),
    click.option("--loglevel", "--log-level", "-L", hidden=True, expose_value=False),
)


@root.command("aws", context_settings=HELP)
@_access
@click.pass_obj
def aws_command(now: refresh.Now, /, **given: str | bool | None) -> None:
    """Print keys for a tenant, or for an Administrator, as credential_process wants them.

    \b
    Examples:
      daypass aws --host https://portal.example.com --tenant dev01
      daypass aws --host portal.example.com --admin --duration 2h
      DAYPASS_TOKEN=… daypass aws --host portal.example.com --tenant dev01

    The keys are kept in a private cache and given out again while at least 15 minutes, or a quarter of
    their life, are left. Only the JSON goes to stdout; whatever a person should know goes to stderr.
    The exit codes are listed in `daypass --help`.
    """
    _print_keys(given, now)


@root.group("jit", context_settings=HELP)
def jit() -> None:
    """The same in duploctl's words: daypass jit aws …"""


@jit.command("aws", context_settings=HELP)
@_access
@_legacy
@click.pass_obj
def jit_aws(now: refresh.Now, /, **given: str | bool | None) -> None:
    """What `duploctl jit aws` prints, from the same flags: put `daypass` in its place.

    \b
    In ~/.aws/config:
      credential_process = daypass jit aws --host https://portal.example.com --admin --interactive
    """
    # duploctl lets --admin win over a tenant that is given too.
    if given["admin"]:
        given |= {"tenant": None, "tenant_id": None}
    _print_keys(given, now)


@root.group("cache", context_settings=HELP)
def cache() -> None:
    """The keys that are kept on this machine."""


@cache.command("clear", context_settings=HELP)
def cache_clear() -> None:
    """Remove all kept keys; they stay valid in AWS until they end by themselves."""
    removed = keep.clear(os.environ)
    say(f"{removed} kept {'answer' if removed == 1 else 'answers'} removed.")


@root.command("completion", context_settings=HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that makes a shell complete `daypass`.

    \b
    bash:  eval "$(daypass completion bash)"      in ~/.bashrc
    zsh:   eval "$(daypass completion zsh)"       in ~/.zshrc
    fish:  daypass completion fish | source      in ~/.config/fish/config.fish
    """
    completer = get_completion_class(shell)
    assert completer is not None  # noqa: S101  click has all three
    click.echo(completer(root, {}, "daypass", "_DAYPASS_COMPLETE").source())


def _print_keys(given: Mapping[str, str | bool | None], now: refresh.Now) -> None:
    flags = {
        name: value if isinstance(value, str) else "yes"
        for name, value in given.items()
        if value not in (None, False)
    }
    os.write(sys.stdout.fileno(), aws.answer(flags, os.environ, now))
