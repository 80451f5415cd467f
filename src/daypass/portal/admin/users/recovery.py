"""Recovery links: with one, a user who lost their passkeys registers a new one after their password."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.admin import reauthentication
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    author_id,
    single_change,
    timestamp,
)
from daypass.portal.admin.users.service import find_user, require_not_break_glass
from daypass.portal.audit.event import Outcome
from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.passkeys.store import add_recovery_link, delete_recovery_links
from daypass.portal.identity.tokens import digest, mint_recovery
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection

LINK_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class RecoveryLink:
    """A new recovery link; its secret is returned only here."""

    secret: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RecoveryLinks:
    """The action of Administrators on the passkeys of users, who keep them until they remove them."""

    executor: ChangeExecutor

    def create(self, reference: str, by: Author) -> RecoveryLink:
        """Make a link for a user, an id or username, in place of any earlier one.

        Raises `UserNotFound`, `ReauthenticationRequired`, `BreakGlassProtected`, and `InvalidRequest` for a
        user without a password, after which alone a link counts.
        """
        with self.executor.database.reading() as connection:
            user = find_user(connection, reference).user
        now, secret = self.executor.clock(), mint_recovery()
        link = RecoveryLink(secret, now + LINK_LIFETIME)
        add = add_recovery_link(
            digest(secret.reveal()), owner=user.id, by=author_id(by), at=now, expires_at=link.expires_at
        )
        writes = (delete_recovery_links(owner=user.id, now=now), add)

        def plan(connection: Connection) -> Change:
            record = find_user(connection, user.id)
            require_not_break_glass(record)
            if record.is_disabled or not record.has_password:
                raise InvalidRequest(
                    f"“{user.username}” cannot sign in with a password, so a link would not work."
                )
            return Change(
                writes,
                after={"expires_at": timestamp(link.expires_at)},
                proof=reauthentication.to_make_recovery_link(),
                outcome=Outcome.ALERT,
            )

        self.executor.execute(single_change("user.recovery_link", user.username, by, plan))
        return link
