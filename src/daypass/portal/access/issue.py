"""The path of a JIT request, top to bottom."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from daypass.portal.access import audit_events
from daypass.portal.access.authorization import AuthorizationContext, read_context
from daypass.portal.access.broker import AWS_TIME, Broker, Deadline, RoleMaximumExceeded
from daypass.portal.access.model import (
    AdminScope,
    Allow,
    Ask,
    Caller,
    Credentials,
    Deny,
    Issuance,
    IssuanceId,
    Purpose,
    Scope,
    Validity,
)
from daypass.portal.access.plan import (
    IssuanceRequest,
    Plan,
    choose_validity,
    configured_validity,
    role_session,
)
from daypass.portal.access.role_cache import EVERY_ROLE_ALLOWS, AssumedRole, RoleSessions
from daypass.portal.access.role_concurrency import RoleConcurrency
from daypass.portal.access.session_names import session_name
from daypass.portal.audit.log import AuditLog
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    AccessDenied,
    AuditUnavailable,
    AwsError,
    AwsMisconfigured,
    AwsUnavailable,
    PortalError,
)
from daypass.portal.identity.authentication import used
from daypass.portal.identity.store import TokenStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.prepared import RowMismatch

# AWS takes signatures from a clock up to five minutes off; its answer may take the rest.
_CLOCKS_MAY_DIFFER = timedelta(minutes=5) + AWS_TIME


@dataclass(frozen=True, slots=True)
class Issuer:
    """Issues short-lived AWS access. Every door ends here."""

    database: Database
    audit: AuditLog
    broker: Broker
    clock: Clock
    master_role_arn: Callable[[], str]
    """Return the ARN of the master role, or raise an `AwsError` while the account is unknown."""
    region: str
    """Where admin sessions land; a tenant's session lands in the tenant's own region."""
    is_attribution_required: bool = False
    monotonic: Callable[[], float] = time.monotonic
    shares: RoleConcurrency = field(default_factory=RoleConcurrency)
    """Limits the concurrent AWS calls of each role."""

    def issue(self, caller: Caller, ask: Ask) -> Issuance:
        """Hand out one AWS session, on record before it is released, or raise a `PortalError`."""
        with self.database.reading() as connection:
            standing = read_context(connection, caller, ask.scope, self._master_role())
        attempt = self._attempt(caller, ask, standing)
        deadline = Deadline(self.monotonic() + AWS_TIME.total_seconds())
        decision = standing.decision
        if isinstance(decision, Deny):
            # Before the share: a denied caller gets the denial, whether the role is busy or not.
            caller.log_fields.update(_log_fields(attempt))
            self.audit.commit_refusal(*audit_events.denied(attempt, decision.refusal))
            raise decision.refusal
        # Raises `RoleBusy` before anything is recorded.
        with self.shares.hold(attempt.role_arn) as share:
            caller.log_fields.update(_log_fields(attempt))
            try:
                plan = self._plan(attempt, standing, decision, deadline)
            except PortalError as refusal:
                self.audit.commit_refusal(*audit_events.denied(attempt, refusal))
                raise

            # From here on no AWS session exists without a row, and none is released without its outcome.
            self.audit.commit(*audit_events.requested(attempt, plan), *used(caller.token, attempt.asked_at))
            try:
                issuance = self._ask_aws(attempt, plan, standing, deadline)
                share.release()
                precondition = partial(self._revoked_since, attempt, issuance)
                self.audit.commit(*audit_events.issued(attempt, issuance), precondition=precondition)
            except RowMismatch as error:
                raise AuditUnavailable(_SETTLED) from error
            except Exception as error:
                self._record_failure(attempt, plan, error)
                raise
        return issuance

    def preview(self, caller: Caller, scope: Scope) -> Plan:
        """What *caller* would get of *scope* just now, as far as it is known without asking AWS; no record.

        Raises the refusal that they would get.
        """
        with self.database.reading() as connection:
            standing = read_context(connection, caller, scope, self._master_role())
        if isinstance(standing.decision, Deny):
            raise standing.decision.refusal
        attempt = self._attempt(caller, Ask(scope), standing)
        validity = self._validity(attempt, standing, standing.role.maximum)
        return Plan(standing.decision.access, validity, None)

    def _attempt(self, caller: Caller, ask: Ask, standing: AuthorizationContext) -> IssuanceRequest:
        tenant = standing.tenant
        master_role = self._master_role() if isinstance(ask.scope, AdminScope) else ""
        return IssuanceRequest(
            id=IssuanceId(uuid4().hex),
            caller=caller,
            ask=ask,
            asked_at=self.clock(),
            tenant=tenant,
            tenant_id=standing.tenant_id,
            role_arn=tenant.role_arn if tenant else master_role,
            region=tenant.region if tenant else self.region,
        )

    def _plan(
        self, attempt: IssuanceRequest, standing: AuthorizationContext, decision: Allow, deadline: Deadline
    ) -> Plan:
        # Raises while the account is unknown, before anything is remembered of the role.
        is_chained = self.broker.is_chained
        if not attempt.role_arn:
            # The account became known a moment after the attempt began.
            raise AwsUnavailable("The portal has only just reached AWS. Try again in a moment.")
        ask = attempt.ask
        destination = None
        if ask.purpose.wants_console:
            destination = self.broker.destination(attempt.region, ask.destination)
        maximum = self._roles.maximum(attempt.role_arn, standing.role, attempt.asked_at, deadline)
        validity = choose_validity(attempt, standing.values, maximum, is_chained=is_chained)
        return Plan(decision.access, validity, destination)

    def _validity(
        self, attempt: IssuanceRequest, standing: AuthorizationContext, role_maximum: timedelta | None
    ) -> Validity:
        return choose_validity(attempt, standing.values, role_maximum, is_chained=self.broker.is_chained)

    def _master_role(self) -> str:
        """Return the ARN of the master role; empty while the account is unknown, so that denials work."""
        try:
            return self.master_role_arn()
        except AwsError:
            return ""

    @property
    def _roles(self) -> RoleSessions:
        return RoleSessions(self.broker, self.database, self.is_attribution_required)

    def _ask_aws(
        self, attempt: IssuanceRequest, plan: Plan, standing: AuthorizationContext, deadline: Deadline
    ) -> Issuance:
        plan, assumed = self._assume(attempt, plan, standing, deadline)
        return Issuance(
            id=attempt.id,
            user=attempt.caller.user,
            tenant=attempt.tenant,
            role_arn=attempt.role_arn,
            region=attempt.region,
            account_id=self.broker.account_id,
            session_name=session_name(attempt.caller.user.username),
            access=plan.access,
            issued_at=attempt.asked_at,
            expires_at=_expires_at(assumed.credentials, attempt.asked_at + plan.validity.length),
            validity=plan.validity,
            credentials=assumed.credentials,
            is_attributed=assumed.is_attributed,
            console_url=self._console_url(attempt.ask.purpose, assumed.credentials, plan, deadline),
        )

    def _assume(
        self, attempt: IssuanceRequest, plan: Plan, standing: AuthorizationContext, deadline: Deadline
    ) -> tuple[Plan, AssumedRole]:
        roles, now = self._roles, attempt.asked_at
        try:
            return plan, roles.assume(role_session(attempt, plan), standing.role, now, deadline)
        except RoleMaximumExceeded:
            if plan.validity.length <= EVERY_ROLE_ALLOWS:
                raise
        # The portal may not read this role's maximum, or it was lowered a moment ago.
        roles.remember_maximum(attempt.role_arn, EVERY_ROLE_ALLOWS, now)
        shorter = replace(plan, validity=self._validity(attempt, standing, EVERY_ROLE_ALLOWS))
        return shorter, roles.assume(role_session(attempt, shorter), standing.role, now, deadline)

    def _console_url(
        self, purpose: Purpose, credentials: Credentials, plan: Plan, deadline: Deadline
    ) -> Secret | None:
        if plan.destination is None:
            return None
        try:
            return self.broker.console_url(credentials, plan.destination, deadline)
        except AwsError:
            if purpose is Purpose.CONSOLE:
                raise
            return None

    def _revoked_since(
        self, attempt: IssuanceRequest, issuance: Issuance, connection: Connection
    ) -> PortalError | None:
        """The refusal, if what allowed this attempt has been taken away while AWS was being asked."""
        caller, scope = attempt.caller, attempt.ask.scope
        TokenStore(connection).lock(caller.token.id)
        try:
            standing = read_context(connection, caller, scope, self._master_role())
        except PortalError as refusal:
            return refusal
        if isinstance(standing.decision, Deny):
            return standing.decision.refusal
        if standing.decision != Allow(issuance.access) or standing.tenant != attempt.tenant:
            return AccessDenied("Your access to this tenant was changed a moment ago. Try again.")
        if issuance.validity.length > configured_validity(standing.values, attempt.setting).validity:
            return AccessDenied("How long a session may last was changed a moment ago. Try again.")
        return None

    def _record_failure(self, attempt: IssuanceRequest, plan: Plan, error: Exception) -> None:
        code = error.code if isinstance(error, PortalError) else "internal"
        # Without an outcome the intent stays on record, and is settled as unknown later.
        with suppress(AuditUnavailable, RowMismatch):
            self.audit.commit(*audit_events.failed(attempt, plan, code))


_SETTLED = (
    "The portal took so long that this request is on record with an unknown outcome. Nothing was handed out. "
    "Try again."
)


def _log_fields(attempt: IssuanceRequest) -> dict[str, str]:
    fields = {"issuance_id": str(attempt.id)}
    return fields if attempt.tenant_name is None else fields | {"tenant": attempt.tenant_name}


def _expires_at(credentials: Credentials, bound: datetime) -> datetime:
    """What AWS said, but never later than *bound*."""
    if abs(credentials.expires_at - bound) > _CLOCKS_MAY_DIFFER:
        raise AwsMisconfigured(
            "AWS's clock and the portal's differ by more than five minutes, so nothing was issued. "
            "The portal's operator must set its clock."
        )
    return min(credentials.expires_at, bound)
