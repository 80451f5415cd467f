"""`daypass sessions`: the AWS sessions that the caller requested."""

import os

import click

from daypass.cli.api import queries
from daypass.cli.auth import session
from daypass.cli.commands import options
from daypass.cli.credentials.fetch import Now
from daypass.cli.runtime.output import moment, output_option, show_json, show_list


@click.command("sessions", context_settings=options.HELP)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many at most.")
@output_option
@options.portal
@click.pass_obj
def sessions(now: Now, /, output: str, limit: int, **params: str | bool | None) -> None:
    """List the AWS sessions you requested, the newest first.

    \b
    Examples:
      daypass sessions
      daypass sessions --limit 200 --output json
    """
    listed = queries.sessions(session.portal(options.flags_of(params), os.environ, now), limit)
    if output == "json":
        show_json(listed)
        return
    rows = [
        (
            moment(session.asked_at),
            session.tenant or session.scope,
            session.permission_set or "",
            session.state,
            moment(session.expires_at),
            session.purpose,
            session.door,
            session.address,
        )
        for session in listed
    ]
    show_list(
        rows,
        ("REQUESTED", "SCOPE", "ACCESS", "STATE", "UNTIL", "FOR", "VIA", "FROM"),
        "You have not requested any AWS session yet. Get keys: daypass aws --tenant NAME",
    )
