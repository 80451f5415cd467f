"""What the core reads and writes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    String,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from daypass.portal.access.model import Channel, IssuanceId, LimitSource, Purpose, State
from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.model import Role, TokenId, User, UserId
from daypass.portal.identity.store import ENDED_AT, parents
from daypass.portal.storage.columns import utc_day
from daypass.portal.storage.prepared import Prepared, ResultRow
from daypass.portal.storage.schema import api_tokens, issuances, memberships, role_facts, tenants, users
from daypass.portal.storage.upsert import insert_or_update
from daypass.portal.tenants.model import Access, Tenant, TenantAccess, TenantId

ADMIN_SCOPE = "admin"
TENANT_SCOPE = "tenant"

INTENT = Prepared(
    insert(issuances),
    takes=(
        "id",
        "user_id",
        "username",
        "scope",
        "tenant_id",
        "tenant_name",
        "role_arn",
        "access",
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
    ),
)
"""A new row, whole but for its outcome."""

OUTCOME = Prepared(
    update(issuances)
    .where(issuances.c.id == bindparam("issuance_id"), issuances.c.state == State.REQUESTED.value)
    .values(
        state=bindparam("new_state"),
        failure=bindparam("new_failure"),
        validity=bindparam("new_validity"),
        decided_by=bindparam("new_decided_by"),
        expires_at=bindparam("new_expires_at"),
        access_key_id=bindparam("new_access_key_id"),
        is_attributed=bindparam("new_is_attributed"),
    ),
    is_conditional=True,
)
"""The outcome of an attempt that has none yet."""

UNKNOWN_OUTCOME = Prepared(
    update(issuances)
    .where(issuances.c.id == bindparam("issuance_id"), issuances.c.state == State.REQUESTED.value)
    .values(state=bindparam("new_state"), failure=bindparam("new_failure")),
    is_conditional=True,
)
"""The outcome of an attempt whose process ended before it recorded one."""


_c = issuances.c

ISSUANCE = (
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
)
"""What `issuance_record` is made of."""


@dataclass(frozen=True, slots=True)
class IssuanceRecord:
    """One attempt as it stands on record; what AWS gave is not kept."""

    id: IssuanceId
    username: str
    tenant_id: TenantId | None
    tenant_name: str | None
    is_admin_scope: bool
    role_arn: str
    access: Access | None
    purpose: Purpose
    door: Channel
    address: str
    reason: str
    state: State
    failure: str | None
    asked_at: datetime
    validity: timedelta
    decided_by: LimitSource | None
    expires_at: datetime | None
    access_key_id: str | None
    is_attributed: bool | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, newest first, and where the next page begins; None on the last one."""

    records: Sequence[IssuanceRecord]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class IssuanceFilter:
    """Which attempts are wanted; all of them, unless said otherwise."""

    text: str = ""
    """A part of the tenant's name."""
    live_at: datetime | None = None
    """Only what was issued, and has not ended at that moment."""
    is_refused: bool = False
    """Only what was denied, failed, or has an unknown outcome."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The same for a statement."""
        c = issuances.c
        if self.text:
            yield c.tenant_name.contains(self.text, autoescape=True)
        if self.live_at is not None:
            yield and_(c.state == State.ISSUED.value, c.expires_at > self.live_at)
        if self.is_refused:
            yield c.state.in_((State.DENIED.value, State.FAILED.value, State.UNKNOWN.value))


EVERYTHING = IssuanceFilter()


