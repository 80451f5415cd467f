"""`daypass env`: keys as environment variables of the calling shell."""

import os
import sys
from collections.abc import Sequence

import click

from daypass.cli.commands import options
from daypass.cli.credentials import environment, github_actions
from daypass.cli.credentials.fetch import Now
from daypass.cli.credentials.provider import keys
from daypass.cli.runtime.errors import Refusal
from daypass.cli.runtime.shells import SHELLS, syntax_of
from daypass.cli.runtime.streams import careful_output

SHELL_FLAGS = ("--shell", "--output", "-o")
"""The flags of `env` and `serve-credentials` that choose the shell."""


@click.command("env", context_settings=options.HELP)
@click.option(
    "--shell",
    type=click.Choice([*SHELLS]),
    help="The shell to print for; by default the one that runs the command.",
)
@click.option("--unset", is_flag=True, help="Print commands that remove the keys from the shell.")
@options.access
@click.pass_obj
def env(now: Now, /, shell: str | None, unset: bool, **params: str | bool | None) -> None:
    """Print commands that put keys into your shell's environment.

    \b
    bash, zsh, ksh, sh:  eval "$(daypass env --tenant dev01)"
    fish:                daypass env --tenant dev01 | source
    csh, tcsh:           eval `daypass env --tenant dev01`
    PowerShell:          daypass env --tenant dev01 | Out-String | Invoke-Expression
    In a job of CI:      eval "$(daypass env --tenant dev01 --identity gitlab)"

    \b
    To remove them:
    bash, zsh, ksh, sh:  eval "$(daypass env --unset)"
    fish:                daypass env --unset | source
    csh, tcsh:           eval `daypass env --unset`
    PowerShell:          daypass env --unset | Out-String | Invoke-Expression

    The keys expire, and a shell does not renew them: a profile does, see `daypass configure`. If keys are
    refused, the printed commands set invalid keys and fail, so that `set -e` stops a script and no earlier
    keys are used.
    """
    syntax = syntax_of(shell, os.environ)
    if unset:
        lines = environment.lines(syntax, {}, environment.VARIABLES)
    else:
        credentials = keys(options.flags_of(params), os.environ, now)
        github_actions.mask_keys(credentials, os.environ)
        lines = environment.lines(
            syntax, environment.credential_variables(credentials), environment.CONFLICTING_VARIABLES
        )
    click.echo("\n".join(lines))


def print_failure(words: Sequence[str]) -> None:
    """Print commands that fail, so that the shell that evaluates our output fails too."""
    # On a terminal no shell evaluates the output, so the message on stderr is enough.
    if sys.stdout is None or sys.stdout.isatty():
        return
    # The words are searched without click, which may have refused them.
    chosen = _chosen_shell(words)
    if chosen == "json":
        return
    try:
        syntax = syntax_of(chosen if chosen in SHELLS else None, os.environ)
    except Refusal:
        return
    with careful_output():
        click.echo("\n".join(environment.failing_lines(syntax)))


def _chosen_shell(words: Sequence[str]) -> str | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        flag, equals, value = word.partition("=")
        if flag in SHELL_FLAGS:
            return value if equals else following
    return None
