"""`daypass portals` and `daypass use`: the portals that this machine signed in to, and the default portal."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from daypass.cli.auth.session_store import Now, SessionSlot, StoredSession
from daypass.cli.cache import request, session_id
from daypass.cli.cache.files import UnsafeCacheFile
from daypass.cli.cache.locked import LockedFiles, LockSettings
from daypass.cli.cache.session_id import DefaultPortal
from daypass.cli.commands import options
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Misconfigured, UsageError
from daypass.cli.runtime.output import moment, output_option, show_json, show_list

_LOCK = LockSettings("choice", 5.0, "another daypass process is writing the choice", "Try again.")


@dataclass(frozen=True, slots=True)
class KnownPortal:
    """A portal that this machine signed in to."""

    portal: str
    is_default: bool
    username: str
    """Empty if the session has expired."""
    signed_in_until: datetime | None
    allows_admin: bool


@click.command("portals", context_settings=options.HELP)
@output_option
@options.debug
@click.pass_obj
def portals(now: Now, /, output: str) -> None:
    """List the portals that you signed in to on this machine.

    \b
    Examples:
      daypass portals
      daypass portals --output json

    Commands without --host use the default portal; `daypass use` changes it. `daypass logout` removes a
    portal from the list.
    """
    default = session_id.default_portal(os.environ)
    known = [_known_portal(origin, origin == default, now) for origin in session_id.portals(os.environ)]
    if output == "json":
        show_json(known)
        return
    rows = [
        (entry.portal, "yes" if entry.is_default else "", entry.username, moment(entry.signed_in_until))
        for entry in known
    ]
    show_list(
        rows,
        ("PORTAL", "DEFAULT", "SIGNED IN AS", "UNTIL"),
        "This machine is not signed in to any portal. Sign in: daypass login --host https://PORTAL",
    )


def _complete_portal(_context: click.Context, _parameter: click.Parameter, prefix: str) -> list[str]:
    hosts = [origin.partition("://")[2] for origin in session_id.portals(os.environ)]
    return [host for host in hosts if host.startswith(prefix.lower())]


@click.command("use", context_settings=options.HELP)
@click.argument("portal", metavar="PORTAL", shell_complete=_complete_portal)
@options.debug
def use(portal: str) -> None:
    """Make a portal the default for commands without --host.

    \b
    Example:
      daypass use portal.example.com

    --host and DAYPASS_HOST take precedence. A token from a flag or a variable is only sent to a portal
    that is named explicitly.
    """
    origin = request.read_origin(request.trimmed(portal))
    origins = session_id.portals(os.environ)
    if origin not in origins:
        listed = f" You signed in to: {', '.join(origins)}." if origins else ""
        raise UsageError(f"This machine is not signed in to {origin}: daypass login --host {origin}.{listed}")
    try:
        locked = LockedFiles(session_id.folder(os.environ), DefaultPortal.KEY, _LOCK)
    except (UnsafeCacheFile, OSError) as error:
        raise Misconfigured(
            f"The choice cannot be saved in {session_id.folder(os.environ)}: {error}."
        ) from error
    with locked:
        locked.write(DefaultPortal(origin))
    print_message(f"{origin} is now the default portal.")


def _known_portal(origin: str, is_default: bool, now: Now) -> KnownPortal:
    stored = [SessionSlot(os.environ, origin, admin=admin, now=now).peek() for admin in (False, True)]
    current: list[StoredSession] = [
        session for session in stored if session and not session.is_expired(now())
    ]
    latest = max(current, key=lambda session: session.until, default=None)
    return KnownPortal(
        portal=origin,
        is_default=is_default,
        username="" if latest is None else latest.username,
        signed_in_until=None if latest is None else datetime.fromtimestamp(latest.until, UTC),
        allows_admin=any(session.allows_admin for session in current),
    )
