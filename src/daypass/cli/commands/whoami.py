"""`daypass whoami`: the caller, and the cached keys of this machine."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from daypass.cli.api import queries
from daypass.cli.auth import session
from daypass.cli.cache import removal
from daypass.cli.cache.credentials import Credentials
from daypass.cli.commands import options
from daypass.cli.credentials.fetch import Now
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.output import moment, output_option, show_json, show_pairs, show_table
from daypass.common.counting import counted


@click.command("whoami", context_settings=options.HELP)
@output_option
@options.portal
@click.pass_obj
def whoami(now: Now, /, output: str, **params: str | bool | None) -> None:
    """Show who you are, and the cached keys of this machine.

    \b
    Examples:
      daypass whoami
      daypass whoami --output json
    """
    portal = session.portal(options.flags_of(params), os.environ, now)
    me = queries.me(portal)
    live = _live_keys(portal.origin, now())
    cached = _without_duplicates(keys for keys in live if keys.user_id in ("", me.user_id))
    others = {keys.user_id for keys in live} - {"", me.user_id}
    credential = queries.active_credential(portal, me)
    if output == "json":
        signed_in_until = credential.until if credential.is_sign_in else None
        show_json({"portal": portal.origin, "me": me, "signed_in_until": signed_in_until, "cached": cached})
        return
    label = "sign-in" if credential.is_sign_in else "token"
    show_pairs(
        {
            "user": f"{me.username} ({me.role})",
            "portal": f"{portal.origin}, version {me.version}",
            "account": f"{me.account_id}, {me.region}",
            label: f"{credential.words}, until {moment(credential.until)}",
        }
    )
    if cached:
        click.echo()
        show_table(
            [
                (
                    keys.what,
                    keys.permission_set,
                    keys.role,
                    moment(keys.served_until),
                    moment(keys.expires_at),
                )
                for keys in cached
            ],
            ("CACHED KEYS OF", "ACCESS", "ROLE", "SERVED UNTIL", "VALID UNTIL"),
        )
    if others:
        number = counted(len(others), "other user")
        print_message(f"Keys of {number} are cached here too; daypass cache clear removes all.")


@dataclass(frozen=True, slots=True)
class CachedKeys:
    """Facts about one set of cached keys, without the keys. The field names are those of the JSON output."""

    portal: str
    what: str
    role: str
    username: str
    user_id: str
    """Empty for keys that an earlier version cached."""
    tenant_id: str
    access: str
    permission_set: str
    """The name of the permission set; for keys that an earlier version cached, the access."""
    served_until: datetime
    expires_at: datetime
    is_served: bool


def _live_keys(origin: str, now: float) -> list[CachedKeys]:
    """Return the cached keys of the portal at *origin* that have not expired, of every user."""
    cached = (_cached_keys(credentials, now) for credentials in removal.cached_credentials(os.environ))
    return [keys for keys in cached if keys.portal == origin and keys.expires_at.timestamp() > now]


def _without_duplicates(cached: Iterable[CachedKeys]) -> list[CachedKeys]:
    """Return the keys that are served longest for each scope, role and permission set, sorted by scope.

    The cache holds keys of one scope once for each token, duration and spelling of the tenant.
    """
    longest: dict[tuple[str, str, str], CachedKeys] = {}
    for keys in sorted(cached, key=lambda keys: keys.served_until):
        longest[keys.tenant_id or keys.what.lower(), keys.role, keys.permission_set] = keys
    return sorted(longest.values(), key=lambda keys: keys.what.lower())


def _cached_keys(credentials: Credentials, now: float) -> CachedKeys:
    metadata = credentials.metadata()
    return CachedKeys(
        portal=metadata.portal,
        what=metadata.what,
        role=metadata.role,
        username=metadata.username,
        user_id=metadata.user,
        tenant_id=metadata.tenant or "",
        access=metadata.access or "",
        permission_set=metadata.permission_set or metadata.access or "",
        served_until=datetime.fromtimestamp(credentials.served_until, UTC),
        expires_at=datetime.fromisoformat(credentials.keys().expiration),
        is_served=credentials.is_served(now),
    )
