"""Imports of users from a table: parsed, planned line by line, and applied in batches if all lines are valid.

The columns are `username`, `role`, `tenants` and `read_only_tenants` (names, separated by spaces). In
`tenants`, `NAME:SET` gives the permission set SET instead of full access. Existing users get the role and the
memberships too. With an empty role, existing users keep theirs, and new ones become Users. Memberships that
the table does not name are left alone.

A table for one request is planned and run to its end. A larger one becomes a stored job: it is staged, which
plans it, and resumed until all its batches are done. If users or tenants change after the review of the plan,
the table must be reviewed again (decision 0022).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import uuid4

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports.changes import (
    all_lost_administrators,
    changes_of,
    check_administrators,
    check_author,
)
from daypass.portal.admin.imports.job import ImportJob, ImportPlan, import_job, progress_text
from daypass.portal.admin.imports.limits import JOB_LIFETIME, MAX_LINES, MAX_LINES_PER_REQUEST, READ
from daypass.portal.admin.imports.plan import ImportedUser, plan_lines, without_duplicates
from daypass.portal.admin.imports.store import ImportJobStore, JobKey, StoredJob, record_progress, remove_job
from daypass.portal.admin.imports.table import Line, batches_of, read_table
from daypass.portal.admin.model import Version, version_of
from daypass.portal.admin.reauthentication import Proof
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    ChangeRequest,
    Plan,
    single_change,
)
from daypass.portal.admin.users.store.users import UserList
from daypass.portal.errors import InvalidRequest, PreconditionFailed
from daypass.portal.identity.administrators import NONE_LOST
from daypass.portal.identity.authentication import new_user
from daypass.portal.identity.model import Role, User
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.unit_of_work import RowChange

_ACTION = "user.import"


@dataclass(frozen=True, slots=True)
class Imports:
    """Plans and executes imports."""

    executor: ChangeExecutor

    def plan(self, text: str) -> ImportPlan:
        """Return the plan of a table for one request; raises `InvalidRequest` if *text* is none."""
        return self._plan(list(read_table(text, MAX_LINES_PER_REQUEST)))

    def run(self, text: str, by: Author) -> ImportPlan:
        """Execute the plan of a table for one request; changes nothing if a line is invalid."""
        plan = self.plan(text)
        plan.require_valid()
        self._check(plan, by)
        job = import_job(plan.table, plan.batches)
        while not job.is_done:
            job = self._apply_next_batch(job, by)
        return plan

    def stage(self, text: str, by: Caller) -> ImportPlan:
        """Store a table as a job and return its plan; changes nothing else. Raises `InvalidRequest`."""
        table, now = list(read_table(text, MAX_LINES)), self.executor.clock()
        plan = self._plan(table, uuid4().hex)
        job = StoredJob(text, plan.batches, taken=0, changed=0)
        with self.executor.database.writing() as connection:
            ImportJobStore(connection).put(JobKey(by.user.id, plan.id), job, now, now - JOB_LIFETIME)
        return plan

    def review_again(self, job_id: str, by: Caller) -> ImportPlan:
        """Plan a job's table again by the current state, and restart the job; raises `InvalidRequest`."""
        key = JobKey(by.user.id, job_id)
        plan = self._plan(list(read_table(self._find(key).content, MAX_LINES)), job_id)
        with self.executor.database.writing() as connection:
            ImportJobStore(connection).restart(key, plan.batches)
        return plan

    def resume(self, job_id: str, reviewed: Version, by: Caller, is_enough: Callable[[], bool]) -> ImportJob:
        """Import the next batches of a job, until all lines are done or *is_enough* returns True.

        Raises `PreconditionFailed` if the plan is not the reviewed one: that of the whole table before the
        first line (it must also be the version *reviewed*, which the user saw), and that of each batch before
        the batch.
        Raises `InvalidRequest` if a line cannot be applied.
        """
        key = JobKey(by.user.id, job_id)
        stored = self._find(key)
        table = list(read_table(stored.content, MAX_LINES))
        job = import_job(table, stored.reviewed, key, stored.taken, stored.changed)
        # Later batches are compared with the plan one by one, so the whole table is planned only at the
        # beginning.
        if job.taken == 0:
            plan = self._plan(table)
            plan.require_valid()
            if not plan.version == reviewed == version_of(*stored.reviewed):
                raise _changed_since_review(0)
            self._check(plan, by)
        while not job.is_done:
            job = self._apply_next_batch(job, by)
            if is_enough():
                break
        return job

    def _plan(self, table: Sequence[Line], job_id: str = "") -> ImportPlan:
        lines: list[ImportedUser] = []
        for batch in batches_of(table, READ):
            # A connection for each batch, so that a large table does not keep one from other requests.
            with self.executor.database.reading() as connection:
                lines += plan_lines(connection, table[batch])[0]
        return ImportPlan(table, without_duplicates(lines), job_id)

    def _check(self, plan: ImportPlan, by: Author) -> None:
        """Return if the whole table can be imported; raise the refusal that some line would meet.

        So no table stops in the middle for a reason that was known before. A refusal is recorded here once.
        """
        needed = Change((), proof=max((user.proof for user in plan.lines), default=Proof.NONE))
        with_role = [user for user in plan.lines if user.changes_role]

        def check(connection: Connection) -> Change:
            lost = NONE_LOST
            for begin in range(0, len(with_role), READ.lines):
                users = with_role[begin : begin + READ.lines]
                lost += all_lost_administrators(
                    users, UserList(connection).by_names([user.username for user in users])
                )
            check_administrators(connection, lost, 0)
            check_author(with_role, by)
            return needed

        self.executor.plan(single_change(_ACTION, f"{len(plan.lines)} lines", by, check))

    def _apply_next_batch(self, job: ImportJob, by: Author) -> ImportJob:
        """Import the next batch and record the progress in one transaction; return the job after it.

        Raises `PreconditionFailed` if the plan by the current state is not the reviewed one, and
        `InvalidRequest` if another request has imported the batch.
        """
        batch, after, now = job.remaining[0], job.after_next_batch(), self.executor.clock()

        # A batch is planned several times, and a new user must have the same id each time.
        @cache
        def create(username: str, role: Role) -> tuple[User, RowChange]:
            return new_user(username, role, None, now)

        def plan(connection: Connection) -> Plan:
            _check_progress(connection, job)
            lines, state = plan_lines(connection, batch.lines)
            if version_of(*lines) != batch.reviewed.version:
                raise _changed_since_review(job.taken)
            check_administrators(connection, all_lost_administrators(lines, state.users), job.taken)
            return changes_of(lines, state, create, now)

        request = ChangeRequest(_ACTION, f"{len(batch.lines)} lines", by, plan)
        # The progress is a part of the transaction, so a job that is resumed after a crash repeats no line.
        self.executor.execute(request, *self._progress(after))
        return after

    def _progress(self, job: ImportJob) -> Sequence[RowChange]:
        """Return the row change that stores the progress of a job, if it is a stored one."""
        if job.key is None:
            return ()
        if job.is_done:
            return (remove_job(job.key),)
        return (record_progress(job.key, taken=job.taken, changed=job.changed, at=self.executor.clock()),)

    def _find(self, key: JobKey) -> StoredJob:
        with self.executor.database.reading() as connection:
            job = ImportJobStore(connection).find(key, self.executor.clock() - JOB_LIFETIME)
        if job is None:
            raise InvalidRequest("This import has expired. Choose the file, or paste the table, again.")
        return job


def _check_progress(connection: Connection, job: ImportJob) -> None:
    """Return if a stored job has the progress of *job*; raise `InvalidRequest` otherwise."""
    if job.key is not None and ImportJobStore(connection).taken(job.key) != job.taken:
        raise InvalidRequest("This import continues in another window. Follow it there.")


def _changed_since_review(taken: int) -> PreconditionFailed:
    return PreconditionFailed(
        f"Users or tenants have changed since you reviewed the table. {progress_text(taken)}"
    )
