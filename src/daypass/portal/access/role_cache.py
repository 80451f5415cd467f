"""What is known of a role in AWS, and how to get a session of it all the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.access.broker import Broker, Deadline
from daypass.portal.access.model import Credentials, RoleSession
from daypass.portal.access.store import RoleFacts, RoleFactStore
from daypass.portal.errors import AwsTrustRefused
from daypass.portal.storage.engine import Database

_MAXIMUM_KEPT = timedelta(minutes=5)
_PLAIN_KEPT = timedelta(hours=1)

EVERY_ROLE_ALLOWS = timedelta(hours=1)
"""No role's maximum session duration can be set below this."""


@dataclass(frozen=True, slots=True)
class AssumedRole:
    """What AWS gave: the keys, and whether the session carries identity and tags."""

    credentials: Credentials
    is_attributed: bool


@dataclass(frozen=True, slots=True)
class RoleSessions:
    """Sessions of roles, with what past sessions taught kept in the database for every replica."""

    broker: Broker
    database: Database
    is_attribution_required: bool

    def maximum(self, role_arn: str, facts: RoleFacts, now: datetime, deadline: Deadline) -> timedelta | None:
        """The role's own maximum session duration, at most five minutes old; None where it cannot be read."""
        read_at = facts.maximum_read_at
        if read_at is not None and abs(now - read_at) < _MAXIMUM_KEPT:
            return facts.maximum
        maximum = self.broker.role_maximum(role_arn, deadline)
        self.remember_maximum(role_arn, maximum, now)
        return maximum

    def remember_maximum(self, role_arn: str, maximum: timedelta | None, now: datetime) -> None:
        """Keep what was found out about the role's maximum, for every replica."""
        with self.database.writing() as connection:
            RoleFactStore(connection).remember_maximum(role_arn, maximum, now)

    def assume(
        self, session: RoleSession, facts: RoleFacts, now: datetime, deadline: Deadline
    ) -> AssumedRole:
        """A session with identity and tags; without them where the role's trust policy refuses those.

        Raises `AwsTrustRefused` where it refuses the portal either way, or where attribution is required.
        """
        if self._is_known_plain(facts, now):
            return AssumedRole(
                self.broker.assume(session, attributed=False, deadline=deadline), is_attributed=False
            )
        try:
            return AssumedRole(
                self.broker.assume(session, attributed=True, deadline=deadline), is_attributed=True
            )
        except AwsTrustRefused as refusal:
            if self.is_attribution_required:
                raise AwsTrustRefused(
                    f"{refusal.reason} Or it refuses identity and tags (sts:SetSourceIdentity, "
                    "sts:TagSession), which this portal requires."
                ) from refusal
        # AWS gives one answer for every lack of trust: only a plain session that succeeds tells them apart.
        credentials = self.broker.assume(session, attributed=False, deadline=deadline)
        with self.database.writing() as connection:
            RoleFactStore(connection).remember_plain(session.role_arn, now + _PLAIN_KEPT)
        return AssumedRole(credentials, is_attributed=False)

    def _is_known_plain(self, facts: RoleFacts, now: datetime) -> bool:
        return not self.is_attribution_required and facts.plain_until is not None and now < facts.plain_until
