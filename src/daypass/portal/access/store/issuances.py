"""The rows of issuances: the statements that write them, and the queries."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypedDict

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from daypass.common.session_limits import MAXIMUM_DURATION
from daypass.portal.access.model import (
    ANY_ISSUANCE,
    Channel,
    IssuanceFilter,
    IssuanceId,
    IssuanceRecord,
    LimitSource,
    Purpose,
    State,
    Validity,
)
from daypass.portal.identity.model import UserId
from daypass.portal.identity.scopes import ScopeKind
from daypass.portal.storage.columns import utc_day
from daypass.portal.storage.pagination import FIRST_PAGE, Order, Page, PageRequest, TimeAndIdCursor, read_page
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import Access

_SECOND = timedelta(seconds=1)

_INSERT_ATTEMPT = Prepared(
    insert(issuances),
    columns=(
        "id",
        "user_id",
        "username",
        "scope",
        "tenant_id",
        "tenant_name",
        "role_arn",
        "access",
        "permission_set",
        "purpose",
        "door",
        "token_id",
        "address",
        "reason",
        "state",
        "failure",
        "asked_at",
        "validity",
        "decided_by",
        "session_tags",
        "workload_rule",
        "is_limited_by_rule",
    ),
)
"""Insert an attempt that has no outcome yet, or was denied."""

_SET_OUTCOME = Prepared(
    update(issuances)
    .where(issuances.c.id == bindparam("issuance_id"), issuances.c.state == State.REQUESTED.value)
    .values(
        state=bindparam("new_state"),
        failure=bindparam("new_failure"),
        validity=bindparam("new_validity"),
        decided_by=bindparam("new_decided_by"),
        is_limited_by_rule=bindparam("new_is_limited_by_rule"),
        expires_at=bindparam("new_expires_at"),
        access_key_id=bindparam("new_access_key_id"),
        is_attributed=bindparam("new_is_attributed"),
    ),
    is_conditional=True,
)
"""Set the outcome of an attempt that has none yet."""

_SET_UNKNOWN_OUTCOME = Prepared(
    update(issuances)
    .where(issuances.c.id == bindparam("issuance_id"), issuances.c.state == State.REQUESTED.value)
    .values(state=bindparam("new_state"), failure=bindparam("new_failure")),
    is_conditional=True,
)
"""Set an unknown outcome on an attempt that has none yet."""


class AttemptRow(TypedDict):
    """The row of an attempt that has no outcome yet, or was denied."""

    id: IssuanceId
    user_id: str
    username: str
    scope: str
    tenant_id: str | None
    tenant_name: str | None
    role_arn: str
    access: str
    permission_set: str | None
    purpose: str
    door: str
    token_id: str
    address: str
    reason: str
    state: State
    failure: str | None
    asked_at: datetime
    validity: int
    """In seconds."""
    decided_by: str
    session_tags: str | None
    """A JSON object; None unless the caller is a workload."""
    workload_rule: str | None
    is_limited_by_rule: bool | None
    """None unless the caller is a workload, and for an attempt that was denied before its validity."""


def add_attempt(row: AttemptRow) -> RowChange:
    """Return the change that inserts an attempt."""
    return RowChange(_INSERT_ATTEMPT, row)


def set_outcome(
    issuance_id: IssuanceId,
    state: State,
    validity: Validity,
    *,
    failure: str | None = None,
    expires_at: datetime | None = None,
    access_key_id: str | None = None,
    is_attributed: bool | None = None,
) -> RowChange:
    """Return the change that sets an attempt's outcome; its commit raises `RowMismatch` if it has one."""
    row = {
        "issuance_id": issuance_id,
        "new_state": state,
        "new_failure": failure,
        "new_validity": validity.duration // _SECOND,
        "new_decided_by": validity.deciding_limit.source,
        "new_is_limited_by_rule": limited_by_rule(validity),
        "new_expires_at": expires_at,
        "new_access_key_id": access_key_id,
        "new_is_attributed": is_attributed,
    }
    return RowChange(_SET_OUTCOME, row)


def limited_by_rule(validity: Validity) -> bool | None:
    """Return whether a workload rule decided the duration; None if no rule applies."""
    is_of_workload = any(limit.is_of_rule for limit in validity.limits)
    return validity.deciding_limit.is_of_rule if is_of_workload else None


def set_unknown_outcome(issuance_id: IssuanceId, failure: str) -> RowChange:
    """Return the change that settles an open attempt; raises the same as that of `set_outcome`."""
    row = {"issuance_id": issuance_id, "new_state": State.UNKNOWN, "new_failure": failure}
    return RowChange(_SET_UNKNOWN_OUTCOME, row)


