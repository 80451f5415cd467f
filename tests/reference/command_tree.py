"""The commands of `daypass`, with their click objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import click

from daypass.cli.app import OWN_COMMANDS, root
from daypass.cli.lazy_group import load
from daypass.main import EXTRA_COMMANDS


@dataclass(frozen=True, slots=True)
class Node:
    """A command or a group of commands."""

    path: str
    """The words that call it, such as `daypass portal audit`."""
    command: click.Command
    short_help: str

    @property
    def subcommands(self) -> "Mapping[str, Node]":
        """The visible commands of a group, by name; empty for a command."""
        if not isinstance(self.command, click.Group):
            return {}
        context = click.Context(self.command)
        found = {
            name: self.command.get_command(context, name) for name in self.command.list_commands(context)
        }
        return {
            name: Node(f"{self.path} {name}", command, command.get_short_help_str(limit=200))
            for name, command in found.items()
            if command is not None and not command.hidden
        }

    @property
    def options(self) -> list[click.Option]:
        """The options, including hidden ones and `--help`."""
        return [
            parameter
            for parameter in self.command.get_params(click.Context(self.command, info_name=self.path))
            if isinstance(parameter, click.Option)
        ]


@cache
def top_commands() -> Mapping[str, Node]:
    """Return the commands after `daypass`, in the order of its help."""
    own = {name: Node(f"daypass {name}", load(place), text) for name, (place, text) in OWN_COMMANDS.items()}
    extra = {
        name: Node(f"daypass {name}", load(place), text) for name, (place, _, text) in EXTRA_COMMANDS.items()
    }
    return {**own, **extra}


def root_node() -> Node:
    """Return the command `daypass` itself."""
    return Node("daypass", root, "")


def every_command() -> Iterator[Node]:
    """Yield each command that does something, such as `daypass portal audit verify`."""
    waiting = list(top_commands().values())
    while waiting:
        node = waiting.pop(0)
        if node.subcommands:
            waiting = [*node.subcommands.values(), *waiting]
        else:
            yield node
