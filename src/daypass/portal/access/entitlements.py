"""Entitlements: the reasons for which a user may get AWS sessions, and the choice of the strongest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from daypass.portal.identity.model import User
from daypass.portal.permission_sets.model import BUILT_IN, FULL, PermissionSet
from daypass.portal.tenants.model import Access, GroupAccess, GroupId


class EntitlementKind(StrEnum):
    """The kinds of entitlements."""

    ADMINISTRATOR = "administrator"
    """The role of Administrator, for account administration and for every tenant."""
    MEMBERSHIP = "membership"
    """A membership of the tenant."""
    GROUP = "group"
    """A membership of the tenant that a group gives its members."""


@dataclass(frozen=True, slots=True)
class EntitlingGroup:
    """The group that gives an entitlement."""

    id: GroupId
    name: str


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One reason for which a user may get sessions of a scope, and the permission set that it gives."""

    kind: EntitlementKind
    permission_set: PermissionSet
    ends_at: datetime | None = None
    """The time from which the entitlement gives no access; None if it has no end.

    Only memberships by groups have ends.
    """
    group: EntitlingGroup | None = None
    """The group, for the kind `GROUP`."""

    @property
    def access(self) -> Access:
        """The access that the permission set counts as."""
        return Access.of(self.permission_set)

    def gives(self, permission_set: PermissionSet) -> bool:
        """Return whether a session may have *permission_set* because of this entitlement.

        Full access includes every set, because a set only takes access away. Two custom sets cannot be
        compared, so neither includes the other, whatever their ranks.
        """
        return self.permission_set.name == FULL.name or self.permission_set == permission_set

    def narrowed_to(self, highest: PermissionSet) -> "Entitlement | None":
        """Return the entitlement reduced to *highest*; None if no set is given by both.

        The result never gives a set that this entitlement does not give.
        """
        if self.gives(highest):
            return replace(self, permission_set=highest)
        return self if highest.name == FULL.name else None

    def still_covers(self, earlier: "Entitlement", until: datetime) -> bool:
        """Return whether this is still the *earlier* entitlement and does not end before the time *until*.

        An entitlement has no id: the same kind, group and permission set count as the same entitlement. Its
        end may have been changed since; a set that was changed is another, and a renamed group is the same.
        """
        return self.identity == earlier.identity and (self.ends_at is None or until <= self.ends_at)

    @property
    def identity(self) -> tuple[EntitlementKind, PermissionSet, GroupId | None]:
        """The values by which this is the same entitlement as another."""
        return self.kind, self.permission_set, None if self.group is None else self.group.id


def within_rule(entitlements: Iterable[Entitlement], highest: PermissionSet | None) -> Sequence[Entitlement]:
    """Return what is left of a service account's entitlements to a tenant within a workload rule.

    *highest* is the permission set of the rule in the tenant; None if the rule does not list it. The role of
    an Administrator counts for nothing: a rule gives access by memberships only.
    """
    if highest is None:
        return ()
    own = (each for each in entitlements if each.kind is not EntitlementKind.ADMINISTRATOR)
    return [narrowed for each in own if (narrowed := each.narrowed_to(highest)) is not None]


_NEVER = datetime.max.replace(tzinfo=UTC)

_ADMINISTRATOR = Entitlement(EntitlementKind.ADMINISTRATOR, FULL)
# All memberships with a built-in set share these objects, so that the hot path creates none.
_MEMBERSHIPS = {each.name: Entitlement(EntitlementKind.MEMBERSHIP, each) for each in BUILT_IN.values()}


def entitlements_to_account(user: User) -> Sequence[Entitlement]:
    """Return every entitlement of *user* to account administration."""
    return (_ADMINISTRATOR,) if user.is_administrator else ()


def entitlements_to_tenant(
    user: User, membership: PermissionSet | None, by_groups: Iterable[GroupAccess] = ()
) -> Sequence[Entitlement]:
    """Return every entitlement of *user* to an existing tenant; *membership* is None without one.

    Those by groups come last: of two that are equally strong, the user's own membership applies.
    """
    own = () if membership is None else (_by_membership(membership),)
    return (*entitlements_to_account(user), *own, *map(_by_group, by_groups))


def current(entitlements: Iterable[Entitlement], now: datetime) -> Sequence[Entitlement]:
    """Return the entitlements that have not ended."""
    return [each for each in entitlements if each.ends_at is None or now < each.ends_at]


def strongest(entitlements: Iterable[Entitlement]) -> Entitlement | None:
    """Return the entitlement whose permission set has the highest rank; None if there is none.

    Of several with that rank it is the one that lasts longest, and the first of those. Rank comes before
    the end, so that a caller never gets less access than before without having asked for less.
    """
    return max(entitlements, key=_strength, default=None)


def _strength(entitlement: Entitlement) -> tuple[int, datetime]:
    return entitlement.permission_set.rank, entitlement.ends_at or _NEVER


def _by_membership(permission_set: PermissionSet) -> Entitlement:
    return _MEMBERSHIPS.get(permission_set.name) or Entitlement(EntitlementKind.MEMBERSHIP, permission_set)


def _by_group(access: GroupAccess) -> Entitlement:
    group = EntitlingGroup(access.group_id, access.group)
    return Entitlement(EntitlementKind.GROUP, access.permission_set, access.ends_at, group)
