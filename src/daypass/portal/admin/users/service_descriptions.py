"""The owner and the description of a service account."""

from dataclasses import dataclass, replace

from daypass.common.usernames import canonical_username
from daypass.portal.admin.model import UserRecord
from daypass.portal.admin.users.store.users import UserList, describe_user
from daypass.portal.errors import InvalidRequest, UserNotFound
from daypass.portal.identity.model import User, UserKind
from daypass.portal.redaction import redacted
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange

LONGEST_DESCRIPTION = 500


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """The owner and description of a service account."""

    owner: str = ""
    """The responsible user, by username or id; "" for none."""
    text: str = ""
    """The purpose of the account."""

    def applied_to(self, connection: Connection, record: UserRecord) -> UserRecord:
        """Return *record* with this description; raises `InvalidRequest` or `UserNotFound`."""
        _check(record.user, self.text)
        owner = self.find_owner(connection)
        return replace(
            record, owner=None if owner is None else owner.username, description=redacted(self.text)
        )

    def write(self, connection: Connection, account: User) -> RowChange:
        """Return the change of the account's row; raises `InvalidRequest` or `UserNotFound`."""
        _check(account, self.text)
        owner = self.find_owner(connection)
        return describe_user(account.id, None if owner is None else owner.id, redacted(self.text))

    def find_owner(self, connection: Connection) -> User | None:
        """Return the owner, or None if there is none; raises `InvalidRequest` or `UserNotFound`."""
        name = canonical_username(self.owner)
        if not name:
            return None
        record = UserList(connection).find(name) if is_storable(name) else None
        if record is None:
            raise UserNotFound("There is no such owner. Enter the username of a person.")
        if record.user.kind is not UserKind.PERSON:
            raise InvalidRequest(
                f"“{record.user.username}” is a service account. An owner is a person.", "owner"
            )
        return record.user


def _check(account: User, text: str) -> None:
    if account.kind is not UserKind.SERVICE:
        raise InvalidRequest("Only a service account has an owner and a description.")
    if len(text) > LONGEST_DESCRIPTION or not all(part.isprintable() for part in text.splitlines()):
        raise InvalidRequest(
            f"A description has up to {LONGEST_DESCRIPTION} printable characters.", "description"
        )
