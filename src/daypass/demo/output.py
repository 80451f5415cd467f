"""The demo's output, in colour only on a terminal without NO_COLOR."""

import os

import click

from daypass.demo.proof import CheckResult

TITLE_WIDTH = 38


def print_text(text: str = "") -> None:
    """Print a line of plain text."""
    _print(text)


def print_title(text: str) -> None:
    """Print a heading below an empty line."""
    _print("")
    _print(click.style(text, bold=True))


def print_command(text: str) -> None:
    """Print a command for the user to paste, indented."""
    _print(f"    {text}")


def print_result(result: CheckResult) -> None:
    """Print the result of a check."""
    mark = click.style("✓", fg="green") if result.has_passed else click.style("✗", fg="red", bold=True)
    outcome = click.style(result.outcome, dim=True) if result.has_passed else result.outcome
    _print(f"  {mark} {result.title:<{TITLE_WIDTH}} {outcome}")


def _print(text: str) -> None:
    # With None, click removes colours unless the output is a terminal.
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)
