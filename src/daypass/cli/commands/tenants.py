"""`daypass tenants`: the caller's tenants."""

import os

import click

from daypass.cli.api import queries
from daypass.cli.auth import session
from daypass.cli.commands import options
from daypass.cli.credentials.fetch import Now
from daypass.cli.runtime.output import output_option, show_json, show_list


@click.command("tenants", context_settings=options.HELP)
@output_option
@options.portal
@click.pass_obj
def tenants(now: Now, /, output: str, **params: str | bool | None) -> None:
    """List the tenants that you may use.

    \b
    Examples:
      daypass tenants --host https://portal.example.com
      daypass tenants --output json
    """
    portal = session.portal(options.flags_of(params), os.environ, now)
    listed = queries.tenants(portal)
    if output == "json":
        show_json(listed)
    else:
        rows = [(tenant.name, tenant.region, tenant.permission_set, tenant.id) for tenant in listed]
        show_list(rows, ("TENANT", "REGION", "ACCESS", "ID"), no_tenants(portal.origin))


def no_tenants(origin: str) -> str:
    """Return the message for a caller without tenants."""
    return f"{origin} lists no tenant for you. Administrators of the portal add tenants and their members."
