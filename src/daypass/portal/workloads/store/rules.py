"""The rows of workload rules and their tenants."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, insert, or_, select, update

from daypass.portal.identity.model import UserId
from daypass.portal.identity.store.users import user_of
from daypass.portal.permission_sets.store import PERMISSION_SET, membership_columns, membership_set
from daypass.portal.storage.schema.identity import user_kind, user_role, users
from daypass.portal.storage.schema.tenants import permission_sets, tenants
from daypass.portal.storage.schema.workloads import workload_rule_tenants, workload_rules
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import TenantId
from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.model import RuleId, RuleOfAccount, RuleTenant, WorkloadRule

_SECOND = timedelta(seconds=1)
_c, _t = workload_rules.c, workload_rule_tenants.c

IS_SET_OF_RULE_TENANT = and_(permission_sets.c.id == _t.permission_set_id, _t.is_read_only.is_(None))
"""The condition that joins a rule's tenant with its custom permission set, as in memberships."""

_CONTENT = (
    "kind",
    "issuer",
    "audience",
    "claims",
    "user_id",
    "token_lifetime",
    "session_limit",
    "tags",
    "jwks",
    "is_disabled",
)
_ADD = insert(workload_rules)
_CHANGE = (
    update(workload_rules)
    .where(_c.id == bindparam("changed_id"))
    .values({name: bindparam(f"new_{name}") for name in (*_CONTENT, "updated_at")})
)
_DELETE = delete(workload_rules).where(_c.id == bindparam("ended_id"))
_ADD_TENANT = insert(workload_rule_tenants)
_DELETE_TENANTS = delete(workload_rule_tenants).where(_t.rule_id == bindparam("of_rule"))


class RuleStore:
    """Queries for workload rules."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[RuleOfAccount]:
        """Return every rule, by name."""
        return self._rules()

    def find(self, reference: str) -> RuleOfAccount | None:
        """Return the rule with this name or id, or None."""
        return next(iter(self._rules(or_(_c.name == reference, _c.id == reference))), None)

    def of_issuer(self, issuer: str) -> Sequence[RuleOfAccount]:
        """Return the rules for exactly this issuer, also disabled ones, by name."""
        return self._rules(_c.issuer == issuer)

    def of_account(self, user_id: UserId) -> Sequence[RuleOfAccount]:
        """Return the rules of a service account, by name."""
        return self._rules(_c.user_id == user_id)

    def _rules(self, *conditions: ColumnElement[bool]) -> Sequence[RuleOfAccount]:
        query = (
            select(
                *workload_rules.c,
                users.c.username,
                user_role,
                user_kind,
                users.c.disabled_at,
            )
            .join(users, users.c.id == _c.user_id)
            .where(*conditions)
            .order_by(_c.name)
        )
        rows = self._connection.execute(query).all()
        listed = self._tenants([row.id for row in rows])
        return [_rule_of(row, listed.get(row.id, ())) for row in rows]

    def _tenants(self, rule_ids: Sequence[str]) -> Mapping[str, tuple[RuleTenant, ...]]:
        if not rule_ids:
            return {}
        query = (
            select(
                _t.rule_id, tenants.c.id.label("tenant_id"), tenants.c.name, _t.is_read_only, *PERMISSION_SET
            )
            .join(tenants, tenants.c.id == _t.tenant_id)
            .outerjoin(permission_sets, IS_SET_OF_RULE_TENANT)
            .where(_t.rule_id.in_(rule_ids))
            .order_by(tenants.c.name)
        )
        found: dict[str, tuple[RuleTenant, ...]] = {}
        for row in self._connection.execute(query):
            permission_set = membership_set(row)
            if permission_set is not None:
                tenant = RuleTenant(TenantId(row.tenant_id), row.name, permission_set)
                found[row.rule_id] = (*found.get(row.rule_id, ()), tenant)
        return found


def _rule_of(row: Row[*tuple[Any, ...]], listed: tuple[RuleTenant, ...]) -> RuleOfAccount:
    rule = WorkloadRule(
        id=RuleId(row.id),
        name=row.name,
        kind=IssuerKind(row.kind),
        issuer=row.issuer,
        audience=row.audience,
        claims=json.loads(row.claims),
        user_id=UserId(row.user_id),
        token_lifetime=timedelta(seconds=row.token_lifetime),
        session_limit=timedelta(seconds=row.session_limit),
        tags=json.loads(row.tags),
        jwks=row.jwks,
        is_disabled=row.is_disabled,
        tenants=listed,
    )
    account = user_of(row.user_id, row.username, row.role, row.user_kind)
    return RuleOfAccount(rule, account, row.disabled_at is not None)


def add_rule(rule: WorkloadRule, *, by: str, at: datetime) -> tuple[RowChange, ...]:
    """Return the changes that insert a rule and its tenants; *by* is the id of their author."""
    row = {"id": rule.id, "name": rule.name, **_content(rule), "created_at": at, "updated_at": at}
    return (RowChange(_ADD, {**row, "created_by": by}), *_add_tenants(rule))


def change_rule(rule: WorkloadRule, *, at: datetime) -> tuple[RowChange, ...]:
    """Return the changes that replace everything of a rule but its id and name."""
    content = {f"new_{name}": value for name, value in {**_content(rule), "updated_at": at}.items()}
    return (
        RowChange(_CHANGE, {"changed_id": rule.id, **content}),
        # Deleted and inserted again: a rule lists at most 50 tenants, and a comparison would need another
        # read.
        RowChange(_DELETE_TENANTS, {"of_rule": rule.id}),
        *_add_tenants(rule),
    )


def delete_rule(rule_id: RuleId) -> RowChange:
    """Return the change that deletes a rule with its tenants; revoke its tokens before."""
    return RowChange(_DELETE, {"ended_id": rule_id})


def _content(rule: WorkloadRule) -> Mapping[str, object]:
    return {
        "kind": rule.kind.value,
        "issuer": rule.issuer,
        "audience": rule.audience,
        "claims": json.dumps(dict(rule.claims)),
        "user_id": rule.user_id,
        "token_lifetime": rule.token_lifetime // _SECOND,
        "session_limit": rule.session_limit // _SECOND,
        "tags": json.dumps(dict(rule.tags)),
        "jwks": rule.jwks,
        "is_disabled": rule.is_disabled,
    }


def _add_tenants(rule: WorkloadRule) -> tuple[RowChange, ...]:
    return tuple(
        RowChange(
            _ADD_TENANT,
            {"rule_id": rule.id, "tenant_id": each.tenant_id, **membership_columns(each.permission_set)},
        )
        for each in rule.tenants
    )
