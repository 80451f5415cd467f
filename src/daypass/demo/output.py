"""What the demo prints: calm, aligned, and in colour only on a terminal that wants it."""

import os

import click

from daypass.demo.proof import CheckResult

TITLE_WIDTH = 38


def print_text(text: str = "") -> None:
    """A line of plain text."""
    _print(text)


def print_title(text: str) -> None:
    """A heading, with room above it."""
    _print("")
    _print(click.style(text, bold=True))


def print_command(text: str) -> None:
    """A line for the reader's own terminal, indented and otherwise exactly as it is to be typed."""
    _print(f"    {text}")


def print_result(one: CheckResult) -> None:
    """One line of the checklist."""
    mark = click.style("✓", fg="green") if one.has_passed else click.style("✗", fg="red", bold=True)
    outcome = click.style(one.outcome, dim=True) if one.has_passed else one.outcome
    _print(f"  {mark} {one.title:<{TITLE_WIDTH}} {outcome}")


def _print(text: str) -> None:
    # None leaves it to click, which takes colour away from everything that is no terminal.
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)
