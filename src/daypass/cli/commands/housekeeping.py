"""`daypass cache` and `daypass completion`: the cached keys of this machine, and completion for its shell."""

import os

import click
from click.shell_completion import get_completion_class

from daypass.cli.cache import removal
from daypass.cli.commands import options
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import UsageError
from daypass.common.counting import counted


@click.group("cache", context_settings=options.HELP)
def cache() -> None:
    """Manage the keys that are cached on this machine.

    \b
    Example:
      daypass cache clear
    """


@cache.command("clear", short_help="Remove all cached keys.", context_settings=options.HELP)
def cache_clear() -> None:
    """Remove all cached keys; they stay valid in AWS until they expire.

    \b
    Example:
      daypass cache clear
    """
    removed = removal.clear(os.environ)
    print_message(f"{counted(removed, 'cached answer')} removed.")


@click.command("completion", context_settings=options.HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), required=False)
@click.pass_context
def completion(context: click.Context, shell: str | None) -> None:
    """Print the script for shell completion of `daypass`.

    \b
    bash:  eval "$(daypass completion bash)"      in ~/.bashrc
    zsh:   eval "$(daypass completion zsh)"       in ~/.zshrc
    fish:  daypass completion fish | source      in ~/.config/fish/config.fish
    """
    if shell is None:
        raise UsageError(
            "Which shell? Run daypass completion bash, daypass completion zsh or daypass completion fish."
        )
    completer = get_completion_class(shell)
    assert completer is not None  # noqa: S101  click has all three
    click.echo(completer(context.find_root().command, {}, "daypass", "_DAYPASS_COMPLETE").source())
