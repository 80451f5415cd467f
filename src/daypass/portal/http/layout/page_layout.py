"""What the frame of a page shows: who one is, in which tenant, and where one can go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.access.model import Caller
from daypass.portal.clock import Clock
from daypass.portal.http.core.tenants import access_of, find_tenant, first_tenants
from daypass.portal.http.layout.cookies import Preferences
from daypass.portal.http.layout.navigation import ENTRIES, Entry
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access, Tenant, TenantAccess

SHOWN_TENANTS = 25
"""With more than these, the list box becomes a search."""


@dataclass(frozen=True, slots=True)
class PageLayout:
    """All that the frame shows."""

    user: User
    tenants: Sequence[Tenant]
    tenant: Tenant | None
    access: Access
    """How much of the chosen tenant the user may use."""
    has_more_tenants: bool
    path: str
    address: str
    """Path and query, to come back to."""
    csrf: str
    now: datetime
    theme: str
    is_folded: bool
    notice: str
    signed_in_until: datetime

    @property
    def entries(self) -> Sequence[Entry]:
        """The navigation for everybody."""
        return [entry for entry in ENTRIES if not entry.is_for_administrators]

    @property
    def administrator_entries(self) -> Sequence[Entry]:
        """The navigation for Administrators; empty for everybody else."""
        if not self.user.is_administrator:
            return []
        return [entry for entry in ENTRIES if entry.is_for_administrators]

    @property
    def name(self) -> str:
        """What the bar calls the user: the username, without the part behind the @ where it fits badly."""
        return self.user.username


@dataclass(frozen=True, slots=True)
class PageLayouts:
    """Makes the frame of each page, by the database as of now."""

    database: Database
    clock: Clock

    def of(self, caller: Caller, preferences: Preferences, path: str, address: str, csrf: str) -> PageLayout:
        """The frame of one page."""
        seen = first_tenants(self.database, caller.user, SHOWN_TENANTS + 1)
        chosen = self._chosen(caller.user, preferences.tenant, seen)
        return PageLayout(
            user=caller.user,
            tenants=[one.tenant for one in seen[:SHOWN_TENANTS]],
            tenant=None if chosen is None else chosen.tenant,
            access=Access.FULL if chosen is None else access_of(caller.user, chosen),
            has_more_tenants=len(seen) > SHOWN_TENANTS,
            path=path,
            address=address,
            csrf=csrf,
            now=self.clock(),
            theme=preferences.theme,
            is_folded=preferences.is_folded,
            notice=preferences.notice,
            signed_in_until=caller.token.grant_ends_at or caller.token.expires_at,
        )

    def _chosen(self, user: User, remembered: str, seen: Sequence[TenantAccess]) -> TenantAccess | None:
        """The tenant that was chosen last, as far as the user still sees it; else the first."""
        for one in seen:
            if one.tenant.id == remembered:
                return one
        if remembered and len(seen) > SHOWN_TENANTS:
            return find_tenant(self.database, user, remembered) or seen[0]
        return seen[0] if seen else None
