"""Expansion of `~` in paths that the user gives."""

from daypass.cli.runtime.errors import Misconfigured
from daypass.common.home import expand_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def expanded(path: str, environment: "Mapping[str, str]") -> str:
    """Return *path* with its `~` expanded; raise `Misconfigured` if there is no such home directory."""
    full = expand_user(path, environment)
    if full is None:
        raise no_home(path)
    return full


def no_home(path: str) -> Misconfigured:
    """Return the refusal for a path in a home directory that does not exist."""
    return Misconfigured(
        f"{path} is in a home directory, and there is none here. Set HOME, or give the path in full."
    )
