"""Output of commands: a table for users, or JSON for programs."""

import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.streams import carries_unicode

output_option = click.option(
    "--output",
    "-o",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table for people, or JSON for programs.",
)

_GAP = "  "


def show_list(rows: Sequence[Sequence[str]], headings: Sequence[str], if_empty: str) -> None:
    """Print *rows* as a table; without rows, print only *if_empty* on stderr."""
    if rows:
        show_table(rows, headings)
    else:
        print_message(if_empty)


def show_table(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> None:
    """Print *rows* in columns under their headings."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    _print_row(headings, widths, is_head=True)
    for row in rows:
        _print_row(row, widths)


def show_pairs(pairs: Mapping[str, str]) -> None:
    """Print names and values, one pair per line."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        click.echo(f"{name:{width}}{_GAP}{value}")


def show_json(value: object) -> None:
    """Print *value* as JSON; dataclasses become objects, times become text."""
    # Escapes are JSON's own: those of `backslashreplace`, used for tables, would be invalid JSON.
    click.echo(json.dumps(value, default=_to_json, indent=2, ensure_ascii=not carries_unicode()))


def moment(at: datetime | None) -> str:
    """Return a time in the local zone to the minute; "" for None."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M")


def _print_row(cells: Sequence[str], widths: Sequence[int], *, is_head: bool = False) -> None:
    line = _GAP.join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
    is_bold = is_head and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(click.style(line, bold=True) if is_bold else line)


def _to_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON")
