"""`daypass portal audit`: the record, checked and taken out."""

import json
from datetime import UTC, datetime

import click

from daypass.portal.operator.ground import open_database, plain_sentences


@click.group()
def audit() -> None:
    """Check the record, or take it out of the portal."""


@audit.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def verify(form: str) -> None:
    """Check that no event was changed, removed, moved or slipped in. Exit code 1 when one was.

    Keep the printed heads somewhere else: only they show that the newest events were cut off.

    \b
      daypass portal audit verify
    """
    from daypass.portal.audit.verify import verify as check_chains

    with plain_sentences(exit_code=2), open_database() as database, database.snapshot() as connection:
        report = check_chains(connection)
    heads = [
        {"chain": head.chain_id, "position": head.position, "hash": head.hash.hex()} for head in report.heads
    ]
    if form == "json":
        told = {"is_intact": report.is_intact, "events": report.events, "problems": [*report.problems]}
        click.echo(json.dumps({**told, "heads": heads}, indent=2))
    else:
        for problem in report.problems:
            click.echo(f"✗ {problem}")
        for head in heads:
            click.echo(f"  {head['chain']} {head['position']} {head['hash']}")
        outcome = "The record is what was written" if report.is_intact else "The record was tampered with"
        click.echo(f"{outcome}: {report.events} events in {len(heads)} chains.")
    raise SystemExit(0 if report.is_intact else 1)


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--user", help="Only what this user did, by name or id.")
@click.option("--tenant", help="Only what is about this tenant, by name or id.")
@click.option("--action", help="Only this action, such as session.issue.")
@click.option("--since", type=click.DateTime(), help="Not before this moment, in UTC.")
@click.option("--until", type=click.DateTime(), help="Before this moment, in UTC.")
def export(
    form: str,
    user: str | None,
    tenant: str | None,
    action: str | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Write events to standard output, newest first: JSON, one a line, or a table that is safe to open.

    \b
      daypass portal audit export --since 2026-11-01 > november.jsonl
      daypass portal audit export --format csv --user dana@example.com > dana.csv
    """
    from daypass.portal.admin.export import FORMATS, every_event
    from daypass.portal.admin.records import Filter, Records

    with plain_sentences(exit_code=2), open_database() as database:
        wanted = Filter(user, tenant, _in_utc(since), _in_utc(until))
        for line in FORMATS[form](every_event(Records(database), wanted, action=action)):
            click.echo(line, nl=False)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
