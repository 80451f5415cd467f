"""The duration that a session of a tenant or the master role would have, with every limit on it."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from daypass.portal.access.broker import AWS_TIME_LIMIT, Brokers, Deadline
from daypass.portal.access.duration import choose, configured_limit
from daypass.portal.access.model import CachedRole, Limit, LimitSource, Validity
from daypass.portal.access.role_assumer import RoleAssumer
from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.accounts.model import Account
from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin.roles.provisioner import RoleOutcome, RoleStatus
from daypass.portal.admin.roles.store import RoleChangeList
from daypass.portal.admin.tenants.service import find_tenant
from daypass.portal.clock import Clock
from daypass.portal.errors import AwsError
from daypass.portal.settings.registry import ADMIN_JIT_SESSION_DURATION, TENANT_ROLE_MAXIMUM, TENANT_VALIDITY
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Database


@dataclass(frozen=True, slots=True)
class DurationReport:
    """The limits on the duration of a role's sessions, and the one that decides."""

    role_arn: str
    is_tenant: bool
    """Whether the role is a tenant's, rather than the master role."""
    validity: Validity
    """The resulting duration with every limit; the first is the requested or else the configured one."""
    change: RoleStatus | None
    """The desired maximum of the role and the result of its change; None if no setting determines it."""

    def limit(self, source: LimitSource) -> timedelta | None:
        """Return the limit of one source, or None if it sets none."""
        return next((limit.duration for limit in self.validity.limits if limit.source is source), None)

    @property
    def is_capped(self) -> bool:
        """Whether sessions are shorter than configured."""
        return self.validity.deciding_limit.source not in {LimitSource.REQUESTED, LimitSource.CONFIGURED}

    @property
    def remedy(self) -> str | None:
        """The advice for sessions that are shorter than configured; None if they are not."""
        if not self.is_capped:
            return None
        if self.validity.deciding_limit.source is LimitSource.ROLE_CHAINING:
            return (
                "The portal's own AWS credentials are a role's session, which AWS lets assume others for an "
                "hour at most. Run the portal with an IAM user's keys to go beyond."
            )
        if self.change is not None and self.change.outcome in {RoleOutcome.REFUSED, RoleOutcome.MISSING}:
            return self.change.reason
        if self.change is not None and self.change.outcome is RoleOutcome.WAITING:
            return "The role is being changed in AWS. Reload in a moment."
        setting = TENANT_ROLE_MAXIMUM if self.is_tenant else ADMIN_JIT_SESSION_DURATION
        return f"The role's own maximum is shorter. Raise “{setting.label}”."


@dataclass(frozen=True, slots=True)
class DurationReports:
    """Builds duration reports."""

    database: Database
    accounts: Accounts
    brokers: Brokers
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    role_concurrency: RoleConcurrency = field(default_factory=RoleConcurrency)

    def of_tenant(self, reference: str, asked: timedelta | None = None) -> DurationReport:
        """Return the report on a tenant, by id or name; raises `TenantNotFound`."""
        with self.database.reading() as connection:
            tenant = find_tenant(connection, reference).tenant
            values = SettingStore(connection).read(tenant.id)
        configured = configured_limit(values, TENANT_VALIDITY)
        role_arn = tenant.target.role_arn
        return self._report(self.accounts.for_role(role_arn), role_arn, configured, asked, is_tenant=True)

    def of_admin(self, asked: timedelta | None = None) -> DurationReport:
        """Return the report on the master role of the default account."""
        with self.database.reading() as connection:
            values = SettingStore(connection).read(None)
        configured = configured_limit(values, ADMIN_JIT_SESSION_DURATION)
        account = self.accounts.default
        try:
            role_arn = account.master_role_arn
        except AwsError:
            # Nothing is known of a role without an ARN, so the report has the configured duration only.
            role_arn = ""
        return self._report(account, role_arn, configured, asked, is_tenant=False)

    def _report(
        self,
        account: Account,
        role_arn: str,
        configured: Limit,
        asked: timedelta | None,
        *,
        is_tenant: bool,
    ) -> DurationReport:
        with self.database.reading() as connection:
            cached = CachedRoleStore(connection).find(role_arn)
            change = RoleChangeList(connection).find(role_arn)
        validity = choose(
            asked,
            configured,
            role_maximum=self._maximum(account, role_arn, cached),
            is_chained=self._is_chained(account),
            grant_ends_at=None,
            entitlement_ends_at=None,
            now=self.clock(),
        )
        return DurationReport(role_arn, is_tenant, validity, change)

    def _is_chained(self, account: Account) -> bool:
        """Return whether role chaining caps sessions; False while that is unknown."""
        try:
            return self.brokers.for_account(account).is_chained
        except AwsError:
            return False

    def _maximum(self, account: Account, role_arn: str, cached: CachedRole) -> timedelta | None:
        """Return the role's maximum session duration; the last known one while AWS is slow for this role."""
        if not _is_known(account):
            # AWS is not called, because an unread maximum would replace the last known one.
            return cached.maximum
        roles = RoleAssumer(self.brokers.for_account(account), self.database, is_attribution_required=False)
        deadline = Deadline(self.monotonic() + AWS_TIME_LIMIT.total_seconds())
        try:
            with self.role_concurrency.acquire(role_arn):
                return roles.maximum(role_arn, cached, self.clock(), deadline)
        except RoleBusy:
            return cached.maximum


def _is_known(account: Account) -> bool:
    with suppress(AwsError):
        return bool(account.id)
    return False
