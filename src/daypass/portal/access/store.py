"""The database access of the core: issuances, role facts and the data of an authorization decision."""

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
    literal_column,
    or_,
    select,
    update,
)

from daypass.portal.access.model import Channel, IssuanceId, LimitSource, Purpose, State
from daypass.portal.identity.model import Role, TokenId, User, UserId
from daypass.portal.identity.store import ENDED_AT, parents
from daypass.portal.storage.columns import utc_day
from daypass.portal.storage.pagination import (
    FIRST_PAGE,
    Order,
    Page,
    PageRequest,
    TimeAndIdCursor,
    read_page,
)
from daypass.portal.storage.prepared import Prepared, ResultRow
from daypass.portal.storage.schema import api_tokens, issuances, memberships, role_facts, tenants, users
from daypass.portal.storage.upsert import insert_or_update
from daypass.portal.tenants.model import Access, Tenant, TenantAccess, TenantId

ADMIN_SCOPE = "admin"
TENANT_SCOPE = "tenant"

INSERT_ATTEMPT = Prepared(
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
"""Insert an attempt that has no outcome yet, or was denied."""

SET_OUTCOME = Prepared(
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
"""Set the outcome of an attempt that has none yet."""

SET_UNKNOWN_OUTCOME = Prepared(
    update(issuances)
    .where(issuances.c.id == bindparam("issuance_id"), issuances.c.state == State.REQUESTED.value)
    .values(state=bindparam("new_state"), failure=bindparam("new_failure")),
    is_conditional=True,
)
"""Set an unknown outcome on an attempt that has none yet."""

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
)
"""The columns that `issuance_record` needs."""


@dataclass(frozen=True, slots=True)
class IssuanceRecord:
    """One recorded attempt; credentials are never stored."""

    id: IssuanceId
    username: str
    tenant_id: TenantId | None
    tenant_name: str | None
    is_admin_scope: bool
    role_arn: str
    access: Access | None
    purpose: Purpose
    channel: Channel
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
class IssuanceFilter:
    """A filter of attempts; the default matches all."""

    text: str = ""
    """A substring of the tenant's name."""
    live_at: datetime | None = None
    """Only sessions that are issued and have not expired at this time."""
    is_refused: bool = False
    """Only attempts that were denied, failed or have an unknown outcome."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield the SQL conditions of the filter."""
        if self.text:
            yield _c.tenant_name.contains(self.text, autoescape=True)
        if self.live_at is not None:
            yield and_(_c.state == State.ISSUED.value, _c.expires_at > self.live_at)
        if self.is_refused:
            yield _c.state.in_((State.DENIED.value, State.FAILED.value, State.UNKNOWN.value))


EVERYTHING = IssuanceFilter()

_NEWEST_FIRST = Order((_c.asked_at, _c.id), is_descending=True, cursor_format=TimeAndIdCursor())


class IssuanceStore:
    """The attempts recorded in the database, in every state."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_for_user(
        self, user_id: UserId, request: PageRequest = FIRST_PAGE, wanted: IssuanceFilter = EVERYTHING
    ) -> Page[IssuanceRecord]:
        """Return a page of the user's own attempts, newest first."""
        query = select(*ISSUANCE_COLUMNS).where(_c.user_id == user_id, *wanted.conditions())
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
        is_admin_scope=row.scope == ADMIN_SCOPE,
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
    )


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """The cached facts about a role in AWS; all None if nothing is cached."""

    maximum: timedelta | None = None
    maximum_read_at: datetime | None = None
    plain_until: datetime | None = None
    """Until then the role is assumed without source identity and tags, because it refused them."""


class RoleFactStore:
    """A cache of facts about roles in AWS."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, role_arn: str) -> RoleFacts:
        """Return the cached facts about the role."""
        c = role_facts.c
        row = self._connection.execute(
            select(c.maximum, c.maximum_read_at, c.plain_until).where(c.role_arn == role_arn)
        ).first()
        return RoleFacts() if row is None else _role_facts(row)

    def remember_maximum(self, role_arn: str, maximum: timedelta | None, read_at: datetime) -> None:
        """Cache the role's maximum session duration; None if it could not be read."""
        seconds = None if maximum is None else maximum // timedelta(seconds=1)
        self._put(role_arn, {"maximum": seconds, "maximum_read_at": read_at})

    def remember_plain(self, role_arn: str, until: datetime) -> None:
        """Cache that the role's trust policy refuses source identity and tags."""
        self._put(role_arn, {"plain_until": until})

    def forget(self, role_arn: str) -> None:
        """Drop the cached facts about a role that was changed."""
        self._connection.execute(delete(role_facts).where(role_facts.c.role_arn == role_arn))

    def _put(self, role_arn: str, values: Mapping[str, object]) -> None:
        self._connection.execute(
            insert_or_update(self._connection, role_facts)
            .values(role_arn=role_arn, **values)
            .on_conflict_do_update(index_elements=["role_arn"], set_=values)
        )


@dataclass(frozen=True, slots=True)
class IssuanceFacts:
    """The current data about a caller and the requested tenant and role."""

    user: User
    is_active: bool
    """Whether the user is enabled and neither the token nor its parent token is revoked."""
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
    """A reader of all data that a decision needs, in one SQL statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(
        self, user_id: UserId, token_id: TokenId, tenant: str | None, admin_role_arn: str
    ) -> IssuanceFacts | None:
        """Return the facts for the tenant with this name or id, or for the admin role if *tenant* is None.

        Return None if the user or the token no longer exists.
        """
        row = _FACTS.first(
            self._connection,
            {"user": user_id, "token": token_id, "reference": tenant, "admin_role": admin_role_arn},
        )
        return None if row is None else _facts(row)


def _facts(row: ResultRow) -> IssuanceFacts:
    return IssuanceFacts(
        user=User(row.id, row.username, Role(row.role)),
        is_active=row.disabled_at is None and row.ended_at is None,
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
