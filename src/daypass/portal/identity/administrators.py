"""The rule that Administrators remain, of whom one can sign in without a group or an identity provider."""

from dataclasses import dataclass

from daypass.portal.errors import LastAdministrator
from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Connection

_LAST = "This is the last Administrator. Make another user an Administrator first."
_LAST_LOCAL = (
    "This is the last Administrator by an assigned role who has a password. When an identity provider is "
    "down or removes people from groups, only such an account can repair it. Assign the role to another "
    "user with a password first."
)
_NO_LOCAL = (
    "The groups would take the role Administrator from a user, and no enabled Administrator by an assigned "
    "role has a password. Assign the role to a user with a password first."
)


@dataclass(frozen=True, slots=True)
class LostAdministrators:
    """The number of enabled Administrators that a change of users takes away."""

    number: int
    local: int
    """Those of them with an assigned role and a password."""

    def __add__(self, other: "LostAdministrators") -> "LostAdministrators":
        """Return the sum."""
        return LostAdministrators(self.number + other.number, self.local + other.local)


NONE_LOST = LostAdministrators(0, 0)


def require_administrators(
    connection: Connection,
    lost: LostAdministrators,
    message: str = _LAST,
    local_message: str = _LAST_LOCAL,
) -> None:
    """Return if enough Administrators remain after a change of users; raise `LastAdministrator` otherwise.

    One must remain, and if the change takes a local one away, another local one must.
    """
    store = UserStore(connection)
    if lost.number > 0 and store.count_administrators() <= lost.number:
        raise LastAdministrator(message)
    if lost.local > 0 and store.count_local_administrators() <= lost.local:
        raise LastAdministrator(local_message)


def require_local_administrator(connection: Connection) -> None:
    """Return if a local Administrator exists, before a group takes the role from users.

    Raises `LastAdministrator` otherwise. A group changes no assigned role, so none of them is lost.
    """
    if UserStore(connection).count_local_administrators() == 0:
        raise LastAdministrator(_NO_LOCAL)
