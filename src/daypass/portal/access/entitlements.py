"""Entitlements: the reasons for which a user may get AWS sessions, and the choice of the strongest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from daypass.portal.identity.model import User
from daypass.portal.tenants.model import Access


class EntitlementKind(StrEnum):
    """The kinds of entitlements."""

    ADMINISTRATOR = "administrator"
    """The role of Administrator, for account administration and for every tenant."""
    MEMBERSHIP = "membership"
    """A membership of the tenant."""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One reason for which a user may get sessions of a scope, and the access that it gives."""

    kind: EntitlementKind
    access: Access
    ends_at: datetime | None = None
    """The time from which the entitlement gives no access; None if it has no end.

    No entitlement has an end yet. A source of ends must also change `policy.may_see`, `tenants.access_of` and
    the lists of `VisibleTenants`, and has a rule for older replicas (decision 0052).
    """

    def still_covers(self, earlier: "Entitlement", until: datetime) -> bool:
        """Return whether this is still the *earlier* entitlement and does not end before the time *until*.

        An entitlement has no id: the same kind and access count as the same entitlement. Its end may have
        been changed since.
        """
        is_same = (self.kind, self.access) == (earlier.kind, earlier.access)
        return is_same and (self.ends_at is None or until <= self.ends_at)


_RANKS = {Access.READ_ONLY: 0, Access.FULL: 1}
_NEVER = datetime.max.replace(tzinfo=UTC)

_ADMINISTRATOR = Entitlement(EntitlementKind.ADMINISTRATOR, Access.FULL)
# All memberships without an end share these objects, so that the hot path creates none.
_MEMBERSHIPS = {access: Entitlement(EntitlementKind.MEMBERSHIP, access) for access in Access}


def entitlements_to_account(user: User) -> Sequence[Entitlement]:
    """Return every entitlement of *user* to account administration."""
    return (_ADMINISTRATOR,) if user.is_administrator else ()


def entitlements_to_tenant(user: User, membership: Access | None) -> Sequence[Entitlement]:
    """Return every entitlement of *user* to an existing tenant; *membership* is None without one."""
    own = () if membership is None else (_MEMBERSHIPS[membership],)
    return (*entitlements_to_account(user), *own)


def current(entitlements: Iterable[Entitlement], now: datetime) -> Sequence[Entitlement]:
    """Return the entitlements that have not ended."""
    return [each for each in entitlements if each.ends_at is None or now < each.ends_at]


def strongest(entitlements: Iterable[Entitlement]) -> Entitlement | None:
    """Return the entitlement whose access has the highest rank; None if there is none.

    Of several with that access it is the one that lasts longest, and the first of those. Rank comes before
    the end, so that a caller never gets less access than before without having asked for less.
    """
    return max(entitlements, key=_strength, default=None)


def _strength(entitlement: Entitlement) -> tuple[int, datetime]:
    return _RANKS[entitlement.access], entitlement.ends_at or _NEVER
