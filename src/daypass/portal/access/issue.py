"""Issuing JIT access, from the authenticated request to the released credentials.

The order is: decide, record the intent, assume the role, record the outcome while checking again that the
caller may have the credentials, release them.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from daypass.common.session_limits import MINIMUM_ROLE_MAXIMUM
from daypass.portal.access import attempt_records
from daypass.portal.access.authorization import AuthorizationContext, read_context
from daypass.portal.access.broker import (
    AWS_TIME_LIMIT,
    Broker,
    Brokers,
    Deadline,
    RoleMaximumExceeded,
)
from daypass.portal.access.issuance_count import count_attempt
from daypass.portal.access.level_policies import FindVerified, none_verified, set_in_account
from daypass.portal.access.model import (
    Allow,
    Caller,
    Credentials,
    Deny,
    IssuanceId,
    IssuedSession,
    Purpose,
    SessionRequest,
    State,
)
from daypass.portal.access.plan import (
    IssuanceAttempt,
    SessionPlan,
    assume_role_parameters,
    choose_target,
    choose_validity,
    set_role_refusal,
)
from daypass.portal.access.policy import find_age_refusal
from daypass.portal.access.release import find_release_refusal
from daypass.portal.access.role_assumer import RoleAssumer
from daypass.portal.access.role_concurrency import RoleConcurrency
from daypass.portal.accounts.registry import Accounts
from daypass.portal.audit.committer import Committer
from daypass.portal.clock import Clock
from daypass.portal.errors import AuditUnavailable, AwsError, AwsMisconfigured, AwsUnavailable, PortalError
from daypass.portal.identity.authentication import token_use_change
from daypass.portal.identity.scopes import Scope
from daypass.portal.identity.store.tokens import TokenStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.prepared import RowMismatch
from daypass.portal.telemetry.error_events import code_of
from daypass.portal.telemetry.stages import Stage, stage

# AWS accepts signatures from a clock that is up to five minutes off, and may take `AWS_TIME_LIMIT` to answer.
_EXPIRY_TOLERANCE = timedelta(minutes=5) + AWS_TIME_LIMIT


@dataclass(frozen=True, slots=True)
class Issuer:
    """Issues short-lived AWS credentials. Requests of every channel end here."""

    database: Database
    committer: Committer
    accounts: Accounts
    brokers: Brokers
    clock: Clock
    is_attribution_required: bool = False
    monotonic: Callable[[], float] = time.monotonic
    role_concurrency: RoleConcurrency = field(default_factory=RoleConcurrency)
    """The limit on concurrent AWS calls for each role."""
    find_verified: FindVerified = none_verified
    """Returns the policies verified in an account; called for every session that is not for full access."""

    def issue(self, caller: Caller, request: SessionRequest) -> IssuedSession:
        """Return one AWS session, recorded in the audit log before it is released.

        Raises a `PortalError` with the reason if it is denied or fails; then no credentials are released.
        """
        with stage(Stage.DECIDE), self.database.reading() as connection:
            context = self._decide(connection, caller, request)
        attempt = self._new_attempt(caller, request, context)
        deadline = Deadline(self.monotonic() + AWS_TIME_LIMIT.total_seconds())
        decision = context.decision
        if isinstance(decision, Deny):
            # A denial must not depend on how busy the role is, so it comes before the concurrency limit.
            caller.log_fields.update(_log_fields(attempt))
            self._record_denial(attempt, decision.refusal)
            raise decision.refusal
        # Raises `RoleBusy` before anything is recorded, so a queued request can run this method again.
        with self.role_concurrency.acquire(attempt.target.role_arn) as slot:
            caller.log_fields.update(_log_fields(attempt))
            try:
                with stage(Stage.PLAN):
                    plan = self._make_plan(attempt, decision, deadline)
            except PortalError as refusal:
                self._record_denial(attempt, refusal)
                raise

            # From here on every AWS session has a row, and none is released without its recorded outcome.
            with stage(Stage.INTENT):
                self.committer.commit(
                    *attempt_records.requested(attempt, plan),
                    *token_use_change(caller.token, attempt.asked_at),
                )
            try:
                session = self._obtain_session(attempt, plan, deadline)
                # AWS is done, so another request may have the slot while the outcome is committed.
                slot.release()
                precondition = partial(self._find_revocation_refusal, attempt, plan, session)
                with stage(Stage.OUTCOME):
                    self.committer.commit(
                        *attempt_records.issued(attempt, session), precondition=precondition
                    )
            except RowMismatch as error:
                raise AuditUnavailable(_ALREADY_SETTLED) from error
            except Exception as error:
                self._record_failure(attempt, plan, error)
                raise
        count_attempt(attempt, State.ISSUED, plan.access)
        return session

    def preview(self, caller: Caller, scope: Scope, permission_set: str | None = None) -> SessionPlan:
        """Return what *caller* would get for *scope*, without calling AWS or recording anything.

        The role's maximum counts only if it is cached, at any age. The age of the caller's authentication
        does not count, because the caller can authenticate again for the session. Raises the error of a
        denial, or of a limit that leaves too little time.
        """
        request = SessionRequest(scope, permission_set=permission_set)
        with self.database.reading() as connection:
            context = self._read_context(connection, caller, request)
        decision = context.decision
        if isinstance(decision, Deny):
            raise decision.refusal
        attempt = self._new_attempt(caller, request, context)
        is_chained = self._broker(attempt).is_chained
        validity = choose_validity(attempt, decision.entitlement, context.role.maximum, is_chained=is_chained)
        return SessionPlan(
            decision.entitlement, decision.permission_set, validity, None, decision.permission_set
        )

    def _decide(
        self, connection: Connection, caller: Caller, request: SessionRequest
    ) -> AuthorizationContext:
        """Read the context of a session to be issued; deny it if the authentication is too old."""
        context = self._read_context(connection, caller, request)
        if isinstance(context.decision, Deny):
            return context
        # Last of all checks: to authenticate again does not help a caller whom another one denies.
        refusal = find_age_refusal(caller.token, context.values, self.clock())
        return context if refusal is None else replace(context, decision=refusal)

    def _read_context(
        self, connection: Connection, caller: Caller, request: SessionRequest
    ) -> AuthorizationContext:
        scope = request.scope
        return read_context(
            connection, caller, scope, self._master_role(scope), self.clock(), request.permission_set
        )

    def _new_attempt(
        self, caller: Caller, request: SessionRequest, context: AuthorizationContext
    ) -> IssuanceAttempt:
        account, target = choose_target(self.accounts, request.scope, context)
        return IssuanceAttempt(
            id=IssuanceId(uuid4().hex),
            caller=caller,
            request=request,
            asked_at=self.clock(),
            context=context,
            account=account,
            target=target,
        )

    def _make_plan(self, attempt: IssuanceAttempt, decision: Allow, deadline: Deadline) -> SessionPlan:
        # `is_chained` is read first because it raises while the account's id is unknown. In that case the
        # cached maximum of the role must not be written.
        broker = self._broker(attempt)
        is_chained = broker.is_chained
        if not attempt.target.role_arn:
            # The account became known after the master role was looked up, so its ARN is missing.
            raise AwsUnavailable("The portal has only just connected to AWS. Try again in a moment.")
        request = attempt.request
        destination = None
        if request.purpose.wants_console:
            destination = broker.destination(attempt.target.region, request.destination)
        session_set = set_in_account(
            decision.permission_set,
            attempt.target.account_id,
            self.find_verified,
            is_admin=attempt.is_admin,
        )
        roles, cached = self._roles(attempt), attempt.context.role
        set_role = attempt.context.set_role
        problem = ""
        if set_role is not None:
            problem = roles.find_set_role_problem(set_role, cached, attempt.asked_at, deadline)
        if problem:
            raise set_role_refusal(attempt, decision.permission_set, problem)
        maximum = roles.maximum(attempt.target.role_arn, cached, attempt.asked_at, deadline)
        validity = choose_validity(attempt, decision.entitlement, maximum, is_chained=is_chained)
        return SessionPlan(decision.entitlement, decision.permission_set, validity, destination, session_set)

    def _master_role(self, scope: Scope) -> str:
        """Return the ARN of the master role for the admin scope; "" while the account is unknown."""
        # A tenant's role is read by the statement itself, and denials need no role.
        if scope.is_admin:
            with suppress(AwsError):
                return self.accounts.default.master_role_arn
        return ""

    def _broker(self, attempt: IssuanceAttempt) -> Broker:
        return self.brokers.for_account(attempt.account)

    def _roles(self, attempt: IssuanceAttempt) -> RoleAssumer:
        return RoleAssumer(self._broker(attempt), self.database, self.is_attribution_required)

    def _obtain_session(
        self, attempt: IssuanceAttempt, plan: SessionPlan, deadline: Deadline
    ) -> IssuedSession:
        try:
            return self._assume(attempt, plan, deadline)
        except RoleMaximumExceeded:
            if plan.validity.duration <= MINIMUM_ROLE_MAXIMUM:
                raise
        # The portal has no permission to read this role's maximum, or the maximum was lowered just now.
        self._roles(attempt).remember_maximum(attempt.target.role_arn, MINIMUM_ROLE_MAXIMUM, attempt.asked_at)
        is_chained = self._broker(attempt).is_chained
        shorter = choose_validity(attempt, plan.entitlement, MINIMUM_ROLE_MAXIMUM, is_chained=is_chained)
        return self._assume(attempt, replace(plan, validity=shorter), deadline)

    def _assume(self, attempt: IssuanceAttempt, plan: SessionPlan, deadline: Deadline) -> IssuedSession:
        parameters = assume_role_parameters(attempt, plan)
        with stage(Stage.ASSUME_ROLE):
            assumed = self._roles(attempt).assume(
                parameters, attempt.context.role, attempt.asked_at, deadline
            )
        return IssuedSession(
            id=attempt.id,
            user=attempt.caller.user,
            tenant=attempt.context.tenant,
            role_arn=attempt.target.role_arn,
            region=attempt.target.region,
            account_id=attempt.account.id,
            session_name=parameters.session_name,
            permission_set=plan.permission_set,
            issued_at=attempt.asked_at,
            expires_at=_expires_at(assumed.credentials, attempt.asked_at + plan.validity.duration),
            validity=plan.validity,
            credentials=assumed.credentials,
            is_attributed=assumed.is_attributed,
            console_url=self._console_url(attempt, assumed.credentials, plan, deadline),
        )

    def _console_url(
        self, attempt: IssuanceAttempt, credentials: Credentials, plan: SessionPlan, deadline: Deadline
    ) -> Secret | None:
        if plan.destination is None:
            return None
        try:
            with stage(Stage.CONSOLE):
                return self._broker(attempt).console_url(credentials, plan.destination, deadline)
        except AwsError:
            if attempt.request.purpose is Purpose.CONSOLE:
                raise
            return None

    def _find_revocation_refusal(
        self, attempt: IssuanceAttempt, plan: SessionPlan, session: IssuedSession, connection: Connection
    ) -> PortalError | None:
        """Return the refusal if the caller may no longer have the session that AWS has just given.

        Runs in the transaction that records the outcome. No revocation can commit before that: `lock` holds
        the token and its owner, and every unit with a precondition holds a shared advisory lock, which
        changes of memberships, tenants and settings take exclusively (decision 0018).
        """
        caller = attempt.caller
        with stage(Stage.RELEASE):
            TokenStore(connection).lock(caller.token.id)
            try:
                context = self._decide(connection, caller, attempt.request)
            except PortalError as refusal:
                return refusal
            return find_release_refusal(attempt, plan, session, context)

    def _record_denial(self, attempt: IssuanceAttempt, refusal: PortalError) -> None:
        self.committer.commit_rate_limited(*attempt_records.denied(attempt, refusal))
        count_attempt(attempt, State.DENIED)

    def _record_failure(self, attempt: IssuanceAttempt, plan: SessionPlan, error: Exception) -> None:
        # If the failure cannot be recorded either, `AbandonedAttempts` settles the attempt later.
        with suppress(AuditUnavailable, RowMismatch):
            self.committer.commit(*attempt_records.failed(attempt, plan, code_of(error)))
            count_attempt(attempt, State.FAILED, plan.access)


_ALREADY_SETTLED = (
    "The request took too long and was recorded with an unknown outcome. No credentials were issued. "
    "Try again."
)


def _log_fields(attempt: IssuanceAttempt) -> dict[str, str]:
    fields = {"issuance_id": str(attempt.id)}
    return fields if attempt.tenant_name is None else fields | {"tenant": attempt.tenant_name}


def _expires_at(credentials: Credentials, bound: datetime) -> datetime:
    """Return the expiry that AWS reported, but at most *bound*; raise if the clocks differ too much."""
    if abs(credentials.expires_at - bound) > _EXPIRY_TOLERANCE:
        raise AwsMisconfigured(
            "AWS's clock and the portal's differ by more than five minutes, so nothing was issued. "
            "The portal's operator must set its clock."
        )
    return min(credentials.expires_at, bound)
