"""`daypass env`: keys as variables of the shell that one sits at."""

import os
from pathlib import PurePath

import click

from daypass.cli import actions, options, variables
from daypass.cli.keys import keys
from daypass.cli.refresh import Now

SHELLS = ("bash", "zsh", "fish", "powershell")

shell_option = click.option(
    "--shell", type=click.Choice(SHELLS), help="Whose words to print; by default your shell's, from SHELL."
)


def shell_of(chosen: str | None) -> str:
    """The shell that is meant."""
    named = chosen or PurePath(os.environ.get("SHELL", "")).name
    return named if named in SHELLS else "bash"


@click.command("env", context_settings=options.HELP)
@shell_option
@click.option("--unset", is_flag=True, help="Print what makes the shell forget the keys instead.")
@options.access
@click.pass_obj
def env(now: Now, /, shell: str | None, unset: bool, **given: str | bool | None) -> None:
    """Print what puts keys into the environment of your shell.

    \b
    bash, zsh:   eval "$(daypass env --tenant dev01)"
    fish:        daypass env --tenant dev01 | source
    PowerShell:  daypass env --shell powershell --tenant dev01 | Out-String | Invoke-Expression

    \b
    To forget them:
      eval "$(daypass env --unset)"

    The keys end by themselves, and a shell does not renew them: a profile does, see `daypass configure`.
    """
    if unset:
        told = variables.lines(shell_of(shell), {}, variables.OURS)
    else:
        entry = keys(options.flags_of(given), os.environ, now)
        actions.mask_keys(entry, os.environ)
        told = variables.lines(shell_of(shell), variables.of_keys(entry), variables.RIVALS)
    click.echo("\n".join(told))
