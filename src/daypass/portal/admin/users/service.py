"""Users: list, create, update, disable and delete."""

from dataclasses import dataclass, replace
from datetime import datetime

from daypass.common.usernames import canonical_username
from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import MemberRecord, UserQuery, UserRecord, Version
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    check_version,
    single_change,
    timestamp,
)
from daypass.portal.admin.users.service_descriptions import ServiceDescription
from daypass.portal.admin.users.store.users import (
    MemberList,
    UserList,
    change_user,
    delete_user,
    revoke_sign_ins,
    revoke_tokens,
    set_password,
)
from daypass.portal.errors import BreakGlassProtected, InvalidRequest, UserNotFound
from daypass.portal.identity.administrators import LostAdministrators, require_administrators
from daypass.portal.identity.authentication import name_taken, new_user
from daypass.portal.identity.model import Role, User, UserKind
from daypass.portal.identity.passwords import new_password_hash
from daypass.portal.identity.store.tokens import end_administration
from daypass.portal.identity.store.users import UserStore
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange

_LONGEST_SEARCH = 255


@dataclass(frozen=True, slots=True)
class Users:
    """The actions of Administrators on users. A reference to a user is an id or a username."""

    executor: ChangeExecutor

    def find(self, reference: str) -> UserRecord:
        """Return one user; raises `UserNotFound`."""
        with self.executor.database.reading() as connection:
            return find_user(connection, reference)

    def page(self, query: UserQuery, page_request: PageRequest) -> Page[UserRecord]:
        """Return a page of users; raises `InvalidRequest`."""
        with self.executor.database.reading() as connection:
            return UserList(connection).page(_searchable(query), page_request)

    def count(self, query: UserQuery) -> int:
        """Return the number of users on all pages; raises `InvalidRequest`."""
        with self.executor.database.reading() as connection:
            return UserList(connection).count(_searchable(query))

    def create(
        self,
        username: str,
        role: Role,
        password: Secret | None,
        by: Author,
        *,
        kind: UserKind | None = None,
        description: ServiceDescription | None = None,
    ) -> UserRecord:
        """Create a user or, without a password and another *kind*, a service account.

        Raises `AlreadyExists` if it exists, and `InvalidRequest` for a *description* of a person, or for a
        service account with a password.
        """
        now = self.executor.clock()
        if password is not None and kind is UserKind.SERVICE:
            raise InvalidRequest("A service account has no password: it never signs in.")
        # Made once, because the id and the salt of the password are random and the two plans of the change
        # must be equal.
        user, write = new_user(username, role, password, now, kind)

        def plan(connection: Connection) -> Change:
            if UserStore(connection).is_taken(user.username):
                raise name_taken(user.username, username)
            change = user_creation(user, write, has_password=password is not None)
            return change if description is None else _described(connection, change, user, description)

        self.executor.execute(single_change("user.create", user.username, by, plan))
        return self.find(user.id)

    def update(
        self,
        reference: str,
        by: Author,
        *,
        role: Role | None = None,
        is_disabled: bool | None = None,
        description: ServiceDescription | None = None,
        expected: Version | None = None,
    ) -> UserRecord:
        """Change a user's role or description, or disable or enable them; None leaves it unchanged.

        Disabling revokes all sessions, tokens and approvals for good. Raises `UserNotFound`,
        `PreconditionFailed`, `LastAdministrator`, or `InvalidRequest` for the description of a person.
        """
        user, now = self.find(reference).user, self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            old = find_user(connection, user.id)
            check_version(expected, old.version, f"“{old.user.username}”")
            new = _changed(old, role, is_disabled, now)
            if description is not None:
                new = description.applied_to(connection, new)
            if new == old:
                return None
            change = user_update(old, new, now)
            require_administrators(connection, lost_administrators(old, new))
            return change if description is None else _described(connection, change, user, description)

        self.executor.execute(single_change("user.update", user.username, by, plan))
        return self.find(user.id)

    def set_password(
        self, reference: str, password: Secret, by: Author, expected: Version | None = None
    ) -> UserRecord:
        """Set a user's password, and end their sign-ins with the tokens that were derived from them."""
        user, now = self.find(reference).user, self.executor.clock()
        # The hash is computed before the change is planned: it is slow, and its random salt would make the
        # second plan differ from the first.
        writes = (
            set_password(user.id, new_password_hash(password)),
            revoke_sign_ins(user.id, at=now),
        )

        def plan(connection: Connection) -> Change:
            old = find_user(connection, user.id)
            check_version(expected, old.version, f"“{old.user.username}”")
            require_not_break_glass(old)
            before, after = {"has_password": old.has_password}, {"has_password": True}
            return Change(writes, before, after, proof=reauthentication.to_set_password())

        self.executor.execute(single_change("user.set_password", user.username, by, plan))
        return self.find(user.id)

    def delete(self, reference: str, by: Author, expected: Version | None = None) -> None:
        """Delete a user with their sessions, tokens, approvals and memberships."""
        user = self.find(reference).user

        def plan(connection: Connection) -> Change:
            old = find_user(connection, user.id)
            check_version(expected, old.version, f"“{old.user.username}”")
            require_not_break_glass(old)
            require_administrators(connection, lost_administrators(old, None))
            write = delete_user(old.user.id)
            return Change((write,), _facts(old), proof=reauthentication.to_delete_user(old.user))

        self.executor.execute(single_change("user.delete", user.username, by, plan))

    def memberships(self, reference: str) -> list[MemberRecord]:
        """Return a user's memberships, by tenant name; raises `UserNotFound`."""
        with self.executor.database.reading() as connection:
            user = find_user(connection, reference).user
            return list(MemberList(connection).of_user(user.id))


