"""The users of an identity provider: made, changed, deactivated and deleted by SCIM.

A provider reaches the users that it made and no others: not local accounts, not those of other providers, and
not the break-glass account. For it they do not exist. It assigns no role, and no user that it makes has one.

`externalId` is the provider's own identifier. It is stored and compared with nothing of the portal's, so a
value that looks like one of the portal's ids means nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from daypass.common.usernames import canonical_username
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    AlreadyExists,
    InvalidRequest,
    LastAdministrator,
    PortalError,
    UserNotFound,
)
from daypass.portal.identity.administrators import require_administrators
from daypass.portal.identity.authentication import check_no_secret
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.provisioning.events import (
    events_of_leaving,
    provisioning_event,
    refusal_event,
)
from daypass.portal.identity.provisioning.model import (
    HeldMemberships,
    ProvisionedUser,
    Provisioner,
    WantedUser,
)
from daypass.portal.identity.provisioning.retries import Stale, check_tag, retry_while_stale
from daypass.portal.identity.provisioning.store.users import (
    ProvisionedUserStore,
    add_provisioned_user,
    change_provisioned_user,
    enable,
    end_access,
    mark_deactivated,
    mark_deleted,
    rename_user,
)
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.identity.usernames import check_new_username
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork

LONGEST_EXTERNAL_ID = 255
LONGEST_ATTRIBUTES = 16 * 1024
"""The characters of the JSON that is stored of a user's other attributes."""

_TRIES = 5

Edit = Callable[[ProvisionedUser], WantedUser]
"""Returns what a user becomes. It runs again if the user is changed meanwhile, so it has no effect."""


@dataclass(frozen=True, slots=True)
class UserPage:
    """A part of a provider's users."""

    users: Sequence[ProvisionedUser]
    total: int


def _allowed(_connection: Connection) -> None:
    """Refuse nothing."""


@dataclass(frozen=True, slots=True)
class _Change:
    """The rows and events of a change, and its own refusal inside the transaction."""

    action: str
    """The audit action under which a refusal is recorded."""
    rows: Sequence[RowChange]
    events: Sequence[Event]
    disables: bool = False
    refusal: Callable[[Connection], PortalError | None] = _allowed


