"""The environment variables through which programs find keys, and how each shell sets them."""

import json
import shlex
from collections.abc import Iterable, Mapping

from daypass.cli.cache import Entry
from daypass.cli.endpoint import TOKEN_VARIABLE, URI_VARIABLE

_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
)
_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")

OURS = (*_KEYS, *_REGION)
"""What is set for a program that takes keys from its environment."""

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
    return dict(zip(_KEYS, values, strict=True)) | of_region(entry)


def of_region(entry: Entry) -> dict[str, str]:
    """The variables that say where the tenant is."""
    region = json.loads(entry.about).get("region")
    return dict.fromkeys(_REGION, region) if region else {}


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything that could give a program other keys."""
    return {name: value for name, value in environment.items() if name not in (*_KEYS, *RIVALS)}


def lines(shell: str, variables: Mapping[str, str], unset: Iterable[str]) -> list[str]:
    """What that shell runs to set these variables and to forget those."""
    gone = [name for name in unset if name not in variables]
    if shell == "powershell":
        return [
            *(f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in gone),
            *(f"$Env:{name} = {_powershell(value)}" for name, value in variables.items()),
        ]
    if shell == "fish":
        return [
            *(f"set --erase {name};" for name in gone),
            *(f"set --global --export {name} {_fish(value)};" for name, value in variables.items()),
        ]
    return [
        *(f"unset {name}" for name in gone),
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    ]


def _powershell(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
