"""`daypass completion`: the script with which a shell completes the command line."""

import click
from click.shell_completion import get_completion_class

from daypass.cli.commands import options
from daypass.cli.runtime.errors import UsageError


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
    # click looks for this variable, whose name it forms from the name of the program.
    click.echo(completer(context.find_root().command, {}, "daypass", "_DAYPASS_COMPLETE").source())