@dataclass(frozen=True, slots=True)
class ProvisionedUsers:
    """The users that identity providers make."""

    database: Database
    committer: Committer
    clock: Clock

    def find(self, provider: str, user_id: str) -> ProvisionedUser:
        """Return a user of a provider; raises `UserNotFound` for every other user."""
        with self.database.reading() as connection:
            found = ProvisionedUserStore(connection, provider).find(user_id) if is_storable(user_id) else None
        if found is None:
            raise UserNotFound("There is no such user.")
        return found

    def page(self, provider: str, offset: int, limit: int) -> UserPage:
        """Return up to *limit* users of a provider after the first *offset*, the oldest first."""
        with self.database.reading() as connection:
            store = ProvisionedUserStore(connection, provider)
            return UserPage(store.page(offset, limit), store.count())

    def all(self, provider: str) -> Sequence[ProvisionedUser]:
        """Return all users of a provider, the oldest first."""
        with self.database.reading() as connection:
            return ProvisionedUserStore(connection, provider).all()

    def with_username(self, provider: str, user_name: str) -> Sequence[ProvisionedUser]:
        """Return the user of a provider with that name, in any spelling that means the same user."""
        name = canonical_username(user_name)
        with self.database.reading() as connection:
            found = (
                ProvisionedUserStore(connection, provider).with_username(name) if is_storable(name) else None
            )
        return () if found is None else (found,)

    def with_external_id(self, provider: str, external_id: str) -> Sequence[ProvisionedUser]:
        """Return the user of a provider with exactly that `externalId`."""
        if not is_storable(external_id):
            return ()
        with self.database.reading() as connection:
            found = ProvisionedUserStore(connection, provider).with_external_id(external_id)
        return () if found is None else (found,)

    def create(self, wanted: WantedUser, by: Provisioner) -> ProvisionedUser:
        """Create a user without a role; raises `InvalidRequest`, or `AlreadyExists` for a taken name."""
        username, now = _checked(wanted), self.clock()
        user = User(UserId(uuid4().hex), username, Role.USER, UserKind.PERSON)
        rows = [
            add_user(user, None, at=now),
            add_provisioned_user(
                user, by.provider, wanted.user_name, wanted.external_id, wanted.attributes, at=now
            ),
        ]
        facts = {"new.role": user.role.value, "external_id": wanted.external_id}
        events = [provisioning_event("user.create", user.username, by, facts)]
        # A user may be created inactive (RFC 7643, section 4.1.1), and is then as one who was deactivated.
        if wanted.is_active is False:
            rows += [*end_access(user.id, at=now), mark_deactivated(user.id, at=now)]
            events.append(provisioning_event("scim_user.deactivate", user.username, by, {}))

        def check(connection: Connection) -> PortalError | None:
            return _taken(connection, by.provider, None, username, wanted.external_id)

        try:
            self.committer.commit_unit(UnitOfWork(rows, events, check, is_exclusive=True))
        except AlreadyExists as refusal:
            self.committer.commit_rate_limited(refusal_event("user.create", username, by, refusal))
            raise
        return self.find(by.provider, user.id)

    def update(
        self, user_id: str, edit: Edit, by: Provisioner, expected: str | None = None
    ) -> ProvisionedUser:
        """Change a user, who stays as they are if *edit* changes nothing.

        *expected* is the tag that the user must have. Raises `UserNotFound`, `PreconditionFailed`,
        `InvalidRequest`, `AlreadyExists`, or `LastAdministrator`, which is recorded as an alert.
        """

        def change(old: ProvisionedUser) -> _Change | None:
            return _update(old, edit(old), by, self.clock())

        self._commit(user_id, change, by, expected)
        return self.find(by.provider, user_id)

    def delete(self, user_id: str, by: Provisioner, expected: str | None = None) -> None:
        """Disable a user for good, who does not exist for the provider any more.

        The name becomes free, and another user of that name gets nothing of this one. Raises the refusals of
        `update`.
        """

        def change(old: ProvisionedUser) -> _Change:
            now = self.clock()
            rows = [
                # Tokens and memberships end now in any case; the time at which an Administrator disabled the
                # user stays.
                *end_access(old.user.id, at=old.disabled_at or now),
                # The id makes the name unique, also for several deleted users of the same name.
                rename_user(old.user.id, f"{old.user.username[:200]}.deleted.{old.user.id}"),
                mark_deleted(old.user.id, at=now),
            ]
            event = provisioning_event("scim_user.delete", old.user.username, by, {})
            return _Change(event.action, rows, [event], disables=True)

        self._commit(user_id, change, by, expected)

    def _commit(
        self,
        user_id: str,
        change: Callable[[ProvisionedUser], _Change | None],
        by: Provisioner,
        expected: str | None,
    ) -> None:
        def attempt() -> None:
            old = self.find(by.provider, user_id)
            check_tag(expected, old.tag, "user")
            wanted = change(old)
            if wanted is not None:
                self._commit_planned(old, wanted, by)

        retry_while_stale(attempt, _TRIES, "user")

    def _commit_planned(self, old: ProvisionedUser, wanted: _Change, by: Provisioner) -> None:
        """Commit a change, or record its refusal; raises `Stale` if the user is not *old* any more."""
        # Read before the transaction, because the events that record the end of each membership are part
        # of the unit.
        held = self._held(old) if wanted.disables else None
        leaving = () if held is None else events_of_leaving(old, held, by)
        unit = UnitOfWork(
            wanted.rows, [*leaving, *wanted.events], _unchanged(old, wanted, held), is_exclusive=True
        )
        try:
            self.committer.commit_unit(unit)
        except (AlreadyExists, LastAdministrator) as refusal:
            is_alert = isinstance(refusal, LastAdministrator)
            outcome = Outcome.ALERT if is_alert else Outcome.DENIED
            event = refusal_event(wanted.action, old.user.username, by, refusal, outcome)
            self.committer.commit_rate_limited(event)
            raise

    def _held(self, user: ProvisionedUser) -> HeldMemberships:
        with self.database.reading() as connection:
            return ProvisionedUserStore(connection, user.provider).held_memberships(user.user.id)


