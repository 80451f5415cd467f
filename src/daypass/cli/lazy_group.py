"""The root command: a click group that imports a command only when it is used."""

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import click

from daypass import __version__
from daypass.cli.runtime.errors import EXIT_CODES, Misconfigured, UsageError
from daypass.common.counting import enumerated
from daypass.common.package import install_advice

OwnCommands = Mapping[str, tuple[str, str]]
"""For each of the CLI's own commands: its location (`module:name`) and its help text."""

ExtraCommands = Mapping[str, tuple[str, str, str]]
"""For each other command group: its location (`module:name`), the extras it needs, and its help text."""


_REQUIREMENT_OF_EXTRA = re.compile(r"(?P<package>[\w.-]+).*;.*\bextra == [\"'](?P<extra>[\w.-]+)[\"']")
"""A line of the package's metadata (PEP 508), such as `psycopg[binary]>=3.2; extra == 'server'`."""


class NotInstalled(Misconfigured):
    """The libraries of a command group are missing from this Python environment."""


class Root(click.Group):
    """The group `daypass`: lists all commands and imports only the one that is used."""

    own_commands: OwnCommands = MappingProxyType({})
    extra_commands: ExtraCommands = MappingProxyType({})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, the CLI's own first."""
        return [*super().list_commands(ctx), *self.own_commands, *self.extra_commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a placeholder for the command with the help text that a listing shows."""
        if cmd_name in self.own_commands:
            return click.Command(cmd_name, short_help=self.own_commands[cmd_name][1])
        if cmd_name in self.extra_commands:
            return click.Command(cmd_name, short_help=self.extra_commands[cmd_name][2])
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Import and return the command that is to be run or completed."""
        if args and args[0] in self.own_commands:
            return args[0], load(self.own_commands[args[0]][0]), args[1:]
        if args and args[0] in self.extra_commands:
            return args[0], self._resolve_extra(ctx, args[0]), args[1:]
        if args and not args[0].startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            from daypass.cli.commands.legacy import SUBJECTS

            if instead := SUBJECTS.get(args[0]):
                raise UsageError(f"There is no `daypass {args[0]}`. {instead}")
            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def _resolve_extra(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return the command group; completion gets a placeholder if it is not installed."""
        try:
            return _load_extra(name, *self.extra_commands[name][:2])
        except NotInstalled:
            if ctx.resilient_parsing:
                return self.get_command(ctx, name)
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's own
        """Write the exit codes below everything else."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def load(location: str) -> click.Command:
    """Import and return the command at *location*, written as `module:name`."""
    module, _, attribute = location.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


def _load_extra(name: str, location: str, extra: str) -> click.Command:
    # Some modules import their libraries only inside a command, so a successful import proves nothing.
    missing = _missing_packages(extra)
    if missing:
        raise _not_installed(name, extra, missing)
    try:
        return load(location)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("daypass"):
            raise
        raise _not_installed(name, extra, [error.name or "a module"]) from error


def _not_installed(name: str, extra: str, missing: Sequence[str]) -> NotInstalled:
    listed = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
    extras = extra.split(",")
    # Some of the extras may be installed, so only the list of packages shows what is missing.
    state = "extra, which is not installed" if len(extras) == 1 else "extras, which are not all installed"
    return NotInstalled(
        f"`daypass {name}` needs the {enumerated(extras)} {state} (missing: {listed}). "
        f"Install it: {install_advice(__version__, extra)}"
    )


def _missing_packages(extras: str) -> list[str]:
    """Return the packages that *extras* (separated by commas) require and this environment lacks."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        requirements = distribution("daypass").requires or []
    except PackageNotFoundError:
        # In a source tree that is not installed, only the import itself can fail.
        return []
    missing = []
    for requirement in requirements:
        match = _REQUIREMENT_OF_EXTRA.match(requirement)
        if match is None or match["extra"] not in extras.split(","):
            continue
        try:
            distribution(match["package"])
        except PackageNotFoundError:
            missing.append(match["package"])
    return sorted(set(missing))
