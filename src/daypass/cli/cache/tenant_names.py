"""The cached names of the caller's tenants, for shell completion and for suggestions in error messages."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from daypass.cli.cache import entries
from daypass.cli.cache.entries import Entry
from daypass.cli.cache.locked import CacheSlot, FileKind
from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import Denied, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from daypass.cli.api.queries import Tenant

_NAMES = FileKind(
    entries.NAMES, "names", 5.0, "waiting for another daypass that caches tenant names", "Try again."
)

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")

_MAX_NAMES = 1000
"""Maximum number of cached names, so that they fit into one cache file."""

_MAX_SHOWN = 20
"""Maximum number of names listed in a message."""

_FOR_EVER = 2**40


def remember(environment: Mapping[str, str], origin: str, tenants: "Sequence[Tenant]") -> None:
    """Cache the names; failures are ignored."""
    # The names reach shells and terminals, so they must not contain characters special to either.
    names = [tenant.name for tenant in tenants[:_MAX_NAMES] if _PLAIN.fullmatch(tenant.name)]
    entry = Entry(json.dumps(names).encode(), origin.encode(), 0, _FOR_EVER)
    with suppress(Refusal, ValueError, OSError):
        slot = CacheSlot(entries.folder(environment), fingerprint(origin.encode()), _NAMES)
        with slot:
            slot.write(entry)


def cached_names(environment: Mapping[str, str], origin: str) -> list[str]:
    """Return the cached names; an empty list if there are none."""
    with suppress(ValueError, OSError), entries.open_private_folder(entries.folder(environment)) as directory:
        entry = entries.read(directory, fingerprint(origin.encode()), entries.NAMES)
        if entry is not None:
            return [str(name) for name in json.loads(entry.answer)]
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
