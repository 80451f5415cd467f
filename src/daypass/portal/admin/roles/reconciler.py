"""Reconciliation of the maximum session durations and services of IAM roles with the settings.

The desired state is computed from the settings and stored with the result for each role. So an interrupted
run is resumed, and the results can be read at any time.
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from daypass.common.session_limits import MINIMUM_ROLE_MAXIMUM
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin.roles.provisioner import DesiredRole, IamRoles, RoleOutcome, RoleStatus
from daypass.portal.admin.roles.services.changes import ServiceChanges
from daypass.portal.admin.roles.services.model import ServiceStatus
from daypass.portal.admin.roles.services.store import ServiceLimitList
from daypass.portal.admin.roles.store import RoleChangeList, record_result
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import PORTAL, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import AwsError, RoleNotFound
from daypass.portal.settings.registry import ADMIN_JIT_SESSION_DURATION, ROLE_MAXIMUM
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.advisory_lock import lock_exclusive
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.telemetry.error_events import log_error

AT_ONCE = 4
"""The number of roles changed in parallel. AWS throttles IAM early, and for the whole account."""

_BATCH = 100
_SECOND = timedelta(seconds=1)


class RoleReconciler:
    """Reconciles the roles' maximum session durations, and through `services` their services."""

    def __init__(
        self,
        database: Database,
        committer: Committer,
        clock: Clock,
        iam: IamRoles,
        accounts: Accounts,
    ) -> None:
        self._database = database
        self._committer = committer
        self._clock = clock
        self._iam = iam
        self._accounts = accounts
        self.services = ServiceChanges(database, committer, clock, iam)
        self._background = ThreadPoolExecutor(1, thread_name_prefix="roles")
        self._closing = threading.Event()
        # Two runs at the same time would change each waiting role twice, and AWS throttles IAM.
        self._running = threading.Lock()

    def reconcile(self) -> None:
        """Store the desired state by the current settings, and start the changes; does not wait for AWS."""
        with self._database.writing() as connection:
            self._record_desired(connection)
            self.services.record_desired(connection)
            is_anything_left = bool(
                RoleChangeList(connection).waiting(1) or ServiceLimitList(connection).waiting(1)
            )
        if is_anything_left:
            self._begin()

    def try_again(self) -> None:
        """Retry the changes that AWS refused, and those of roles that did not exist."""
        with self._database.writing() as connection:
            RoleChangeList(connection).try_again()
            ServiceLimitList(connection).try_again()
        self._begin()

    def run(self) -> None:
        """Apply the pending changes; return when each has its result, or after `interrupt`."""
        with self._running, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="role") as pool:
            while not self._closing.is_set():
                with self._database.reading() as connection:
                    waiting = RoleChangeList(connection).waiting(_BATCH)
                limits = self.services.waiting(_BATCH)
                if not waiting and not limits:
                    return
                # A role whose setting was changed meanwhile still waits, and the next round applies it. The
                # results are read, because an error of a thread is raised only then.
                list(pool.map(self._apply, waiting))
                list(pool.map(self._apply_services, limits))

    def page(self, outcome: RoleOutcome | None, page_request: PageRequest) -> Page[RoleStatus]:
        """Return a page of the roles that settings determine, each with its result."""
        with self._database.reading() as connection:
            return RoleChangeList(connection).page(outcome, page_request)

    def progress(self) -> Mapping[RoleOutcome, int]:
        """Return the number of roles by result."""
        with self._database.reading() as connection:
            return RoleChangeList(connection).count()

    def of(self, role_arn: str) -> RoleStatus | None:
        """Return the desired state and result of one role, or None if no setting determines it."""
        with self._database.reading() as connection:
            return RoleChangeList(connection).find(role_arn)

    def interrupt(self) -> None:
        """Request a stop after the roles that are being changed; does not wait."""
        self._closing.set()

    def close(self) -> None:
        """Interrupt, and wait until nothing runs; the next `reconcile` resumes the rest."""
        self.interrupt()
        self._background.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        # There is one worker, so a request that arrives while it runs is queued, and no caller waits for AWS.
        # The executor refuses it if `close` was called; the next process resumes the rest.
        with suppress(RuntimeError):
            self._background.submit(self._run_quietly)

    def _run_quietly(self) -> None:
        # Without the database or its audit log no role is changed; the next `reconcile` resumes the rest.
        # Any error is logged here, because the executor would keep it in a result that is not read.
        try:
            self.run()
        except Exception as error:
            log_error("role durations", error)

    def _record_desired(self, connection: Connection) -> None:
        """Store the desired roles: those that are new or changed wait for their change in AWS."""
        # Two replicas that compare at the same time would both add the same new role.
        lock_exclusive(connection)
        changes, now = RoleChangeList(connection), self._clock()
        stored = changes.all()
        desired = {role.role_arn: role for role in self._desired(connection, stored)}
        new = [role for arn, role in desired.items() if arn not in stored]
        changed = [
            role
            for arn, role in desired.items()
            # A role that was left may have been changed in AWS since, so its maximum is set again.
            if arn in stored and (stored[arn].desired != role or stored[arn].outcome is RoleOutcome.LEFT)
        ]
        self._drop_undesired(
            connection, {arn: status for arn, status in stored.items() if arn not in desired}
        )
        changes.add(new, now)
        changes.update_desired(changed, now)

    def _drop_undesired(self, connection: Connection, unwanted: Mapping[str, RoleStatus]) -> None:
        """Mark changed roles that no setting determines any more; delete the other rows."""
        existing = {role_arn for _, _, role_arn, _ in RoleChangeList(connection).tenants()}
        existing.update(self._master_roles(unwanted))
        changed = {RoleOutcome.DONE, RoleOutcome.WAITING}
        to_leave = [arn for arn, status in unwanted.items() if arn in existing and status.outcome in changed]
        to_drop = [
            arn
            for arn, status in unwanted.items()
            if arn not in existing or status.outcome not in {*changed, RoleOutcome.LEFT}
        ]
        changes = RoleChangeList(connection)
        changes.leave(to_leave, self._clock())
        changes.drop(to_drop)

    def _desired(self, connection: Connection, known: Mapping[str, RoleStatus]) -> Sequence[DesiredRole]:
        """Return the desired state; a tenant's own maximum takes precedence over the one for all tenants."""
        values = SettingStore(connection).read(None)
        for_all, admin = values.get_optional(ROLE_MAXIMUM), values.get(ADMIN_JIT_SESSION_DURATION)
        roles = [
            DesiredRole(role_arn, tenant_id, name, maximum)
            for tenant_id, name, role_arn, own in RoleChangeList(connection).tenants()
            if (maximum := own or for_all) is not None
        ]
        # Every role allows an hour, so a shorter duration needs no change of the master role.
        if admin > MINIMUM_ROLE_MAXIMUM:
            roles += [DesiredRole(arn, None, None, admin) for arn in self._master_roles(known)]
        return roles

    def _master_roles(self, known: Mapping[str, RoleStatus]) -> Sequence[str]:
        """Return the ARN of each account's master role; while an account is unknown, also the stored ones."""
        arns: list[str] = []
        is_complete = True
        for account in self._accounts:
            try:
                arns.append(account.master_role_arn)
            except AwsError:
                is_complete = False
        if is_complete:
            return arns
        stored = (arn for arn, status in known.items() if status.desired.tenant_id is None)
        return [*arns, *(arn for arn in stored if arn not in arns)]

    def _apply(self, status: RoleStatus) -> None:
        if self._closing.is_set():
            return
        desired = status.desired
        try:
            before, after = self._apply_maximum(desired)
        except AwsError as refusal:
            outcome = RoleOutcome.MISSING if isinstance(refusal, RoleNotFound) else RoleOutcome.REFUSED
            self._record_result(desired, outcome, refusal.reason, {"code": refusal.code})
            return
        # The maximum is stored before the result: if the process is killed in between, the role still waits
        # and is applied again. In the other order, issuances would go on with the former maximum.
        with self._database.writing() as connection:
            CachedRoleStore(connection).remember_maximum(desired.role_arn, after, self._clock())
        old = {} if before is None else {"old.maximum": before // _SECOND}
        self._record_result(desired, RoleOutcome.DONE, "", {**old, "new.maximum": after // _SECOND})

    def _apply_services(self, status: ServiceStatus) -> None:
        if not self._closing.is_set():
            self.services.apply(status)

    def _apply_maximum(self, desired: DesiredRole) -> tuple[timedelta | None, timedelta]:
        """Set the role's maximum; return the one before, if it is known, and the one after."""
        if desired.tenant_id is None:
            # The master role's maximum is only raised: the setting is a lower bound for it.
            before = self._iam.read(desired.role_arn).maximum
            if before >= desired.maximum:
                return before, before
            self._iam.set_maximum(desired.role_arn, desired.maximum)
            return before, desired.maximum
        self._iam.set_maximum(desired.role_arn, desired.maximum)
        return None, desired.maximum

    def _record_result(
        self, desired: DesiredRole, outcome: RoleOutcome, reason: str, detail: Mapping[str, str | int]
    ) -> None:
        fields = {"wanted": desired.maximum // _SECOND, **detail}
        event = Event(
            action="role.set_maximum",
            actor=PORTAL,
            outcome=Outcome.DONE if outcome is RoleOutcome.DONE else Outcome.FAILED,
            subject=desired.role_arn,
            tenant_id=desired.tenant_id,
            detail=fields,
        )
        self._committer.commit(event, record_result(desired, outcome, reason, at=self._clock()))
