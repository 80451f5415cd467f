"""Assuming roles, with the state of each role cached in the database for all replicas."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.access.broker import AWS_TIME_LIMIT, Broker, Deadline, SetRole
from daypass.portal.access.model import AssumeRoleParameters, CachedRole, Credentials
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.errors import (
    AwsError,
    AwsMisconfigured,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
)
from daypass.portal.storage.engine import Database

_MAXIMUM_CACHED_FOR = timedelta(minutes=5)
# A role is assumed up to `AWS_TIME_LIMIT` after the request, and never five minutes after its check.
_PROOF_CACHED_FOR = timedelta(minutes=5) - AWS_TIME_LIMIT
# A repaired role should work at once. But clients repeat refused requests, and IAM throttles a whole account.
_PROBLEM_CACHED_FOR = timedelta(seconds=10)
_UNATTRIBUTED_CACHED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AssumedSession:
    """The credentials from AWS; `is_attributed` if the session carries source identity and tags."""

    credentials: Credentials
    is_attributed: bool


@dataclass(frozen=True, slots=True)
class RoleAssumer:
    """Assumes roles through a broker, without source identity and tags where a role refuses them.

    It caches the role's maximum session duration, whether the role's trust policy refuses source identity and
    tags, and the latest check of a permission set's role.
    """

    broker: Broker
    database: Database
    is_attribution_required: bool

    def maximum(
        self, role_arn: str, cached: CachedRole, now: datetime, deadline: Deadline
    ) -> timedelta | None:
        """Return the role's maximum session duration, at most five minutes old; None if it cannot be read."""
        read_at = cached.maximum_read_at
        if read_at is not None and abs(now - read_at) < _MAXIMUM_CACHED_FOR:
            return cached.maximum
        maximum = self.broker.role_maximum(role_arn, deadline)
        self.remember_maximum(role_arn, maximum, now)
        return maximum

    def remember_maximum(self, role_arn: str, maximum: timedelta | None, now: datetime) -> None:
        """Cache the role's maximum session duration; None if it could not be read."""
        with self.database.writing() as connection:
            CachedRoleStore(connection).remember_maximum(role_arn, maximum, now)

    def find_set_role_problem(
        self, role: SetRole, cached: CachedRole, now: datetime, deadline: Deadline
    ) -> str:
        """Return why the role of a permission set may not be used, as a sentence, or "" if it may.

        A role without a problem is read again after five minutes, one with a problem after ten seconds; a
        role that AWS does not show counts as one with a problem. An error that is not about the role is
        raised as it is and not cached: `AwsUnavailable`, `AwsThrottled` or `AwsMisconfigured`.
        """
        problem = _known_problem(role, cached, now)
        if problem is None:
            problem = self._find_problem(role, deadline)
            with self.database.writing() as connection:
                CachedRoleStore(connection).remember_check(role, problem, now)
        return problem

    def _find_problem(self, role: SetRole, deadline: Deadline) -> str:
        try:
            return self.broker.find_set_role_problem(role, deadline)
        except (AwsUnavailable, AwsThrottled, AwsMisconfigured):
            raise
        except AwsError as refusal:
            # An error without a text must not count as a role without a problem.
            return refusal.reason or f"The portal could not read the role {role.role_arn}."

    def assume(
        self, session: AssumeRoleParameters, cached: CachedRole, now: datetime, deadline: Deadline
    ) -> AssumedSession:
        """Assume the role with source identity and tags, or without if its trust policy refuses them.

        Raises `AwsTrustRefused` if the role refuses the portal either way, or refuses identity and tags while
        attribution is required.
        """
        if self._is_known_unattributed(cached, now):
            return AssumedSession(
                self.broker.assume(session, attributed=False, deadline=deadline), is_attributed=False
            )
        try:
            return AssumedSession(
                self.broker.assume(session, attributed=True, deadline=deadline), is_attributed=True
            )
        except AwsTrustRefused as refusal:
            if self.is_attribution_required:
                raise AwsTrustRefused(
                    f"{refusal.reason} Or it does not allow sts:SetSourceIdentity and "
                    "sts:TagSession, which this portal requires."
                ) from refusal
        # AWS gives the same error for every missing permission in a trust policy. Only a second call without
        # identity and tags shows whether those were the reason.
        credentials = self.broker.assume(session, attributed=False, deadline=deadline)
        with self.database.writing() as connection:
            CachedRoleStore(connection).remember_unattributed(
                session.role_arn, now + _UNATTRIBUTED_CACHED_FOR
            )
        return AssumedSession(credentials, is_attributed=False)

    def _is_known_unattributed(self, cached: CachedRole, now: datetime) -> bool:
        until = cached.unattributed_until
        return not self.is_attribution_required and until is not None and now < until


def _known_problem(role: SetRole, cached: CachedRole, now: datetime) -> str | None:
    """Return the result of the latest check; None if there is none, or it is too old."""
    if cached.checked_at is None or cached.problem is None:
        return None
    # The tenant's services may have been limited since, and the role may lack the limit.
    if cached.checked_for != role.demands:
        return None
    age = now - cached.checked_at
    limit = _PROBLEM_CACHED_FOR if cached.problem else _PROOF_CACHED_FOR
    # A check in the future was recorded before the clock was set back, so its age is unknown.
    return cached.problem if timedelta() <= age < limit else None