def _unchanged(
    old: ProvisionedUser, change: _Change, held: HeldMemberships | None
) -> Callable[[Connection], PortalError | None]:
    """Return the precondition of a change: the user is still *old*, and the change is allowed.

    *held* are the memberships whose end the events record, if the change ends them.
    """

    def check(connection: Connection) -> PortalError | None:
        store = ProvisionedUserStore(connection, old.provider)
        if store.find(old.user.id) != old:
            return Stale("The user was changed.")
        if held is not None and store.held_memberships(old.user.id) != held:
            return Stale("The user's memberships were changed.")
        try:
            if change.disables:
                require_administrators(connection, old.lost_if_disabled)
        except LastAdministrator as refusal:
            return refusal
        return change.refusal(connection)

    return check


def _update(old: ProvisionedUser, wanted: WantedUser, by: Provisioner, now: datetime) -> _Change | None:
    username = old.user.username
    rows: list[RowChange] = []
    events: list[Event] = []
    is_described_anew = _description(wanted) != _description(old)
    # Also for a user whom an Administrator disabled. The two times then differ, so the provider cannot enable
    # the user.
    deactivates = wanted.is_active is False and (old.is_active or old.deactivated_at is None)
    reactivates = wanted.is_active is True and old.can_be_reactivated
    if not (is_described_anew or deactivates or reactivates):
        return None
    if is_described_anew:
        # Not for a mere deactivation: a name that today's rules refuse must not keep a leaver enabled.
        username = _checked(wanted)
        facts = {
            "old.username": old.user.username,
            "new.username": username,
            "old.external_id": old.external_id,
            "new.external_id": wanted.external_id,
        }
        events.append(provisioning_event("scim_user.update", old.user.username, by, facts))
    if username != old.user.username:
        rows.append(rename_user(old.user.id, username))
    rows.append(
        change_provisioned_user(old.user.id, wanted.user_name, wanted.external_id, wanted.attributes, at=now)
    )
    if deactivates:
        rows += [*end_access(old.user.id, at=old.disabled_at or now)]
        rows.append(mark_deactivated(old.user.id, at=now))
        events.append(provisioning_event("scim_user.deactivate", username, by, {}))
    if reactivates:
        rows += enable(old.user.id)
        events.append(provisioning_event("scim_user.reactivate", username, by, {}))

    def taken(connection: Connection) -> PortalError | None:
        return _taken(connection, by.provider, old, username, wanted.external_id)

    action = "scim_user.deactivate" if deactivates else "scim_user.update"
    return _Change(action, rows, events, deactivates, taken)


def _description(user: WantedUser | ProvisionedUser) -> tuple[str, str | None, str]:
    return user.user_name, user.external_id, user.attributes


def _checked(wanted: WantedUser) -> str:
    """Return the canonical username; raises `InvalidRequest` if a value cannot be stored."""
    check_no_secret(wanted.user_name)
    username = canonical_username(wanted.user_name)
    check_new_username(username)
    external_id = wanted.external_id or ""
    if len(external_id) > LONGEST_EXTERNAL_ID or not is_storable(external_id):
        raise InvalidRequest(f"externalId has at most {LONGEST_EXTERNAL_ID} printable characters.")
    if len(wanted.attributes) > LONGEST_ATTRIBUTES or not is_storable(wanted.attributes):
        raise InvalidRequest(f"The attributes of a user have at most {LONGEST_ATTRIBUTES // 1024} KiB.")
    return username


def _taken(
    connection: Connection,
    provider: str,
    old: ProvisionedUser | None,
    username: str,
    external_id: str | None,
) -> PortalError | None:
    if (old is None or username != old.user.username) and UserStore(connection).is_taken(username):
        # The same answer for a local account and for one of another provider, which are not adopted.
        return AlreadyExists(f"There is a user “{username}” already. A provider never takes over a user.")
    if external_id is not None and (old is None or external_id != old.external_id):
        other = ProvisionedUserStore(connection, provider).with_external_id(external_id)
        if other is not None:
            return AlreadyExists(f"“{other.user.username}” has this externalId already.")
    return None
