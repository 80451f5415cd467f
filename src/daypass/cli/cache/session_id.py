"""Which sign-in this machine keeps for a portal. Imported before each cached answer: kept cheap."""

import os

from daypass.cli.cache import entries
from daypass.cli.runtime.digest import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SIGN_IN = ".sign-in"
"""The end of the name of every file that holds a sign-in."""

PORTAL = ".portal"
"""The end of the name of every file that says which portal a sign-in was for; it outlives the sign-in."""

CHOICE, PORTAL_CHOICE = "default", ".choice"
"""The name of the file that holds the portal chosen with `daypass use`."""


def folder(environment: "Mapping[str, str]") -> str:
    """Where sign-ins are: DAYPASS_STATE_DIR, else a folder of ours in the user's state folder."""
    return entries.own_folder(environment, "DAYPASS_STATE_DIR", "XDG_STATE_HOME", "~/.local/state")


def key(origin: str, *, admin: bool) -> str:
    """The name of a portal's sign-in; the one with admin access is another one than the one for tenants."""
    return fingerprint(f"{origin}\0{'admin' if admin else 'tenants'}".encode())


def portals(environment: "Mapping[str, str]") -> list[str]:
    """Return the origins of the portals that this machine signed in to, and did not sign out of."""
    found = set()
    try:
        with entries.opened(folder(environment)) as directory:
            for name in os.listdir(directory.descriptor):
                if name.endswith(PORTAL):
                    entry = entries.read(directory, name.removesuffix(PORTAL), PORTAL)
                    found.add(entry.about.decode() if entry else "")
    except (ValueError, OSError):
        # What is wrong with the folder is said where a sign-in is really needed.
        return []
    return sorted(found - {""})


def default_portal(environment: "Mapping[str, str]") -> str:
    """Return the portal chosen with `daypass use`, else the only one signed in to; "" if there is none."""
    signed_in = portals(environment)
    try:
        with entries.opened(folder(environment)) as directory:
            entry = entries.read(directory, CHOICE, PORTAL_CHOICE)
            if entry is not None and entry.about.decode() in signed_in:
                return entry.about.decode()
    except (ValueError, OSError):
        return ""
    return signed_in[0] if len(signed_in) == 1 else ""


def kept_id(environment: "Mapping[str, str]", origin: str, *, admin: bool) -> str:
    """The id of the sign-in that is used for this; "" if there is none.

    One with admin access is good for tenants too, if there is no other.
    """
    try:
        with entries.opened(folder(environment)) as directory:
            for is_admin in (True,) if admin else (False, True):
                entry = entries.read(directory, key(origin, admin=is_admin), SIGN_IN)
                if entry is not None:
                    return entry.about.decode()
    except (ValueError, OSError):
        # What is wrong with it is said where a sign-in is really needed.
        return ""
    return ""
