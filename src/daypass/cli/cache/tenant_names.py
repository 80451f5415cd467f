"""The cached names of the caller's tenants and permission sets, for shell completion and for suggestions."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from daypass.cli.cache import files
from daypass.cli.cache.files import CacheFile
from daypass.cli.cache.locked import LockedFiles, LockSettings
from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import Denied, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from daypass.cli.api.queries import Tenant

_LOCK = LockSettings("names", 5.0, "waiting for another daypass that caches tenant names", "Try again.")

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")

_MAX_NAMES = 1000
"""Maximum number of cached names, so that they fit into one cache file."""

_MAX_SHOWN = 20
"""Maximum number of names listed in a message."""


class TenantNames:
    """The names of the tenants that the portal at the origin *portal* listed for the caller."""

    SUFFIX: "ClassVar[str]" = ".tenants"

    __slots__ = ("names", "portal")

    def __init__(self, portal: str, names: Sequence[str]) -> None:
        self.portal = portal
        self.names = names

    def to_file(self) -> CacheFile:
        """Return the content of the file: the portal as its header, the names as JSON."""
        return CacheFile(0, files.NEVER, self.portal.encode(), json.dumps(list(self.names)).encode())

    @classmethod
    def from_file(cls, file: CacheFile) -> "TenantNames":
        """Return the names in *file*; raise ValueError if they are not JSON."""
        return cls(file.header.decode(), [str(name) for name in json.loads(file.body)])


class SetNames(TenantNames):
    """The names of the permission sets that the portal last listed for the caller."""

    SUFFIX: "ClassVar[str]" = ".sets"

    __slots__ = ()


def remember(environment: Mapping[str, str], origin: str, tenants: "Sequence[Tenant]") -> None:
    """Cache the names of tenants; failures are ignored."""
    _remember(environment, TenantNames(origin, _plain([tenant.name for tenant in tenants])))


def remember_sets(environment: Mapping[str, str], origin: str, names: Sequence[str]) -> None:
    """Cache the names of permission sets; failures are ignored."""
    _remember(environment, SetNames(origin, _plain(names)))


def _plain(names: Sequence[str]) -> Sequence[str]:
    # The names reach shells and terminals, so they must not contain characters special to either.
    return [name for name in names[:_MAX_NAMES] if _PLAIN.fullmatch(name)]


def _remember(environment: Mapping[str, str], names: TenantNames) -> None:
    with suppress(Refusal, ValueError, OSError):
        locked = LockedFiles(files.folder(environment), fingerprint(names.portal.encode()), _LOCK)
        with locked:
            locked.write(names)


def cached_names(environment: Mapping[str, str], origin: str) -> Sequence[str]:
    """Return the cached names of tenants; an empty list if there are none."""
    return _cached(environment, origin, TenantNames)


def cached_set_names(environment: Mapping[str, str], origin: str) -> Sequence[str]:
    """Return the cached names of permission sets; an empty list if there are none."""
    return _cached(environment, origin, SetNames)


def _cached(environment: Mapping[str, str], origin: str, kind: type[TenantNames]) -> Sequence[str]:
    with suppress(ValueError, OSError), files.open_private_folder(files.folder(environment)) as directory:
        cached = files.read(directory, fingerprint(origin.encode()), kind)
        if cached is not None:
            return cached.names
    return []


def list_sentence(names: Sequence[str]) -> str:
    """Return a sentence that lists the tenants, or that says how to list them."""
    if not names:
        return "Yours are listed by: daypass tenants"
    more = f" and {len(names) - _MAX_SHOWN} more (daypass tenants)" if len(names) > _MAX_SHOWN else ""
    return f"Yours: {', '.join(sorted(names)[:_MAX_SHOWN])}{more}."


def suggestion(name: str, names: Sequence[str]) -> str:
    """Return a sentence that suggests names similar to *name*, or lists the tenants if none is similar."""
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    close += [each for each in sorted(names) if each.startswith(name.lower()) and each not in close][:3]
    return f"Did you mean {' or '.join(close[:3])}?" if close else list_sentence(names)


def with_suggestion(
    refusal: Denied, environment: Mapping[str, str], origin: str, tenant: str | None
) -> Denied:
    """Return the refusal with similar names added, if *tenant* is not among the cached names."""
    names = cached_names(environment, origin)
    if tenant is None or not names or tenant.lower() in names:
        return refusal
    return type(refusal)(f"{refusal} {suggestion(tenant, names)}")
