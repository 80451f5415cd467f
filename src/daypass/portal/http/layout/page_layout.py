"""The layout around a page: the signed-in user, the tenant selector and the navigation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.access.model import Caller
from daypass.portal.access.tenants import VisibleTenants, access_of
from daypass.portal.clock import Clock
from daypass.portal.http.layout.cookies import Preferences
from daypass.portal.http.layout.navigation import ENTRIES, Entry
from daypass.portal.identity.model import User
from daypass.portal.tenants.model import Access, Tenant, TenantAccess

SHOWN_TENANTS = 25
"""The most tenants in the list box; with more, it becomes a search field."""


@dataclass(frozen=True, slots=True)
class PageLayout:
    """The data of the layout, `layout` in templates."""

    user: User
    tenants: Sequence[Tenant]
    tenant: Tenant | None
    access: Access
    """The user's access to the selected tenant."""
    has_more_tenants: bool
    path: str
    address: str
    """Path and query, to return to."""
    csrf: str
    now: datetime
    theme: str
    is_folded: bool
    notice: str
    signed_in_until: datetime

    @property
    def entries(self) -> Sequence[Entry]:
        """The navigation entries for all users."""
        return [entry for entry in ENTRIES if not entry.is_for_administrators]

    @property
    def administrator_entries(self) -> Sequence[Entry]:
        """The navigation entries for Administrators; empty for other users."""
        if not self.user.is_administrator:
            return []
        return [entry for entry in ENTRIES if entry.is_for_administrators]

    @property
    def name(self) -> str:
        """The user's name in the top bar: the username."""
        return self.user.username


@dataclass(frozen=True, slots=True)
class PageLayouts:
    """Makes the layout of each page from the current state of the database."""

    tenants: VisibleTenants
    clock: Clock

    def of(self, caller: Caller, preferences: Preferences, path: str, address: str, csrf: str) -> PageLayout:
        """Return the layout of one page."""
        # One more than is shown, which tells whether there are more without counting them.
        visible = self.tenants.first(caller.user, SHOWN_TENANTS + 1)
        selected = self._chosen(caller.user, preferences.tenant, visible)
        return PageLayout(
            user=caller.user,
            tenants=[access.tenant for access in visible[:SHOWN_TENANTS]],
            tenant=None if selected is None else selected.tenant,
            access=Access.FULL if selected is None else access_of(caller.user, selected),
            has_more_tenants=len(visible) > SHOWN_TENANTS,
            path=path,
            address=address,
            csrf=csrf,
            now=self.clock(),
            theme=preferences.theme,
            is_folded=preferences.is_folded,
            notice=preferences.notice,
            signed_in_until=caller.token.grant_ends_at or caller.token.expires_at,
        )

    def _chosen(self, user: User, selected_id: str, visible: Sequence[TenantAccess]) -> TenantAccess | None:
        """Return the tenant selected last if the user still has access to it, else the first one."""
        for access in visible:
            if access.tenant.id == selected_id:
                return access
        # If all tenants were read, a tenant that is not among them is not visible to the user.
        if selected_id and len(visible) > SHOWN_TENANTS:
            return self.tenants.find(user, selected_id) or visible[0]
        return visible[0] if visible else None