_c = issuances.c

ISSUANCE_COLUMNS = (
    _c.id,
    _c.username,
    _c.scope,
    _c.tenant_id,
    _c.tenant_name,
    _c.role_arn,
    _c.access,
    _c.purpose,
    _c.door,
    _c.address,
    _c.reason,
    _c.state,
    _c.failure,
    _c.asked_at,
    _c.validity,
    _c.decided_by,
    _c.expires_at,
    _c.access_key_id,
    _c.is_attributed,
    _c.permission_set,
    _c.session_tags,
    _c.workload_rule,
    _c.is_limited_by_rule,
)
"""The columns that `issuance_record` needs."""


_NEWEST_FIRST = Order((_c.asked_at, _c.id), is_descending=True, cursor_format=TimeAndIdCursor())


class IssuanceStore:
    """The attempts recorded in the database, in every state."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_for_user(
        self, user_id: UserId, request: PageRequest = FIRST_PAGE, wanted: IssuanceFilter = ANY_ISSUANCE
    ) -> Page[IssuanceRecord]:
        """Return a page of the user's own attempts, newest first."""
        query = select(*ISSUANCE_COLUMNS).where(_c.user_id == user_id, *_conditions(wanted))
        return read_page(self._connection, query, _NEWEST_FIRST, request, issuance_record)

    def list_open_before(self, before: datetime, limit: int) -> Sequence[IssuanceRecord]:
        """Return attempts without an outcome that began before the given time, oldest first.

        Rows locked by another transaction are skipped, because that transaction may be writing their outcome.
        """
        # With a parameter the planner could not use the partial index.
        is_open = _c.state == literal_column("'requested'")
        query = select(*ISSUANCE_COLUMNS).where(is_open, _c.asked_at < before).order_by(_c.asked_at)
        rows = self._connection.execute(query.limit(limit).with_for_update(skip_locked=True))
        return [issuance_record(row) for row in rows]

    def count_live(self, now: datetime) -> int:
        """Return the number of sessions that were issued and have not expired."""
        # The index on `asked_at` bounds the rows that are read, because no session is longer. The additional
        # hour allows for replicas whose clocks differ.
        is_recent = _c.asked_at > now - MAXIMUM_DURATION - timedelta(hours=1)
        is_live = and_(_c.state == State.ISSUED.value, _c.expires_at > now)
        return self._connection.scalar(select(func.count()).where(is_recent, is_live)) or 0

    def oldest_open(self) -> datetime | None:
        """Return when the oldest attempt without an outcome began, or None if there is none."""
        is_open = _c.state == literal_column("'requested'")
        oldest: datetime | None = self._connection.scalar(select(func.min(_c.asked_at)).where(is_open))
        return oldest

    def count_by_day(self, user_id: UserId, since: datetime) -> Mapping[date, int]:
        """Return the number of sessions issued to the user by day in UTC, without days that have none."""
        day = utc_day(self._connection, _c.asked_at)
        rows = self._connection.execute(
            select(day, func.count())
            .where(_c.user_id == user_id, _c.asked_at >= since, _c.state == State.ISSUED.value)
            .group_by(day)
        )
        return {date.fromisoformat(str(on)): number for on, number in rows}


def issuance_record(row: Row[*tuple[Any, ...]]) -> IssuanceRecord:
    """Return the attempt in a row that has the columns of `ISSUANCE_COLUMNS`."""
    return IssuanceRecord(
        id=row.id,
        username=row.username,
        tenant_id=row.tenant_id,
        tenant_name=row.tenant_name,
        scope=ScopeKind(row.scope),
        role_arn=row.role_arn,
        access=Access(row.access) if row.access else None,
        purpose=Purpose(row.purpose),
        channel=Channel(row.door),
        address=row.address,
        reason=row.reason,
        state=State(row.state),
        failure=row.failure,
        asked_at=row.asked_at,
        validity=timedelta(seconds=row.validity),
        decided_by=LimitSource(row.decided_by) if row.decided_by else None,
        expires_at=row.expires_at,
        access_key_id=row.access_key_id,
        is_attributed=row.is_attributed,
        permission_set=row.permission_set,
        session_tags={} if row.session_tags is None else json.loads(row.session_tags),
        workload_rule=row.workload_rule,
        is_limited_by_rule=bool(row.is_limited_by_rule),
    )


def _conditions(wanted: IssuanceFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.text:
        yield _c.tenant_name.contains(wanted.text, autoescape=True)
    if wanted.live_at is not None:
        yield and_(_c.state == State.ISSUED.value, _c.expires_at > wanted.live_at)
    if wanted.states:
        yield _c.state.in_([state.value for state in wanted.states])
