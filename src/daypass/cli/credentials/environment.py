"""The environment variables through which programs find keys, and how each shell sets them."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping

from daypass.cli.cache.entries import Entry
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

OURS = (*KEYS, *_REGION)
"""What is set for a program that takes keys from its environment."""

_UNUSABLE = dict(zip(KEYS, ("REFUSED-BY-DAYPASS", "refused", "refused", "1970-01-01T00:00:00Z"), strict=True))
"""Keys that cannot work and have expired."""

RIVALS = (
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
"""What would win over keys in the environment, or lead an SDK elsewhere."""


def of_keys(entry: Entry) -> dict[str, str]:
    """The variables that hold the keys themselves."""
    keys = json.loads(entry.answer)
    values = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], keys["Expiration"])
    return dict(zip(KEYS, values, strict=True)) | of_region(entry)


def of_region(entry: Entry) -> dict[str, str]:
    """The variables that say where the tenant is."""
    region = json.loads(entry.about).get("region")
    return dict.fromkeys(_REGION, region) if region else {}


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything that could give a program other keys."""
    return {name: value for name, value in environment.items() if name not in (*KEYS, *RIVALS)}


def lines(syntax: str, variables: Mapping[str, str], unset: Iterable[str]) -> list[str]:
    """Return what a shell of that syntax runs to set *variables* and unset the others; its status is 0."""
    gone = [name for name in unset if name not in variables]
    if syntax == POWERSHELL:
        return [
            *(f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in gone),
            *(f"$Env:{name} = {_powershell(value)}" for name, value in variables.items()),
        ]
    if syntax == FISH:
        return [
            *(f"set --erase {name};" for name in gone),
            *(f"set --global --export {name} {_fish(value)};" for name, value in variables.items()),
            # `set --erase` of a variable that is not set fails, and `set` keeps the status before it.
            "true;",
        ]
    if syntax == CSH:
        return [
            *(f"unsetenv {name};" for name in gone),
            *(f"setenv {name} {_csh(value)};" for name, value in variables.items()),
        ]
    return [
        *(f"unset {name}" for name in gone),
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    ]


def failing_lines(syntax: str) -> list[str]:
    """Return what a shell of that syntax runs after a refusal: it ends with a status that is not 0.

    A script that goes on in spite of it must use neither the keys of an earlier call nor, with the variables
    unset, those of the default profile. So they hold keys that AWS accepts nowhere.
    """
    failure = {POWERSHELL: "Write-Error 'daypass: refused'", FISH: "false;", CSH: "false;"}
    return [*lines(syntax, _UNUSABLE, RIVALS), failure.get(syntax, "false")]


def _powershell(value: str) -> str:
    # PowerShell also ends such a string at each of the typographic single quotes.
    return "'" + _POWERSHELL_QUOTE.sub(r"\g<0>\g<0>", value) + "'"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _csh(value: str) -> str:
    # An exclamation mark starts a history substitution even between quotes.
    return "'" + value.replace("'", "'\\''").replace("!", "\\!") + "'"
