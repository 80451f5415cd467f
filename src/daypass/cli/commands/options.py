"""The flags that commands share, and what click makes of them."""

import os
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import click

from daypass.cli.api.tls import CA_VARIABLES
from daypass.cli.runtime.deadline import DEBUG_VARIABLE
from daypass.cli.runtime.errors import Refusal

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

Params = Mapping[str, Any]
"""What click read, by the name of each flag."""

HELP = {"help_option_names": ["-h", "--help"]}


def flags_of(given: Params) -> dict[str, str]:
    """The flags that were given, as `cli.cache.request` reads them; without those of one command alone."""
    return {
        name: value if isinstance(value, str) else "yes"
        for name, value in given.items()
        if name in _SHARED and value not in (None, False)
    }


def combined(*options: Decorator) -> Decorator:
    """One decorator of many, the first one shown first."""
    return lambda command: reduce(lambda decorated, option: option(decorated), reversed(options), command)


def _debug(_context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        os.environ[DEBUG_VARIABLE] = "1"


debug = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_debug,
    help=f"Say on stderr what happens, never a secret. [{DEBUG_VARIABLE}=1]",
)


def _complete_tenant(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Complete a tenant's name from the ones that the portal listed last; it is not asked."""
    from daypass.cli.cache import request, tenant_names

    flags = {"host": context.params["host"]} if context.params.get("host") else {}
    try:
        origin = request.origin_of(flags, os.environ)
    except Refusal:
        return []
    return [name for name in sorted(tenant_names.known(os.environ, origin)) if name.startswith(begun.lower())]


# The flags that say which keys are wanted. `cli.cache.request` reads the same ones before click is loaded.
host = click.option("--host", "-H", metavar="URL", help="The portal. [DAYPASS_HOST, DUPLO_HOST]")

scope = combined(
    click.option(
        "--tenant",
        "-T",
        metavar="NAME",
        help="The tenant. [DAYPASS_TENANT, DUPLO_TENANT]",
        shell_complete=_complete_tenant,
    ),
    click.option("--admin", is_flag=True, help="Admin access instead of a tenant's; for Administrators."),
)

duration = click.option(
    "--duration", metavar="TIME", help="How long the keys live: 15m to 12h, as 90m, 1h30m or seconds."
)

ca_file = click.option(
    "--ca-file", metavar="PATH", help=f"Whose certificates to trust. [{', '.join(CA_VARIABLES)}]"
)

browser = combined(
    click.option("--browser", metavar="NAME", help="Which browser to open. [BROWSER]"),
    click.option("--no-browser", is_flag=True, help="Sign in with a code from a browser elsewhere."),
)

caller = combined(
    click.option("--token", "-t", metavar="TOKEN", help="The API token. [DAYPASS_TOKEN, DUPLO_TOKEN]"),
    click.option(
        "--token-file", metavar="PATH", help="A file that holds the API token; flags are seen by others."
    ),
    click.option(
        "--interactive",
        "-I",
        is_flag=True,
        help="Sign in if nobody is signed in; done without this flag too.",
    ),
    browser,
    ca_file,
)

no_cache = click.option(
    "--no-cache", is_flag=True, help="Ask the portal even if there are good keys, and keep none."
)

access = combined(host, scope, duration, caller, no_cache, debug)
"""Everything about keys."""

portal = combined(host, caller, debug)
"""Everything about a portal, for commands that ask for no keys."""

legacy = combined(
    click.option("--tenant-id", "--tenantid", "--tid", hidden=True),
    click.option("--isadmin", "admin", is_flag=True, hidden=True),
    click.option("--nocache", "no_cache", is_flag=True, hidden=True),
    click.option("--web-browser", "browser", hidden=True),
    # What these ask for is the way of these commands already, or belongs to the sign-in through the browser.
    click.option("--auth-cooldown", hidden=True, expose_value=False),
    click.option("--loglevel", "--log-level", "-L", hidden=True, expose_value=False),
)
"""What duploctl understands beyond that; every `daypass jit` command takes it."""

_SHARED = frozenset(
    {
        "host",
        "tenant",
        "tenant_id",
        "admin",
        "duration",
        "token",
        "token_file",
        "interactive",
        "browser",
        "no_browser",
        "ca_file",
        "no_cache",
    }
)
