"""The rows of workloads' tokens, and the limits that their rules set."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, String, and_, bindparam, false, insert, select, update

from daypass.portal.identity.model import TokenId
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.permission_sets.store import PERMISSION_SET, membership_set
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.identity import api_tokens
from daypass.portal.storage.schema.tenants import permission_sets
from daypass.portal.storage.schema.workloads import workload_rule_tenants, workload_rules, workload_tokens
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import TenantId
from daypass.portal.workloads.model import RuleId, WorkloadLimits
from daypass.portal.workloads.store.rules import IS_SET_OF_RULE_TENANT

_ADD = insert(workload_tokens)

_REVOKE_OF_RULE = (
    update(api_tokens)
    .where(
        api_tokens.c.id.in_(
            select(workload_tokens.c.token_id).where(workload_tokens.c.rule_id == bindparam("ended_rule"))
        ),
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("ended_at"))
)

_t = workload_rule_tenants.c
_LIMITS = (
    select(
        workload_rules.c.id.label("rule_id"),
        workload_rules.c.name.label("rule_name"),
        workload_rules.c.session_limit,
        workload_tokens.c.tags,
        _t.tenant_id,
        _t.is_read_only,
        *PERMISSION_SET,
    )
    .select_from(workload_tokens)
    .join(workload_rules, workload_rules.c.id == workload_tokens.c.rule_id)
    .where(workload_tokens.c.token_id == bindparam("token"), workload_rules.c.is_disabled == false())
)
_IN_TENANT = and_(_t.rule_id == workload_rules.c.id, _t.tenant_id == bindparam("tenant", type_=String))
# An outer join: a rule that does not list the tenant has limits without a permission set, while a rule that
# is disabled or deleted has none.
_READ_LIMITS = Prepared(
    _LIMITS.outerjoin(workload_rule_tenants, _IN_TENANT).outerjoin(permission_sets, IS_SET_OF_RULE_TENANT)
)
_READ_TENANTS = _LIMITS.join(workload_rule_tenants, _t.rule_id == workload_rules.c.id).outerjoin(
    permission_sets, IS_SET_OF_RULE_TENANT
)


class WorkloadTokenStore:
    """Queries for what the rule of a token allows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_limits(self, token_id: TokenId, tenant_id: TenantId | None) -> WorkloadLimits | None:
        """Return the limits in a tenant; None if the token's rule is disabled or deleted."""
        row = _READ_LIMITS.first(self._connection, {"token": token_id, "tenant": tenant_id})
        return None if row is None else _limits_of(row)

    def list_tenants(self, token_id: TokenId) -> Mapping[TenantId, PermissionSet]:
        """Return the highest permission set in each tenant that the token's rule lists."""
        rows: Sequence[Row[*tuple[Any, ...]]] = self._connection.execute(
            _READ_TENANTS, {"token": token_id}
        ).all()
        sets = {TenantId(row.tenant_id): membership_set(row) for row in rows}
        return {tenant_id: each for tenant_id, each in sets.items() if each is not None}


def _limits_of(row: Row[*tuple[Any, ...]]) -> WorkloadLimits:
    return WorkloadLimits(
        rule_id=RuleId(row.rule_id),
        rule_name=row.rule_name,
        session_limit=timedelta(seconds=row.session_limit),
        tags=json.loads(row.tags),
        permission_set=membership_set(row),
    )


def add_workload_token(token_id: TokenId, rule_id: RuleId, tags: Mapping[str, str]) -> RowChange:
    """Return the change that records by which rule a token was given; the token's own row comes before."""
    return RowChange(_ADD, {"token_id": token_id, "rule_id": rule_id, "tags": json.dumps(dict(tags))})


def revoke_tokens_of_rule(rule_id: RuleId, *, at: datetime) -> RowChange:
    """Return the change that revokes every token of a rule."""
    return RowChange(_REVOKE_OF_RULE, {"ended_rule": rule_id, "ended_at": at})
