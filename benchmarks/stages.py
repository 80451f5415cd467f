"""The cost of each stage of an issuance: the code of the portal, called separately and sequentially."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import uuid4

from benchmarks.portal import TENANT, environment
from daypass.portal.access import attempt_records
from daypass.portal.access.authorization import AuthorizationContext, read_context
from daypass.portal.access.broker import Broker, Deadline
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import (
    Allow,
    Caller,
    Channel,
    IssuanceId,
    IssuedSession,
    SessionRequest,
)
from daypass.portal.access.plan import IssuanceAttempt, SessionPlan, assume_role_parameters, choose_validity
from daypass.portal.access.sessions import SessionHistory
from daypass.portal.accounts.model import Account
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.audit.committer import Committer
from daypass.portal.aws.factory import make_account, make_broker
from daypass.portal.clock import utc_now
from daypass.portal.config.reader import read_config
from daypass.portal.http.api.sessions.handlers import Sessions
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.scopes import Scope
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database

REPETITIONS = 300

_SCOPE = Scope.of_tenant(TENANT)
_BODY = f'{{"tenant":"{TENANT}"}}'.encode()


@dataclass(frozen=True, slots=True)
class Stage:
    """The time of one stage for one issuance, in milliseconds: CPU time of all threads, and elapsed time."""

    name: str
    cpu: float
    wall: float


def measure(database_url: str, aws_url: str, token: Secret) -> Sequence[Stage]:
    """Return the cost of every stage of the path, and then of the whole path."""
    os.environ.update(environment(database_url, aws_url))
    config = read_config(os.environ)
    broker = make_broker(config.aws, public_url=config.public_url, connections=1)
    broker.identity.discover()
    account = make_account(config.aws, broker)
    with closing(Database(database_url, connections=3)) as database:
        committer = Committer(database, utc_now)
        try:
            identity = Identity(database, committer, utc_now)
            issuer = Issuer(
                database=database,
                committer=committer,
                accounts=Accounts(account),
                brokers=PerAccount({account.name: broker}),
                clock=utc_now,
            )
            return _Path(database, committer, broker, identity, issuer, token).stages()
        finally:
            committer.close()


@dataclass(frozen=True, slots=True)
class _Path:
    """The stages of the path, each as the portal runs it."""

    database: Database
    committer: Committer
    broker: Broker
    identity: Identity
    issuer: Issuer
    token: Secret

    def stages(self) -> Sequence[Stage]:
        caller = self._caller()
        context = self._context(caller)
        attempts = [_attempt(caller, context, self.issuer.accounts.default) for _ in range(REPETITIONS + 1)]
        plan = self._plan(attempts[0], context)
        session = self.issuer.issue(caller, attempts[0].request)
        to_request, to_record = iter(attempts), iter(attempts)
        sessions = Sessions(SessionHistory(self.database), self.issuer)
        everything = partial(sessions.create, ApiRequest(caller, {}, {}, _BODY))
        return [
            _measured("authentication", self._caller),
            _measured("policy and duration", lambda: self._plan(attempts[0], self._context(caller))),
            _measured("intent recorded", lambda: self._request(next(to_request), plan)),
            _measured("AWS", lambda: self._assume(attempts[0], plan)),
            _measured("outcome recorded", lambda: self._record(next(to_record), session)),
            _measured("all of these but the first, and the response", everything),
        ]

    def _caller(self) -> Caller:
        token, user = self.identity.authenticate(self.token.reveal())
        return Caller(user, token, Channel.API, "127.0.0.1", uuid4().hex)

    def _context(self, caller: Caller) -> AuthorizationContext:
        with self.database.reading() as connection:
            return read_context(connection, caller, _SCOPE, "", utc_now())

    def _plan(self, attempt: IssuanceAttempt, context: AuthorizationContext) -> SessionPlan:
        assert isinstance(context.decision, Allow)  # noqa: S101  a member of the tenant
        entitlement = context.decision.entitlement
        validity = choose_validity(attempt, entitlement, timedelta(hours=12), is_chained=False)
        permission_set = entitlement.permission_set
        return SessionPlan(entitlement, permission_set, validity, None, permission_set)

    def _request(self, attempt: IssuanceAttempt, plan: SessionPlan) -> None:
        self.committer.commit(*attempt_records.requested(attempt, plan))

    def _assume(self, attempt: IssuanceAttempt, plan: SessionPlan) -> None:
        deadline = Deadline(time.monotonic() + 8)
        self.broker.assume(assume_role_parameters(attempt, plan), attributed=True, deadline=deadline)

    def _record(self, attempt: IssuanceAttempt, session: IssuedSession) -> None:
        def precondition(connection: Connection) -> None:
            read_context(connection, attempt.caller, _SCOPE, "", utc_now())

        self.committer.commit(*attempt_records.issued(attempt, session), precondition=precondition)


def _attempt(caller: Caller, context: AuthorizationContext, account: Account) -> IssuanceAttempt:
    assert context.tenant is not None  # noqa: S101  it was seeded
    return IssuanceAttempt(
        id=IssuanceId(uuid4().hex),
        caller=caller,
        request=SessionRequest(_SCOPE),
        asked_at=utc_now(),
        context=context,
        account=account,
        target=context.tenant.target,
    )


def _measured(name: str, stage: Callable[[], object]) -> Stage:
    stage()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(REPETITIONS):
        stage()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Stage(name, 1000 * cpu / REPETITIONS, 1000 * wall / REPETITIONS)
