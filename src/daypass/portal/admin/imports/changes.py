"""The changes that a planned import makes, and the rules for the table as a whole."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports.job import progress_text
from daypass.portal.admin.imports.plan import CurrentState, ImportedUser
from daypass.portal.admin.model import UserRecord
from daypass.portal.admin.transactions import Author, Plan, PlannedChange
from daypass.portal.admin.users.memberships import membership_change
from daypass.portal.admin.users.service import (
    lost_administrators,
    require_not_break_glass,
    user_creation,
    user_update,
)
from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.administrators import NONE_LOST, LostAdministrators, require_administrators
from daypass.portal.identity.model import Role, User
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.unit_of_work import RowChange


def all_lost_administrators(
    planned: Sequence[ImportedUser], users: Mapping[str, UserRecord]
) -> LostAdministrators:
    """Return what an import takes from the Administrators, and gives; *users* are the existing ones.

    Raises `BreakGlassProtected` if it changes the break-glass account.
    """
    total = NONE_LOST
    for line in planned:
        old = users.get(line.username)
        if old is None:
            total += LostAdministrators(-int(line.role is Role.ADMINISTRATOR), 0)
        else:
            new = old.with_role(line.role)
            if new != old:
                require_not_break_glass(old)
            total += lost_administrators(old, new)
            gained = lost_administrators(new, old)
            total += LostAdministrators(-gained.number, -gained.local)
    return total


def check_administrators(connection: Connection, lost: LostAdministrators, taken: int) -> None:
    """Return if enough Administrators remain afterwards; raise `LastAdministrator` otherwise."""
    progress = progress_text(taken)
    require_administrators(
        connection,
        lost,
        f"The portal would have no Administrator left. Remove the line of one who is to stay one. {progress}",
        "The portal would have no Administrator with a password left. Remove the line of one who is to stay "
        f"one. {progress}",
    )


def check_author(planned: Sequence[ImportedUser], by: Author) -> None:
    """Refuse a table that would take the role Administrator from its author before the last line."""
    if not isinstance(by, Caller):
        return
    for user in planned:
        if user.username == by.user.username and user.role is not Role.ADMINISTRATOR:
            raise InvalidRequest(
                f"Line {user.line} removes your own role Administrator, so the lines after it could not be "
                f"imported. Remove that line, or ask another Administrator to import it. {progress_text(0)}"
            )


def changes_of(
    planned: Sequence[ImportedUser],
    state: CurrentState,
    create: Callable[[str, Role], tuple[User, RowChange]],
    now: datetime,
) -> Plan:
    """Return the changes of a batch, users first, because memberships refer to them.

    *create* returns a new user with its row; for the same username and role, always the same.
    """
    users: list[PlannedChange] = []
    memberships: list[PlannedChange] = []
    for line in planned:
        username, old = line.username, state.users.get(line.username)
        if old is None:
            user, row = create(username, line.role)
            change = user_creation(user, row, has_password=False)
            users.append(PlannedChange("user.create", username, change))
        else:
            user = old.user
        if old is not None and line.old_role is not None:
            change = user_update(old, old.with_role(line.role), now)
            users.append(PlannedChange("user.update", username, change))
        for name, new in line.memberships.items():
            old_set, new_set = state.memberships.get((user.id, name)), state.permission_sets[new]
            change = membership_change(user, state.tenants[name], old_set, new_set, now)
            memberships.append(PlannedChange("membership.put", username, change))
    return [*users, *memberships]
