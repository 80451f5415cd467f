"""The memberships of groups that a sign-in changes: only those of the claim groups of its provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import GroupsClaimInvalid, LastAdministrator, PortalError, SignInFailed
from daypass.portal.groups.claims import matching_groups, storable_values, values_of_claim
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import GroupStore, add_group_member, record_match, remove_group_member
from daypass.portal.identity.administrators import require_local_administrator
from daypass.portal.identity.model import User
from daypass.portal.identity.store.tokens import end_administration
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork

_MATCH_INTERVAL = timedelta(hours=1)
"""The interval at which a sign-in records that it had a group's value; more often would only cost writes."""

_CHANGED = "Your groups were changed while you signed in. Sign in again."


@dataclass(frozen=True, slots=True)
class _Difference:
    """The groups that a user joins and leaves, and whether the user stops being an Administrator."""

    joined: tuple[Group, ...]
    left: tuple[Group, ...]
    ends_administration: bool


@dataclass(frozen=True, slots=True)
class GroupSynchronisation:
    """Makes the members of claim groups follow the claims of each sign-in."""

    database: Database
    committer: Committer
    clock: Clock

    def changes_of_sign_in(
        self, user: User, provider: ProviderConfig, claims: Mapping[str, object], request_id: str
    ) -> UnitOfWork[Event]:
        """Return what a sign-in of *user* with these verified claims changes.

        The caller commits it together with the session: the changes after its own, with the events, and
        refuses if the precondition does. *user* may be one that the same unit creates. A provider whose
        groups are no claims leaves the user in none of its claim groups. Raises `GroupsClaimInvalid`, or
        `LastAdministrator` if no local Administrator would remain to repair a mistake; both are recorded.
        """
        now = self.clock()
        values = self._values(user, provider, claims, request_id)
        try:
            with self.database.reading() as connection:
                matched = _matched(connection, provider, values)
                difference = _difference(connection, user, provider.name, matched)
        except LastAdministrator as refusal:
            self._record(user, provider.name, request_id, Outcome.ALERT, refusal)
            raise

        def precondition(inside: Connection) -> PortalError | None:
            # Administrators change groups in exclusive units, so nothing changes between this and the commit.
            try:
                # Planned once more, because a sign-in of the same user on another replica may have changed
                # the members since.
                current = _difference(inside, user, provider.name, _matched(inside, provider, values))
            except LastAdministrator as refusal:
                return refusal
            return None if current == difference else SignInFailed(_CHANGED)

        return UnitOfWork(
            changes=[*_rows(user, difference, now), *_match_rows(matched, now)],
            records=_events(user, difference, request_id),
            precondition=precondition,
        )

    def changes_of_lapse(
        self, user: User, provider: str, has_lapsed: Callable[[Connection], bool]
    ) -> UnitOfWork[Event]:
        """Return what changes because the claims of the provider with that name count no longer for *user*.

        Raises `LastAdministrator`, which is recorded, as for a sign-in. The precondition asks *has_lapsed*,
        because the user may sign in there at the same moment.
        """
        now = self.clock()
        try:
            with self.database.reading() as connection:
                difference = _difference(connection, user, provider, ())
        except LastAdministrator as refusal:
            self._record(user, provider, "", Outcome.ALERT, refusal)
            raise

        def precondition(inside: Connection) -> PortalError | None:
            try:
                current = _difference(inside, user, provider, ())
            except LastAdministrator as refusal:
                return refusal
            return None if current == difference and has_lapsed(inside) else SignInFailed(_CHANGED)

        changes, events = _rows(user, difference, now), _events(user, difference, "")
        return UnitOfWork(changes, events, precondition, is_exclusive=True)

    def _values(
        self, user: User, provider: ProviderConfig, claims: Mapping[str, object], request_id: str
    ) -> frozenset[str]:
        if provider.groups is not GroupSource.CLAIM:
            return frozenset()
        try:
            return storable_values(values_of_claim(claims, provider))
        except GroupsClaimInvalid as refusal:
            self._record(user, provider.name, request_id, Outcome.DENIED, refusal)
            raise

    def _record(
        self,
        user: User,
        provider: str,
        request_id: str,
        outcome: Outcome,
        refusal: PortalError,
    ) -> None:
        event = Event(
            action="group.synchronise",
            actor=Actor(None, "daypass", request_id),
            outcome=outcome,
            subject=user.username,
            detail={"provider": provider, "code": refusal.code, "reason": refusal.reason},
        )
        self.committer.commit_rate_limited(event)


def _difference(connection: Connection, user: User, provider: str, wanted: tuple[Group, ...]) -> _Difference:
    """Return the difference between the user's claim groups and those of *wanted*.

    Raises `LastAdministrator`.
    """
    store = GroupStore(connection)
    current = store.of_user(user.id, provider, MemberSource.CLAIM)
    joined = tuple(group for group in wanted if group not in current)
    left = tuple(group for group in current if group not in wanted)
    ends_administration = (
        any(group.makes_administrators for group in left)
        # The groups that the user joins are not in the database yet, so the query cannot see them.
        and not any(group.makes_administrators for group in wanted)
        and not store.is_administrator_without(user.id, [group.id for group in left])
    )
    if ends_administration:
        require_local_administrator(connection)
    return _Difference(joined, left, ends_administration)


def _matched(connection: Connection, provider: ProviderConfig, values: frozenset[str]) -> tuple[Group, ...]:
    known = GroupStore(connection).with_claims(provider.name, values) if values else ()
    return matching_groups(values, provider, known)


def _rows(user: User, difference: _Difference, now: datetime) -> list[RowChange]:
    rows = [
        *(remove_group_member(group.id, user.id) for group in difference.left),
        *(add_group_member(group.id, user.id, at=now) for group in difference.joined),
    ]
    if difference.ends_administration:
        # As for a demotion: joining the group again must not bring back what was authorized before.
        rows.append(end_administration(user.id))
    return rows


def _match_rows(matched: tuple[Group, ...], now: datetime) -> list[RowChange]:
    return [record_match(group.id, at=now, stale_before=now - _MATCH_INTERVAL) for group in matched]


def _events(user: User, difference: _Difference, request_id: str) -> tuple[Event, ...]:
    actor = Actor(None, "daypass", request_id)

    def detail(group: Group) -> Mapping[str, Scalar]:
        return {"user": user.username, "source": group.source.value, "provider": group.provider}

    return (
        *(
            Event(
                action="group_member.remove",
                actor=actor,
                outcome=Outcome.DONE,
                subject=group.name,
                detail=detail(group),
            )
            for group in difference.left
        ),
        *(
            Event(
                action="group_member.add",
                actor=actor,
                outcome=Outcome.DONE,
                subject=group.name,
                detail=detail(group),
            )
            for group in difference.joined
        ),
    )