class IssuanceStore:
    """Attempts, whatever became of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def mine(
        self,
        user_id: UserId,
        *,
        cursor: str | None = None,
        limit: int = 50,
        wanted: IssuanceFilter = EVERYTHING,
    ) -> Page:
        """One user's own attempts, newest first."""
        c = issuances.c
        query = (
            select(*ISSUANCE)
            .where(c.user_id == user_id, *wanted.conditions())
            .order_by(c.asked_at.desc(), c.id.desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            asked_at, issuance_id = _position(cursor)
            position = tuple_(literal(asked_at, c.asked_at.type), literal(issuance_id))
            query = query.where(tuple_(c.asked_at, c.id) < position)
        rows = self._connection.execute(query).all()
        records = [issuance_record(row) for row in rows[:limit]]
        return Page(records, _cursor(records[-1]) if len(rows) > limit else None)

    def requested(self, before: datetime, limit: int) -> Sequence[IssuanceRecord]:
        """Return attempts without an outcome that began before a point in time, oldest first.

        Rows that another transaction has locked are left out: their outcome may be in that transaction.
        """
        c = issuances.c
        # Spelled out, so that the planner sees that the partial index applies.
        is_open = c.state == literal_column("'requested'")
        query = select(*ISSUANCE).where(is_open, c.asked_at < before).order_by(c.asked_at).limit(limit)
        rows = self._connection.execute(query.with_for_update(skip_locked=True))
        return [issuance_record(row) for row in rows]

    def count_by_day(self, user_id: UserId, since: datetime) -> Mapping[date, int]:
        """How many sessions one user was given on each day, in UTC; days without any are not there."""
        c = issuances.c
        day = utc_day(self._connection, c.asked_at)
        rows = self._connection.execute(
            select(day, func.count())
            .where(c.user_id == user_id, c.asked_at >= since, c.state == State.ISSUED.value)
            .group_by(day)
        )
        return {date.fromisoformat(str(on)): number for on, number in rows}


# Nothing in it needs quoting in a URL, and whatever else is sent never comes near the database.
_CURSOR = re.compile("([0-9T:.-]+Z)_([0-9a-f]{32})")


def _cursor(record: IssuanceRecord) -> str:
    return f"{record.asked_at.isoformat().removesuffix('+00:00')}Z_{record.id}"


def _position(cursor: str) -> tuple[datetime, str]:
    written = _CURSOR.fullmatch(cursor)
    if written is None:
        raise _no_such_page()
    try:
        return datetime.fromisoformat(written[1]), written[2]
    except ValueError as error:
        raise _no_such_page() from error


def _no_such_page() -> InvalidRequest:
    return InvalidRequest("There is no such page. Start again at the first one.")


def issuance_record(row: Row[*tuple[Any, ...]]) -> IssuanceRecord:
    """One attempt, from its row."""
    return IssuanceRecord(
        id=row.id,
        username=row.username,
        tenant_id=row.tenant_id,
        tenant_name=row.tenant_name,
        is_admin_scope=row.scope == ADMIN_SCOPE,
        role_arn=row.role_arn,
        access=Access(row.access) if row.access else None,
        purpose=Purpose(row.purpose),
        door=Channel(row.door),
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
    )


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What was found out about a role in AWS, and when; all None for a role that is new here."""

    maximum: timedelta | None = None
    maximum_read_at: datetime | None = None
    plain_until: datetime | None = None


class RoleFactStore:
    """What was found out about roles in AWS; every fact can be found out again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, role_arn: str) -> RoleFacts:
        """What is known of the role."""
        c = role_facts.c
        row = self._connection.execute(
            select(c.maximum, c.maximum_read_at, c.plain_until).where(c.role_arn == role_arn)
        ).first()
        return RoleFacts() if row is None else _role_facts(row)

    def remember_maximum(self, role_arn: str, maximum: timedelta | None, read_at: datetime) -> None:
        """Keep the role's maximum session duration; None says that it could not be read."""
        seconds = None if maximum is None else maximum // timedelta(seconds=1)
        self._put(role_arn, {"maximum": seconds, "maximum_read_at": read_at})

    def remember_plain(self, role_arn: str, until: datetime) -> None:
        """Keep that the role refuses identity and tags."""
        self._put(role_arn, {"plain_until": until})

    def forget(self, role_arn: str) -> None:
        """Find everything out anew; for a role that was changed."""
        self._connection.execute(delete(role_facts).where(role_facts.c.role_arn == role_arn))

    def _put(self, role_arn: str, values: Mapping[str, object]) -> None:
        self._connection.execute(
            insert_or_update(self._connection, role_facts)
            .values(role_arn=role_arn, **values)
            .on_conflict_do_update(index_elements=["role_arn"], set_=values)
        )


@dataclass(frozen=True, slots=True)
class IssuanceFacts:
    """What the database knows, as of now, of a caller and of what they ask for."""

    user: User
    is_good: bool
    """Whether the user is still enabled, and neither the token nor what it stands on was ended."""
    tenant: TenantAccess | None
    role: RoleFacts


_REFERENCE = bindparam("reference", type_=String)
_FACTS = Prepared(
    select(
        users.c.id,
        users.c.username,
        users.c.role,
        users.c.disabled_at,
        ENDED_AT.label("ended_at"),
        tenants.c.id.label("tenant_id"),
        tenants.c.name,
        tenants.c.region,
        tenants.c.role_arn,
        tenants.c.external_id,
        memberships.c.is_read_only,
        role_facts.c.maximum,
        role_facts.c.maximum_read_at,
        role_facts.c.plain_until,
    )
    .select_from(users)
    .join(api_tokens, api_tokens.c.user_id == users.c.id)
    .outerjoin(parents, parents.c.id == api_tokens.c.parent_id)
    .outerjoin(tenants, or_(tenants.c.id == _REFERENCE, tenants.c.name == _REFERENCE))
    .outerjoin(
        memberships, and_(memberships.c.user_id == users.c.id, memberships.c.tenant_id == tenants.c.id)
    )
    .outerjoin(
        role_facts,
        role_facts.c.role_arn == func.coalesce(tenants.c.role_arn, bindparam("admin_role", type_=String)),
    )
    .where(users.c.id == bindparam("user"), api_tokens.c.id == bindparam("token"))
)


class FactStore:
    """All that a decision needs to know of the caller and the scope, in one statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(
        self, user_id: UserId, token_id: TokenId, tenant: str | None, admin_role_arn: str
    ) -> IssuanceFacts | None:
        """The facts about the tenant of that name or id; without one, about the admin role.

        None when the user or the token is no more.
        """
        row = _FACTS.first(
            self._connection,
            {"user": user_id, "token": token_id, "reference": tenant, "admin_role": admin_role_arn},
        )
        return None if row is None else _facts(row)


def _facts(row: ResultRow) -> IssuanceFacts:
    return IssuanceFacts(
        user=User(row.id, row.username, Role(row.role)),
        is_good=row.disabled_at is None and row.ended_at is None,
        tenant=None if row.tenant_id is None else _tenant_access(row),
        role=_role_facts(row),
    )


def _role_facts(row: ResultRow) -> RoleFacts:
    return RoleFacts(
        maximum=None if row.maximum is None else timedelta(seconds=row.maximum),
        maximum_read_at=row.maximum_read_at,
        plain_until=row.plain_until,
    )


def _tenant_access(row: ResultRow) -> TenantAccess:
    tenant = Tenant(row.tenant_id, row.name, row.region, row.role_arn, row.external_id)
    if row.is_read_only is None:
        return TenantAccess(tenant, None)
    return TenantAccess(tenant, Access.READ_ONLY if row.is_read_only else Access.FULL)
