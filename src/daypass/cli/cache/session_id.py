"""Looking up the stored session of a portal. On the fast path, so imports must stay cheap."""

import os

from daypass.cli.cache import entries
from daypass.cli.runtime.digest import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SIGN_IN = ".sign-in"
"""Suffix of files that hold a session."""

PORTAL = ".portal"
"""Suffix of files that name the portal of a session; they outlive the session."""

CHOICE, PORTAL_CHOICE = "default", ".choice"
"""Name and suffix of the file that holds the portal chosen with `daypass use`."""


def folder(environment: "Mapping[str, str]") -> str:
    """Return the folder of sessions: DAYPASS_STATE_DIR, else `daypass` in the user's state folder."""
    return entries.own_folder(environment, "DAYPASS_STATE_DIR", "XDG_STATE_HOME", "~/.local/state")


def key(origin: str, *, admin: bool) -> str:
    """Return the file name of a portal's session; those for admin access and for tenants are separate."""
    return fingerprint(f"{origin}\0{'admin' if admin else 'tenants'}".encode())


def portals(environment: "Mapping[str, str]") -> list[str]:
    """Return the origins of the portals that the user signed in to and did not sign out of."""
    origins = set()
    try:
        with entries.open_private_folder(folder(environment)) as directory:
            for name in os.listdir(directory.descriptor):
                if name.endswith(PORTAL):
                    entry = entries.read(directory, name.removesuffix(PORTAL), PORTAL)
                    origins.add(entry.about.decode() if entry else "")
    except (ValueError, OSError):
        # The error is reported when a session is needed.
        return []
    return sorted(origins - {""})


def default_portal(environment: "Mapping[str, str]") -> str:
    """Return the portal chosen with `daypass use`, else the only one with a sign-in; "" if there is none."""
    signed_in = portals(environment)
    try:
        with entries.open_private_folder(folder(environment)) as directory:
            entry = entries.read(directory, CHOICE, PORTAL_CHOICE)
            if entry is not None and entry.about.decode() in signed_in:
                return entry.about.decode()
    except (ValueError, OSError):
        return ""
    return signed_in[0] if len(signed_in) == 1 else ""


def stored_id(environment: "Mapping[str, str]", origin: str, *, admin: bool) -> str:
    """Return the id of the session that a request would use; "" if there is none.

    A session with admin access also serves tenants if there is no other.
    """
    try:
        with entries.open_private_folder(folder(environment)) as directory:
            for is_admin in (True,) if admin else (False, True):
                entry = entries.read(directory, key(origin, admin=is_admin), SIGN_IN)
                if entry is not None:
                    return entry.about.decode()
    except (ValueError, OSError):
        # The error is reported when a session is needed.
        return ""
    return ""
