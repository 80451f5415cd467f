"""`daypass web`: the AWS console, in a browser that is signed in."""

import os
from collections.abc import Mapping

import click

from daypass.cli.api import queries
from daypass.cli.api.client import Portal
from daypass.cli.auth import session
from daypass.cli.cache import request, tenant_names
from daypass.cli.commands import options
from daypass.cli.credentials import github_actions
from daypass.cli.credentials.fetch import Now
from daypass.cli.runtime import browser
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Denied, Unavailable, UsageError
from daypass.cli.runtime.one_time_redirect import OneTimeRedirect
from daypass.common.console.arn import Arn, parse
from daypass.common.console.pages import NoConsole, is_service, resource_page, service_page
from daypass.common.console.regions import extra_regions, region_error

_TIMEOUT = 60.0
"""Seconds that a browser may take to start and to come for its link."""


@click.command("web", context_settings=options.HELP)
@click.option("--print", "print_only", is_flag=True, help="Print the link; it is a secret for 15 minutes.")
@options.host
@options.scope
@options.duration
@options.caller
@options.debug
@click.argument("place", metavar="[SERVICE|ARN]", required=False)
@click.pass_obj
def web(now: Now, /, print_only: bool, place: str | None, **given: str | bool | None) -> None:
    """Open the AWS console, signed in.

    \b
    Examples:
      daypass web --tenant dev01
      daypass web --tenant dev01 s3
      daypass web --tenant dev01 arn:aws:dynamodb:us-west-2:123456789012:table/duploservices-dev01-orders
      daypass web --admin --browser firefox
      daypass web --admin --print
    """
    open_console(options.flags_of(given), now, place=place, print_only=print_only)


def open_console(flags: Mapping[str, str], now: Now, *, place: str | None, print_only: bool) -> None:
    """Sign a browser in to the console, or print the link that does."""
    wanted = request.parse_request(flags, os.environ)
    portal = session.portal(flags, os.environ, now)
    destination = None if place is None else _destination(place, wanted, portal)
    try:
        link = queries.console_url(portal, wanted, destination)
    except Denied as denied:
        raise tenant_names.suggesting(denied, os.environ, wanted.origin, wanted.tenant) from denied
    github_actions.mask([link], os.environ)
    choice = browser.chosen(flags.get("browser", ""), os.environ)
    why_none = choice.missing or ("" if "browser" in flags else browser.why_none(os.environ))
    if "no_browser" in flags:
        why_none = "--no-browser is set"
    if print_only or why_none:
        if not print_only:
            print_message(
                f"No browser was opened: {why_none}. Open this link; it is a secret for 15 minutes."
            )
        click.echo(link)
        return
    print_message(
        f"Opening your browser; waiting up to {_TIMEOUT:.0f} s until it has fetched its link from here."
    )
    # By way of a page of ours: the link itself must not be seen among the machine's processes.
    if not OneTimeRedirect(link).give(choice.command, os.environ, _TIMEOUT):
        raise Unavailable("The browser did not come for its link. Print it instead: daypass web --print")
    print_message("The browser has the link, and opens the AWS console.")


def _destination(place: str, wanted: request.CredentialRequest, portal: Portal) -> str:
    """Return the page that *place* names: a service, an ARN, or the URL or path of a page itself."""
    if place.startswith(("/", "https://", "http://")):
        return place
    if place.startswith("arn:"):
        arn = parse(place)
        if arn is None:
            raise UsageError(f"{place} is not an ARN: it looks like arn:aws:s3:::my-bucket.")
        if arn.region and (error := region_error(arn.region, extra_regions(os.environ))):
            raise UsageError(f"{place} cannot be an ARN: {error}")
        return _arn_page(arn, wanted, portal)
    if not is_service(place):
        raise UsageError(
            f"{place} is neither a service such as s3, nor an ARN, nor a page of the AWS console."
        )
    return service_page(place, _region(wanted, portal))


def _arn_page(arn: Arn, wanted: request.CredentialRequest, portal: Portal) -> str:
    try:
        page = resource_page(arn, arn.region or _region(wanted, portal))
    except NoConsole as why:
        raise UsageError(str(why)) from why
    if not page.is_exact:
        print_message(f"The page of {arn.text} is not known; opening the start page of {arn.service}.")
    return page.path


def _region(wanted: request.CredentialRequest, portal: Portal) -> str:
    if wanted.tenant is None:
        return queries.me(portal).region
    found = queries.tenants(portal)
    for tenant in found:
        if wanted.tenant.lower() == tenant.name or wanted.tenant == tenant.id:
            return tenant.region
    hint = tenant_names.nearest(wanted.tenant, [tenant.name for tenant in found])
    raise Denied(f"You have no tenant {wanted.tenant}. {hint}")