def find_user(connection: Connection, reference: str) -> UserRecord:
    """Return the user with that id or username; raises `UserNotFound`."""
    name = canonical_username(reference)
    record = UserList(connection).find(name) if is_storable(name) else None
    if record is None:
        raise UserNotFound("There is no such user.")
    return record


def user_creation(user: User, write: RowChange, *, has_password: bool) -> Change:
    """Return the change that adds a user."""
    proof = reauthentication.to_create_user(user, has_password=has_password)
    return Change((write,), {}, {"role": user.role.value}, proof=proof)


def user_update(old: UserRecord, new: UserRecord, now: datetime) -> Change:
    """Return the change that turns *old* into *new*; raises `BreakGlassProtected`."""
    require_not_break_glass(old)
    writes = [change_user(new)]
    if new.is_disabled and not old.is_disabled:
        # For good: enabling the user again brings none of them back.
        writes.append(revoke_tokens(old.user.id, at=now))
    if old.user.is_administrator and not new.user.is_administrator:
        # Promoting the user again later must not bring back what was authorized before.
        writes.append(end_administration(old.user.id))
    return Change(tuple(writes), _facts(old), _facts(new), proof=reauthentication.to_update_user(old, new))


def lost_administrators(old: UserRecord, new: UserRecord | None) -> LostAdministrators:
    """Return what turning *old* into *new* takes from the Administrators; None is a deleted user."""
    remains = new is not None and new.runs_portal
    remains_local = new is not None and new.is_local_administrator
    return LostAdministrators(
        int(old.runs_portal and not remains), int(old.is_local_administrator and not remains_local)
    )


def require_not_break_glass(record: UserRecord) -> None:
    """Raise `BreakGlassProtected` for the break-glass account.

    It must be there when no identity provider answers, and no takeover of it may go unseen.
    """
    if record.is_break_glass:
        raise BreakGlassProtected(
            f"“{record.user.username}” is the break-glass account. Only the operator can change it, with "
            f"`daypass portal create-break-glass {record.user.username} --replace`."
        )


def _changed(old: UserRecord, role: Role | None, is_disabled: bool | None, now: datetime) -> UserRecord:
    new = old.with_role(role or old.assigned_role)
    if is_disabled is None or is_disabled == old.is_disabled:
        return new
    return replace(new, disabled_at=now if is_disabled else None)


def _described(connection: Connection, change: Change, user: User, description: ServiceDescription) -> Change:
    """Return *change* with the row of the description."""
    write, owner = description.write(connection, user), description.find_owner(connection)
    after = {
        **change.after,
        "owner": None if owner is None else owner.username,
        "description": redacted(description.text),
    }
    return replace(change, writes=(*change.writes, write), after=after)


def _facts(record: UserRecord) -> dict[str, str | None]:
    facts = {"role": record.assigned_role.value, "disabled_at": timestamp(record.disabled_at)}
    # Only where there are any: the events of people have had no such details since the first release.
    described = {"owner": record.owner, "description": record.description}
    return {**facts, **described} if record.owner or record.description else facts


def part_of_username(typed: str) -> str:
    """Return the canonical search text; raises `InvalidRequest` if it cannot be part of a username."""
    search = canonical_username(typed)
    if not search.isprintable() or len(search) > _LONGEST_SEARCH:
        raise InvalidRequest("Search for a part of a username, in printable characters.")
    return search


def _searchable(query: UserQuery) -> UserQuery:
    return replace(query, search=part_of_username(query.search))
