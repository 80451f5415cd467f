"""`daypass permission-sets`: the permission sets that the caller may request for a tenant."""

import os

import click

from daypass.cli.api import queries
from daypass.cli.auth import session
from daypass.cli.cache import request
from daypass.cli.commands import options
from daypass.cli.credentials.fetch import Now
from daypass.cli.runtime.output import output_option, show_json, show_list


@click.command("permission-sets", context_settings=options.HELP)
@output_option
@options.tenant
@options.portal
@click.pass_obj
def permission_sets(now: Now, /, output: str, **params: str | bool | None) -> None:
    """List the permission sets that you may request for a tenant.

    \b
    Examples:
      daypass permission-sets --tenant dev01
      daypass aws --tenant dev01 --permission-set read-only

    A permission set takes away from what the tenant's role allows. Without --permission-set, a session gets
    the one that you have in the tenant, which `daypass tenants` shows.
    """
    flags = options.flags_of(params)
    tenant = request.tenant_of(flags, os.environ)
    listed = queries.permission_sets(session.portal(flags, os.environ, now), tenant)
    if output == "json":
        show_json(listed)
        return
    rows = [(each.name, str(each.rank), each.description) for each in listed]
    show_list(rows, ("NAME", "RANK", "DESCRIPTION"), f"You may request no permission set of {tenant}.")
