"""Fetching credentials through the cache: concurrent processes share one call (single-flight)."""

import json
import os
from collections.abc import Callable

from daypass.cli.cache import entries
from daypass.cli.cache.entries import Entry, UnsafeCacheFile
from daypass.cli.cache.locked import CacheSlot, discard_other_access
from daypass.cli.runtime.deadline import debug, print_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from daypass.cli.api.client import IssuedKeys, Portal
    from daypass.cli.cache.request import CredentialRequest

Now = Callable[[], float]

_MARGIN = 16 * 60
"""Minimum remaining lifetime of cached credentials, in seconds.

With less than 15 minutes left, botocore requests new credentials before each AWS request.
"""

SHORT = 2 * _MARGIN
"""Lifetime in seconds below which the margin is half the lifetime; botocore then refreshes constantly."""

_COMPARED = ("tenant", "role", "user")
"""Metadata whose change after a refresh is reported to the user."""

NOTABLE_SKEW = 5 * 60
"""Clock difference in seconds from which AWS rejects signed requests."""


def fresh_entry(request: "CredentialRequest", portal: "Portal", now: Now) -> Entry:
    """Request credentials from the portal without caching them."""
    issued = portal.issue(request)
    _discard_outdated(request, issued, os.environ)
    return _entry(request, issued, now())


def shared_entry(
    request: "CredentialRequest", portal: "Portal", environment: "Mapping[str, str]", now: Now
) -> Entry:
    """Return the cached credentials, or request new ones and cache them.

    If the cache folder must not be used, that is reported on stderr and the result is not cached.
    """
    try:
        path = entries.folder(environment)
    except UnsafeCacheFile as reason:
        print_message(f"The keys are not cached: {reason}.")
        return fresh_entry(request, portal, now)
    try:
        slot = CacheSlot(path, request.key())
    except UnsafeCacheFile as reason:
        print_message(
            f"The cache {path} is not used: {reason}. "
            "Make it yours alone, or name another: DAYPASS_CACHE_DIR."
        )
        return fresh_entry(request, portal, now)
    except OSError as error:
        print_message(f"The cache {path} is not used: {error.strerror}.")
        return fresh_entry(request, portal, now)
    with slot:
        old = slot.read()
        if old is not None and old.is_good(now()):
            debug(f"Using cached keys of {request.what} from {path}")
            return old
        issued = portal.issue(request)
        new = _entry(request, issued, now())
        _report_change(request, old, new)
        slot.write(new)
    _discard_outdated(request, issued, environment)
    return new


def _discard_outdated(
    request: "CredentialRequest", issued: "IssuedKeys", environment: "Mapping[str, str]"
) -> None:
    tenant, access = issued.about["tenant"], issued.about["access"]
    if tenant and access:
        discard_other_access(environment, request.origin, {tenant: access}, str(issued.about["user"]))


def _entry(request: "CredentialRequest", issued: "IssuedKeys", now: float) -> Entry:
    """Return the cache entry for new credentials, allowing for the difference between the two clocks."""
    skew = 0.0 if issued.portal_time is None else now - issued.portal_time.timestamp()
    if abs(skew) > NOTABLE_SKEW:
        direction = "ahead of" if skew > 0 else "behind"
        print_message(
            f"This machine's clock is {abs(skew) / 60:.0f} minutes {direction} the portal's: set it right."
        )
    if issued.note:
        print_message(issued.note)
    # The portal's clock determines the remaining lifetime, capped at the validity the portal granted.
    remaining = min(issued.expires_at.timestamp() - (now - skew), issued.validity)
    return Entry(
        answer=json.dumps(issued.keys).encode() + b"\n",
        about=json.dumps({"portal": request.origin, "what": request.what, **issued.about}).encode(),
        asked_at=int(now),
        good_until=int(now + remaining - min(_MARGIN, remaining / 2)),
    )


def _report_change(request: "CredentialRequest", old: Entry | None, new: Entry) -> None:
    if old is None or old.about == new.about:
        return
    before, after = json.loads(old.about), json.loads(new.about)
    changes = [
        f"{part} {before.get(part)} became {after[part]}"
        for part in _COMPARED
        if after[part] != before.get(part)
    ]
    if not changes:
        return
    print_message(f"The cached keys of {request.what} were replaced: {', '.join(changes)}.")
