"""Looking up portals and sessions of this machine. On the fast path, so imports must stay cheap."""

from daypass.cli.cache import files
from daypass.cli.cache.files import CacheFile
from daypass.cli.runtime.digest import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar


class SessionId:
    """The id of a stored session, read without its tokens. `StoredSession` is the whole file."""

    SUFFIX: "ClassVar[str]" = ".sign-in"

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def from_file(cls, file: CacheFile) -> "SessionId":
        """Return the id, which is the file's header."""
        return cls(file.header.decode())


class SignedInPortal:
    """The origin of a portal that the user signed in to and did not sign out of; it outlives the session."""

    SUFFIX: "ClassVar[str]" = ".portal"

    __slots__ = ("origin", "since", "until")

    def __init__(self, origin: str, since: int, until: int) -> None:
        self.origin = origin
        self.since = since
        self.until = until

    def to_file(self) -> CacheFile:
        """Return the content of the file: the origin as its header, the session's period as its times."""
        return CacheFile(self.since, self.until, self.origin.encode())

    @classmethod
    def from_file(cls, file: CacheFile) -> "SignedInPortal":
        """Return the portal in *file*."""
        return cls(file.header.decode(), file.valid_from, file.valid_until)


class DefaultPortal:
    """The origin of the portal chosen with `daypass use`."""

    SUFFIX: "ClassVar[str]" = ".choice"
    KEY: "ClassVar[str]" = "default"

    __slots__ = ("origin",)

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def to_file(self) -> CacheFile:
        """Return the content of the file: the origin as its header."""
        return CacheFile(0, files.NEVER, self.origin.encode())

    @classmethod
    def from_file(cls, file: CacheFile) -> "DefaultPortal":
        """Return the choice in *file*."""
        return cls(file.header.decode())


def folder(environment: "Mapping[str, str]") -> str:
    """Return the folder of sessions: DAYPASS_STATE_DIR, else `daypass` in the user's state folder."""
    return files.own_folder(environment, "DAYPASS_STATE_DIR", "XDG_STATE_HOME", "~/.local/state")


def key(origin: str, *, admin: bool) -> str:
    """Return the file name of a portal's session; those for admin access and for tenants are separate."""
    return fingerprint(f"{origin}\0{'admin' if admin else 'tenants'}".encode())


def portals(environment: "Mapping[str, str]") -> list[str]:
    """Return the origins of the portals that the user signed in to and did not sign out of."""
    origins = set()
    try:
        with files.open_private_folder(folder(environment)) as directory:
            for portal_key in files.keys_in(directory, SignedInPortal):
                portal = files.read(directory, portal_key, SignedInPortal)
                # Another process may have removed the file since the folder was listed.
                origins.add(portal.origin if portal else "")
    except (ValueError, OSError):
        # The error is reported when a session is needed.
        return []
    return sorted(origins - {""})


def default_portal(environment: "Mapping[str, str]") -> str:
    """Return the portal chosen with `daypass use`, else the only one with a sign-in; "" if there is none."""
    signed_in = portals(environment)
    try:
        with files.open_private_folder(folder(environment)) as directory:
            chosen = files.read(directory, DefaultPortal.KEY, DefaultPortal)
            if chosen is not None and chosen.origin in signed_in:
                return chosen.origin
    except (ValueError, OSError):
        return ""
    return signed_in[0] if len(signed_in) == 1 else ""


def stored_id(environment: "Mapping[str, str]", origin: str, *, admin: bool) -> str:
    """Return the id of the session that a request would use; "" if there is none.

    A session with admin access also serves tenants if there is no other.
    """
    try:
        with files.open_private_folder(folder(environment)) as directory:
            for is_admin in (True,) if admin else (False, True):
                found = files.read(directory, key(origin, admin=is_admin), SessionId)
                if found is not None:
                    return found.text
    except (ValueError, OSError):
        # The error is reported when a session is needed.
        return ""
    return ""
