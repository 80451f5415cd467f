"""Fetching credentials through the cache: concurrent processes share one call (single-flight)."""

import json
import os
from collections.abc import Callable

from daypass.cli.cache import files
from daypass.cli.cache.credentials import Credentials, Metadata
from daypass.cli.cache.files import UnsafeCacheFile
from daypass.cli.cache.locked import LockedFiles, LockSettings
from daypass.cli.cache.removal import discard_other_access
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

SHORT_LIFETIME = 2 * _MARGIN
"""Lifetime in seconds below which the margin is half the lifetime; botocore then refreshes constantly."""

_LOCK = LockSettings(
    "keys",
    35.0,
    "waiting for another daypass that requests the same keys",
    "Another daypass waits for the portal and gets no answer. Try again.",
)

_COMPARED = ("tenant", "role", "user")
"""Metadata whose change after a refresh is reported to the user."""

NOTABLE_SKEW = 5 * 60
"""Clock difference in seconds from which AWS rejects signed requests."""


def new_credentials(request: "CredentialRequest", portal: "Portal", now: Now) -> Credentials:
    """Request credentials from the portal without caching them."""
    issued = portal.issue(request)
    _discard_outdated(request, issued, os.environ)
    return _cacheable(request, issued, now())


def shared_credentials(
    request: "CredentialRequest", portal: "Portal", environment: "Mapping[str, str]", now: Now
) -> Credentials:
    """Return the cached credentials, or request new ones and cache them.

    If the cache folder must not be used, that is reported on stderr and the result is not cached.
    """
    try:
        path = files.folder(environment)
    except UnsafeCacheFile as reason:
        print_message(f"The keys are not cached: {reason}.")
        return new_credentials(request, portal, now)
    try:
        locked = LockedFiles(path, request.key(), _LOCK)
    except UnsafeCacheFile as reason:
        print_message(
            f"The cache {path} is not used: {reason}. "
            "Make it yours alone, or name another: DAYPASS_CACHE_DIR."
        )
        return new_credentials(request, portal, now)
    except OSError as error:
        print_message(f"The cache {path} is not used: {error.strerror}.")
        return new_credentials(request, portal, now)
    with locked:
        old = locked.read(Credentials)
        # Read under the lock: another process may have stored new credentials while this one waited.
        if old is not None and old.is_served(now()):
            debug(f"Using cached keys of {request.what} from {path}")
            return old
        issued = portal.issue(request)
        new = _cacheable(request, issued, now())
        _report_change(request, old, new)
        locked.write(new)
    # After the lock: it may remove files of other keys, whose locks this process does not hold.
    _discard_outdated(request, issued, environment)
    return new


def _discard_outdated(
    request: "CredentialRequest", issued: "IssuedKeys", environment: "Mapping[str, str]"
) -> None:
    # Without an id or a permission set, nothing is known that could contradict the cached metadata; and a
    # requested set does not tell which one the caller has.
    tenant, permission_set = issued.tenant_id, issued.permission_set
    if tenant and permission_set and not request.permission_set:
        discard_other_access(environment, request.origin, {tenant: permission_set}, issued.user_id)


def _cacheable(request: "CredentialRequest", issued: "IssuedKeys", now: float) -> Credentials:
    """Return new credentials with their metadata, allowing for the difference between the two clocks."""
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
    return Credentials(
        answer=json.dumps(issued.keys).encode() + b"\n",
        metadata_json=_metadata(request, issued).to_json(),
        requested_at=int(now),
        served_until=int(now + remaining - min(_MARGIN, remaining / 2)),
    )


def _metadata(request: "CredentialRequest", issued: "IssuedKeys") -> Metadata:
    return Metadata(
        portal=request.origin,
        what=request.what,
        tenant=issued.tenant_id,
        role=issued.role,
        user=issued.user_id,
        username=issued.username,
        region=issued.region,
        access=issued.access,
        permission_set=issued.permission_set,
        requested_set=request.permission_set,
    )


def _report_change(request: "CredentialRequest", old: Credentials | None, new: Credentials) -> None:
    if old is None or old.metadata_json == new.metadata_json:
        return
    before, after = old.metadata(), new.metadata()
    changes = [
        f"{part} {getattr(before, part)} became {getattr(after, part)}"
        for part in _COMPARED
        if getattr(after, part) != getattr(before, part)
    ]
    if not changes:
        return
    print_message(f"The cached keys of {request.what} were replaced: {', '.join(changes)}.")
