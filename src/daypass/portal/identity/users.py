"""The users of the portal, as far as every user may know of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Database


@dataclass(frozen=True, slots=True)
class UserDirectory:
    """Reads facts about users; `portal.admin` reads and changes their records."""

    database: Database

    def first_administrators(self, number: int) -> Sequence[str]:
        """Return the names of the first Administrators who are people, for a user to contact."""
        with self.database.reading() as connection:
            return UserStore(connection).first_administrators(number)

    def has_administrator(self) -> bool:
        """Return whether there is an enabled Administrator."""
        with self.database.reading() as connection:
            return UserStore(connection).count_administrators() > 0
