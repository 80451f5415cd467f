"""`daypass web`: the AWS console, in a browser that is signed in."""

import os
import webbrowser
from collections.abc import Mapping

import click

from daypass.cli import account, actions, ask, facts, options, places
from daypass.cli.client import Portal
from daypass.cli.errors import Denied, Misused, Unavailable
from daypass.cli.handover import Handover
from daypass.cli.patience import say
from daypass.cli.refresh import Now

_PATIENCE = 60.0
"""Seconds that a browser may take to start and to come for its link."""


@click.command("web", context_settings=options.HELP)
@options.host
@options.scope
@options.duration
@options.caller
@click.option("--print", "print_only", is_flag=True, help="Print the link; it is a secret for 15 minutes.")
@click.option("--browser", metavar="NAME", help="Which browser to open. [BROWSER]")
@options.debug
@click.argument("place", metavar="[SERVICE|ARN]", required=False)
@click.pass_obj
def web(
    now: Now,
    /,
    print_only: bool,
    browser: str | None,
    place: str | None,
    **given: str | bool | None,
) -> None:
    """Open the AWS console, signed in.

    \b
    Examples:
      daypass web --tenant dev01
      daypass web --tenant dev01 s3
      daypass web --tenant dev01 arn:aws:dynamodb:us-west-2:123456789012:table/duploservices-dev01-orders
      daypass web --admin --browser firefox
      daypass web --admin --print
    """
    open_console(options.flags_of(given), now, place=place, browser=browser, print_only=print_only)


def open_console(
    flags: Mapping[str, str], now: Now, *, place: str | None, browser: str | None, print_only: bool
) -> None:
    """Sign a browser in to the console, or print the link that does."""
    wanted = ask.understand(flags, os.environ)
    portal = account.portal(flags, os.environ, now)
    chosen = None if print_only else _browser(browser)
    destination = None if place is None else _destination(place, wanted, portal)
    link = facts.console_url(portal, wanted, destination)
    actions.mask([link], os.environ)
    if chosen is None:
        if not print_only:
            say("there is no browser here. Open this link in one; it is a secret for 15 minutes:")
        click.echo(link)
        return
    handover = Handover(link)
    # By way of a page of ours: the link itself must not be seen among the machine's processes.
    if not handover.give(chosen, _PATIENCE):
        raise Unavailable("The browser did not come for its link. Print it instead: daypass web --print")
    say("opening the AWS console in your browser.")


def _destination(place: str, wanted: ask.Ask, portal: Portal) -> str:
    region = _region(wanted, portal) if places.needs_region(place) else ""
    return places.destination(place, region)


def _region(wanted: ask.Ask, portal: Portal) -> str:
    if wanted.tenant is None:
        return facts.me(portal).region
    for tenant in facts.tenants(portal):
        if wanted.tenant.lower() == tenant.name or wanted.tenant == tenant.id:
            return tenant.region
    raise Denied(f"You have no tenant {wanted.tenant}.")


def _browser(name: str | None) -> webbrowser.BaseBrowser | None:
    """The browser of that name, else the usual one; None where there is none."""
    try:
        return webbrowser.get(name)
    except webbrowser.Error as error:
        if name is not None:
            raise Misused(f"There is no browser {name} here.") from error
        return None
