"""A user's own attempts to get AWS access, as pages and the API list them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from daypass.portal.access.model import ANY_ISSUANCE, IssuanceFilter, IssuanceRecord
from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import FIRST_PAGE, Page, PageRequest


@dataclass(frozen=True, slots=True)
class SessionHistory:
    """Reads the sessions of one user; `portal.admin` reads those of all users."""

    database: Database

    def page(
        self, user: User, request: PageRequest = FIRST_PAGE, wanted: IssuanceFilter = ANY_ISSUANCE
    ) -> Page[IssuanceRecord]:
        """Return a page of the user's own attempts, newest first; raises `InvalidRequest` for its cursor."""
        with self.database.reading() as connection:
            return IssuanceStore(connection).list_for_user(user.id, request, wanted)

    def count_by_day(self, user: User, since: datetime) -> Mapping[date, int]:
        """Return the number of sessions issued to the user by day in UTC, without days that have none."""
        with self.database.reading() as connection:
            return IssuanceStore(connection).count_by_day(user.id, since)
