"""The changes that a planned import makes, and the rules for the table as a whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports.job import progress_text
from daypass.portal.admin.imports.plan import CurrentState, ImportedUser
from daypass.portal.admin.model import UserRecord
from daypass.portal.admin.transactions import Author, Plan, PlannedChange
from daypass.portal.admin.users.memberships import membership_change
from daypass.portal.admin.users.service import require_other_administrator, user_creation, user_update
from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.model import Role, User
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.unit_of_work import RowChange


def lost_administrators(planned: Sequence[ImportedUser], users: Mapping[str, UserRecord]) -> int:
    """Return by how much the number of enabled Administrators decreases; *users* are the existing ones."""
    fewer = 0
    for user in planned:
        old = users.get(user.username)
        before, after = old is not None and old.runs_portal, user.role is Role.ADMINISTRATOR
        if old is None or not old.is_disabled:
            fewer += before - after
    return fewer


def check_administrators(connection: Connection, fewer: int, taken: int) -> None:
    """Return if the portal still has an Administrator afterwards; raise `LastAdministrator` otherwise."""
    if fewer > 0:
        sentence = "The portal would have no Administrator left. Remove the line of one who is to stay one."
        require_other_administrator(connection, fewer, f"{sentence} {progress_text(taken)}")


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
            change = user_update(old, replace(old, user=replace(user, role=line.role)), now)
            users.append(PlannedChange("user.update", username, change))
        for name, new in line.memberships.items():
            old_set, new_set = state.memberships.get((user.id, name)), state.permission_sets[new]
            change = membership_change(user, state.tenants[name], old_set, new_set, now)
            memberships.append(PlannedChange("membership.put", username, change))
    return [*users, *memberships]
