"""Direct changes of rows, for tests of what follows from an administrator's change."""

from datetime import datetime

from sqlalchemy import Connection, update

from daypass.portal.identity.model import UserId
from daypass.portal.storage.schema.identity import users


def disable_user(connection: Connection, user_id: UserId, now: datetime) -> None:
    """Disable a user."""
    connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=now))
