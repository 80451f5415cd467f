"""`daypass web`: open the AWS console in a browser, signed in."""

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
"""Seconds that a browser may take to start and fetch its link."""


@click.command("web", context_settings=options.HELP)
@click.option("--print", "print_only", is_flag=True, help="Print the link; it is a secret for 15 minutes.")
@options.host
@options.scope
@options.duration
@options.permission_set
@options.caller
@options.debug
@click.argument("target", metavar="[SERVICE|ARN]", required=False)
@click.pass_obj
def web(now: Now, /, print_only: bool, target: str | None, **params: str | bool | None) -> None:
    """Open the AWS console, signed in.

    \b
    Examples:
      daypass web --tenant dev01
      daypass web --tenant dev01 s3
      daypass web --tenant dev01 arn:aws:dynamodb:us-west-2:123456789012:table/duploservices-dev01-orders
      daypass web --admin --browser firefox
      daypass web --admin --print
    """
    open_console(options.flags_of(params), now, target=target, print_only=print_only)


def open_console(flags: Mapping[str, str], now: Now, *, target: str | None, print_only: bool) -> None:
    """Sign a browser in to the console, or print the link that does."""
    wanted = request.parse_request(flags, os.environ)
    portal = session.portal_for(wanted, flags, os.environ, now)
    destination = None if target is None else _destination(target, wanted, portal)
    try:
        link = queries.console_url(portal, wanted, destination)
    except Denied as denied:
        raise tenant_names.with_suggestion(denied, os.environ, wanted.origin, wanted.tenant) from denied
    # The log of a job can be public, and the link signs every reader in.
    github_actions.mask([link], os.environ)
    choice = browser.choose(flags.get("browser", ""), os.environ)
    # A browser that the user names is started also where none is expected, such as over SSH.
    obstacle = choice.missing or ("" if "browser" in flags else browser.unavailable_reason(os.environ))
    if "no_browser" in flags:
        obstacle = "--no-browser is set"
    if print_only or obstacle:
        if not print_only:
            print_message(
                f"No browser was opened: {obstacle}. Open this link; it is a secret for 15 minutes."
            )
        click.echo(link)
        return
    print_message(
        f"Opening your browser; waiting up to {_TIMEOUT:.0f} s until it has fetched its link from here."
    )
    # The browser is started with a loopback URL, because other users can see the arguments of processes.
    if not OneTimeRedirect(link).open_in_browser(choice.command, os.environ, _TIMEOUT):
        raise Unavailable("The browser did not fetch its link. Print it instead: daypass web --print")
    print_message("The browser has the link, and opens the AWS console.")


def _destination(target: str, wanted: request.CredentialRequest, portal: Portal) -> str:
    """Return the console page of a service or an ARN; the URL or path of a page is returned as it is."""
    if target.startswith(("/", "https://", "http://")):
        return target
    if target.startswith("arn:"):
        arn = parse(target)
        if arn is None:
            raise UsageError(f"{target} is not an ARN: it looks like arn:aws:s3:::my-bucket.")
        if arn.region and (error := region_error(arn.region, extra_regions(os.environ))):
            raise UsageError(f"{target} cannot be an ARN: {error}")
        return _arn_page(arn, wanted, portal)
    if not is_service(target):
        raise UsageError(
            f"{target} is neither a service such as s3, nor an ARN, nor a page of the AWS console."
        )
    return service_page(target, _region(wanted, portal))


def _arn_page(arn: Arn, wanted: request.CredentialRequest, portal: Portal) -> str:
    try:
        page = resource_page(arn, arn.region or _region(wanted, portal))
    except NoConsole as error:
        raise UsageError(str(error)) from error
    if not page.is_exact:
        print_message(
            f"The console page of {arn.text} is not known; opening the start page of {arn.service}."
        )
    return page.path


def _region(wanted: request.CredentialRequest, portal: Portal) -> str:
    if wanted.tenant is None:
        return queries.me(portal).region
    tenants = queries.tenants(portal)
    for tenant in tenants:
        if wanted.tenant.lower() == tenant.name or wanted.tenant == tenant.id:
            return tenant.region
    hint = tenant_names.suggestion(wanted.tenant, [tenant.name for tenant in tenants])
    raise Denied(f"You have no tenant {wanted.tenant}. {hint}")
