"""The break-glass account, which only the operator makes and replaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from daypass.common.usernames import canonical_username
from daypass.portal.admin.users.store.break_glass import BreakGlassStore, mark, restore, retire
from daypass.portal.admin.users.store.users import revoke_tokens
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import AlreadyExists, PortalError, PreconditionFailed
from daypass.portal.identity.authentication import name_taken, new_user, require_new_username
from daypass.portal.identity.model import Role, User
from daypass.portal.identity.passwords import new_password_hash
from daypass.portal.identity.store.users import UserStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork

_ACTION = "break_glass.set_up"


class SetUp(StrEnum):
    """The ways in which the account is set up."""

    CREATED = "created"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  a name
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class BreakGlassAccount:
    """The one local Administrator for the time when no identity provider answers."""

    database: Database
    committer: Committer
    clock: Clock

    def check(self, username: str, *, replaces: bool) -> None:
        """Return if `set_up` would accept the name now; raises the same as it does.

        For the command, which then asks for a password, or shows a new one.
        """
        with self.database.reading() as connection:
            old = BreakGlassStore(connection).find()
            _require_replacement(old, replaces=replaces)
            if old is None or old.username != canonical_username(username):
                require_new_username(connection, username)

    def set_up(self, username: str, password: Secret, *, replaces: bool) -> tuple[User, SetUp]:
        """Create the account or, if it *replaces* one, change its password or put a new one in its place.

        The sign-ins and tokens of the former account end; a former one of another name becomes a disabled
        User. Raises `AlreadyExists` if there is one and *replaces* is false, or if the name is another
        user's, and `PreconditionFailed` if the account changes at the same time.
        """
        with self.database.reading() as connection:
            old = BreakGlassStore(connection).find()
        _require_replacement(old, replaces=replaces)
        if old is not None and old.username == canonical_username(username):
            writes: Sequence[RowChange] = [
                restore(old.id, new_password_hash(password)),
                revoke_tokens(old.id, at=self.clock()),
            ]
            return self._commit(old, SetUp.PASSWORD_CHANGED, old, writes)
        user, add = new_user(username, Role.ADMINISTRATOR, password, self.clock())
        writes = [add, mark(user.id)]
        if old is not None:
            writes += [retire(old.id, at=self.clock()), revoke_tokens(old.id, at=self.clock())]
        return self._commit(user, SetUp.CREATED if old is None else SetUp.REPLACED, old, writes)

    def _commit(
        self, user: User, result: SetUp, old: User | None, writes: Sequence[RowChange]
    ) -> tuple[User, SetUp]:
        def check(connection: Connection) -> PortalError | None:
            if BreakGlassStore(connection).find() != old:
                return PreconditionFailed("The break-glass account is being changed by others. Try again.")
            if user != old and UserStore(connection).is_taken(user.username):
                return name_taken(user.username, user.username)
            return None

        detail = {"result": result.value}
        if result is SetUp.REPLACED and old is not None:
            detail["replaces"] = old.username
        event = Event(
            action=_ACTION, actor=OPERATOR, outcome=Outcome.DONE, subject=user.username, detail=detail
        )
        self.committer.commit_unit(UnitOfWork(writes, (event,), check, is_exclusive=True))
        return user, result


def _require_replacement(old: User | None, *, replaces: bool) -> None:
    if old is not None and not replaces:
        raise AlreadyExists(
            f"“{old.username}” is the break-glass account, and there can be only one. Replace it, or its "
            "password, with --replace."
        )
