"""The command-line options that commands share."""

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
"""The parameters that click parsed, by name."""

HELP = {"help_option_names": ["-h", "--help"]}


def flags_of(params: Params) -> dict[str, str]:
    """Return the shared flags that were set, in the form of `cli.cache.request`."""
    return {
        name: value if isinstance(value, str) else "yes"
        for name, value in params.items()
        if name in _SHARED and value not in (None, False)
    }


def combined(*options: Decorator) -> Decorator:
    """Combine decorators into one; the help lists their options in this order."""
    return lambda command: reduce(lambda decorated, option: option(decorated), reversed(options), command)


def _debug(_context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        # In the environment, because code that runs without click reads it there.
        os.environ[DEBUG_VARIABLE] = "1"


debug = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_debug,
    help=f"Print progress to stderr, without secrets. [{DEBUG_VARIABLE}=1]",
)


def _complete_tenant(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Complete a tenant's name from the cached list; the portal is not called."""
    # Imported here, as in the other completions, because no command needs it.
    from daypass.cli.cache import tenant_names

    origin = _origin(context)
    names = tenant_names.cached_names(os.environ, origin) if origin else []
    return [name for name in sorted(names) if name.startswith(begun.lower())]


def _origin(context: click.Context) -> str:
    """Return the portal of the command line that is being completed; "" if it names none."""
    from daypass.cli.cache import request

    flags = {"host": context.params["host"]} if context.params.get("host") else {}
    try:
        return request.origin_of(flags, os.environ)
    except Refusal:
        return ""


# The flags that select the keys. `cli.cache.request` reads the same ones before click is loaded.
host = click.option("--host", "-H", metavar="URL", help="The portal. [DAYPASS_HOST, DUPLO_HOST]")

tenant = click.option(
    "--tenant",
    "-T",
    metavar="NAME",
    help="The tenant. [DAYPASS_TENANT, DUPLO_TENANT]",
    shell_complete=_complete_tenant,
)

scope = combined(
    tenant,
    click.option("--admin", is_flag=True, help="Admin access instead of a tenant's; for Administrators."),
)

duration = click.option(
    "--duration", metavar="TIME", help="How long the keys are valid: 15m to 12h, as 90m, 1h30m or seconds."
)


def _complete_permission_set(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Complete a permission set's name from the cached list and the built-in sets."""
    from daypass.cli.cache import tenant_names

    origin = _origin(context)
    cached = tenant_names.cached_set_names(os.environ, origin) if origin else []
    return [name for name in sorted({*cached, "full", "read-only"}) if name.startswith(begun.lower())]


permission_set = click.option(
    "--permission-set",
    metavar="NAME",
    help="The permission set of the session; by default the one that you have.",
    shell_complete=_complete_permission_set,
)

ca_file = click.option(
    "--ca-file",
    metavar="PATH",
    help=f"File with the trusted certificate authorities. [{', '.join(CA_VARIABLES)}]",
)

browser = combined(
    click.option("--browser", metavar="NAME", help="Which browser to open. [BROWSER]"),
    click.option("--no-browser", is_flag=True, help="Sign in with a code from a browser elsewhere."),
)


def _complete_identity(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Complete the name of a system that signs identity tokens."""
    from daypass.cli.identity.selection import AUTO, FILE_PREFIX, NONE, SYSTEMS

    return [name for name in (AUTO, *SYSTEMS, FILE_PREFIX, NONE) if name.startswith(begun)]


caller = combined(
    click.option("--token", "-t", metavar="TOKEN", help="The API token. [DAYPASS_TOKEN, DUPLO_TOKEN]"),
    click.option(
        "--token-file", metavar="PATH", help="A file with the API token; flags are visible to other users."
    ),
    click.option(
        "--identity",
        metavar="NAME",
        help="Whose token proves the identity of a CI job: auto, none, file:PATH or a system such as github; "
        "see the guide on pipelines. [DAYPASS_IDENTITY]",
        shell_complete=_complete_identity,
    ),
    click.option(
        "--service-account",
        metavar="NAME",
        help="The service account or workload rule of the job, if several fit. [DAYPASS_SERVICE_ACCOUNT]",
    ),
    click.option(
        "--interactive",
        "-I",
        is_flag=True,
        help="Sign in if needed; this is also done without this flag.",
    ),
    browser,
    ca_file,
)

no_cache = click.option("--no-cache", is_flag=True, help="Neither use nor store cached keys.")

access = combined(host, scope, duration, permission_set, caller, no_cache, debug)
"""All options of commands that request keys."""

portal = combined(host, caller, debug)
"""All options of commands that call the portal and request no keys."""

legacy = combined(
    click.option("--tenant-id", "--tenantid", "--tid", hidden=True),
    click.option("--isadmin", "admin", is_flag=True, hidden=True),
    click.option("--nocache", "no_cache", is_flag=True, hidden=True),
    click.option("--web-browser", "browser", hidden=True),
    # Accepted and ignored: these commands already behave so, or the browser sign-in decides it.
    click.option("--auth-cooldown", hidden=True, expose_value=False),
    click.option("--loglevel", "--log-level", "-L", hidden=True, expose_value=False),
)
"""duploctl's further options, which every `daypass jit` command accepts."""

_SHARED = frozenset(
    {
        "host",
        "tenant",
        "tenant_id",
        "admin",
        "reauthenticate",
        "duration",
        "permission_set",
        "token",
        "token_file",
        "interactive",
        "browser",
        "no_browser",
        "identity",
        "service_account",
        "ca_file",
        "no_cache",
    }
)
"""The flags that `flags_of` passes on, by the names of click's parameters; `cli.cache.request` reads them."""
