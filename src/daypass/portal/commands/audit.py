"""`daypass portal audit`: verification and export of the audit log."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, TextIO

import click

from daypass.common.counting import counted
from daypass.portal.commands.common import open_database, report_errors
from daypass.portal.config.variables import ConfigError

if TYPE_CHECKING:
    from daypass.portal.storage.engine import Database


@click.group()
def audit() -> None:
    """Verify or export the audit log."""


@audit.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--heads",
    "saved_heads",
    type=click.File(encoding="utf-8"),
    help="Also check that every head in this file is in the audit log; - is standard input.",
)
def verify(form: str, saved_heads: TextIO | None) -> None:
    """Check that no event was changed, removed, moved or inserted. Exit code 1 if one was.

    Each issuance is compared with its events too. Only heads that were saved elsewhere can show that the
    newest events were cut off, or the whole audit log was rewritten. Exit code 2 if it cannot be checked.

    \b
      daypass portal audit verify
      daypass portal audit verify --heads /mnt/elsewhere/heads.jsonl
    """
    from daypass.portal.audit.verify import verify as check_chains
    from daypass.portal.audit.witness import WitnessError, read_lines

    with report_errors(exit_code=2), _open_checked() as database, database.snapshot() as connection:
        try:
            report = check_chains(connection, () if saved_heads is None else read_lines(saved_heads))
        except (WitnessError, UnicodeDecodeError) as error:
            name = "--heads" if saved_heads is None else saved_heads.name
            raise ConfigError(f"{name} cannot be used. {error}") from error
    current = [
        {"chain": head.chain_id, "position": head.position, "hash": head.hash.hex()} for head in report.heads
    ]
    if form == "json":
        result = {"is_intact": report.is_intact, "events": report.events, "problems": [*report.problems]}
        click.echo(json.dumps({**result, "heads": current}, indent=2))
    else:
        for problem in report.problems:
            click.echo(f"✗ {problem}")
        for head in current:
            click.echo(f"  {head['chain']} {head['position']} {head['hash']}")
        outcome = "The audit log is intact" if report.is_intact else "The audit log was tampered with"
        click.echo(f"{outcome}: {counted(report.events, 'event')} in {counted(len(current), 'chain')}.")
    raise SystemExit(0 if report.is_intact else 1)


@audit.command()
def heads() -> None:
    """Print the last event of each current chain.

    Each head is one line of JSON. It proves later, by `verify --heads`, that everything up to it is still in
    the audit log. Store the lines where people who can change the database cannot change them. Exit code 1
    if the audit log is empty.

    \b
      daypass portal audit heads >> /mnt/elsewhere/heads.jsonl
    """
    from daypass.portal.audit.store import read_heads
    from daypass.portal.audit.witness import head_lines
    from daypass.portal.clock import utc_now

    with report_errors(exit_code=2), _open_checked() as database:
        with database.snapshot() as connection:
            current_heads = read_heads(connection)
        if not current_heads:
            click.echo("daypass portal: The audit log is empty.", err=True)
            raise SystemExit(1)
        for line in head_lines(current_heads, utc_now()):
            click.echo(line, nl=False)


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--user", help="Only actions of this user, by name or id.")
@click.option("--tenant", help="Only events of this tenant, by name or id.")
@click.option("--action", help="Only this action, such as session.issue.")
@click.option("--since", type=click.DateTime(), help="Events at or after this time, in UTC.")
@click.option("--until", type=click.DateTime(), help="Events before this time, in UTC.")
def export(
    form: str,
    user: str | None,
    tenant: str | None,
    action: str | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Write events to standard output, newest first.

    The format is JSON Lines, or CSV that is safe to open in a spreadsheet.

    \b
      daypass portal audit export --since 2026-11-01 > november.jsonl
      daypass portal audit export --format csv --user dana@example.com > dana.csv
    """
    from daypass.portal.admin.reporting.export import FORMATS, chunks, every_event
    from daypass.portal.admin.reporting.reports import Reports, SessionFilter

    with report_errors(exit_code=2), _open_checked() as database:
        session_filter = SessionFilter(user, tenant, _in_utc(since), _in_utc(until))
        events = every_event(Reports(database), session_filter, action=action)
        # Read ahead, to say on stderr that nothing matches: a CSV has its header in any case.
        first = next(events, None)
        if first is None:
            click.echo("daypass portal: No event matches; without options, all are written.", err=True)
        for piece in chunks(FORMATS[form](events if first is None else chain([first], events))):
            click.echo(piece, nl=False)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


@contextmanager
def _open_checked() -> "Iterator[Database]":
    """Open the database for one command; raises `SchemaError` if its schema is not compatible."""
    from daypass.portal.storage.migrate import check

    with open_database() as database:
        check(database)
        yield database
