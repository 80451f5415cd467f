"""The environment variables in which programs find credentials, and the shell syntax that sets them."""

import re
import shlex
from collections.abc import Iterable, Mapping

from daypass.cli.cache.credentials import Credentials
from daypass.cli.credentials.container_endpoint import TOKEN_VARIABLE, URI_VARIABLE
from daypass.cli.runtime.shells import CSH, FISH, POWERSHELL

KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
)
_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")

_POWERSHELL_QUOTE = re.compile("['\u2018-\u201b]")

VARIABLES = (*KEYS, *_REGION)
"""The variables that are set for a program that reads credentials from its environment."""

_UNUSABLE = dict(zip(KEYS, ("REFUSED-BY-DAYPASS", "refused", "refused", "1970-01-01T00:00:00Z"), strict=True))
"""Credentials that AWS rejects and that are marked as expired."""

CONFLICTING_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    URI_VARIABLE,
    TOKEN_VARIABLE,
)
"""Variables that take precedence over credentials in the environment or point SDKs to other sources."""


def credential_variables(credentials: Credentials) -> dict[str, str]:
    """Return the variables for the keys and the region of *credentials*."""
    keys = credentials.keys()
    values = (keys.access_key_id, keys.secret_access_key, keys.session_token, keys.expiration)
    return dict(zip(KEYS, values, strict=True)) | region_variables(credentials)


def region_variables(credentials: Credentials) -> dict[str, str]:
    """Return the variables for the region of *credentials*; none if it has no region."""
    region = credentials.metadata().region
    return dict.fromkeys(_REGION, region) if region else {}


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without any variable that could supply other credentials."""
    return {name: value for name, value in environment.items() if name not in (*KEYS, *CONFLICTING_VARIABLES)}


def lines(syntax: str, variables: Mapping[str, str], unset: Iterable[str]) -> list[str]:
    """Return shell commands that set *variables* and unset the names in *unset*; their exit status is 0."""
    unset_names = [name for name in unset if name not in variables]
    if syntax == POWERSHELL:
        return [
            *(f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in unset_names),
            *(f"$Env:{name} = {_powershell(value)}" for name, value in variables.items()),
        ]
    if syntax == FISH:
        return [
            *(f"set --erase {name};" for name in unset_names),
            *(f"set --global --export {name} {_fish(value)};" for name, value in variables.items()),
            # `set --erase` of an unset variable fails, and a following `set` does not change the exit status.
            "true;",
        ]
    if syntax == CSH:
        return [
            *(f"unsetenv {name};" for name in unset_names),
            *(f"setenv {name} {_csh(value)};" for name, value in variables.items()),
        ]
    return [
        *(f"unset {name}" for name in unset_names),
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    ]


def failing_lines(syntax: str) -> list[str]:
    """Return the shell commands for a refusal; their exit status is not 0.

    A script that ignores the status must use neither the credentials of an earlier call nor, with the
    variables unset, those of the default profile. So the variables are set to credentials that AWS rejects.
    """
    failure = {POWERSHELL: "Write-Error 'daypass: refused'", FISH: "false;", CSH: "false;"}
    return [*lines(syntax, _UNUSABLE, CONFLICTING_VARIABLES), failure.get(syntax, "false")]


def _powershell(value: str) -> str:
    # PowerShell treats typographic single quotes as string delimiters, too.
    return "'" + _POWERSHELL_QUOTE.sub(r"\g<0>\g<0>", value) + "'"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _csh(value: str) -> str:
    # An exclamation mark starts a history substitution even inside quotes.
    return "'" + value.replace("'", "'\\''").replace("!", "\\!") + "'"
