"""Workload rules: list, create, change, disable and delete."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from daypass.portal.access.entitlements import entitlements_to_tenant, within_rule
from daypass.portal.access.session_names import printable
from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import Version, WorkloadRuleRecord
from daypass.portal.admin.permission_sets.service import find_permission_set
from daypass.portal.admin.tenants.service import find_tenant
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    author_id,
    check_version,
    single_change,
)
from daypass.portal.admin.users.service import find_user
from daypass.portal.audit.event import Scalar
from daypass.portal.errors import InvalidRequest, WorkloadRuleNotFound, invalid_field
from daypass.portal.identity.model import User, UserKind
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.search import is_storable
from daypass.portal.tenants.store import TenantStore
from daypass.portal.workloads.checks import check_issuer_allowed, check_rule, is_issuer_allowed
from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.issuers.table import KINDS
from daypass.portal.workloads.model import RuleId, RuleTenant, WorkloadRule
from daypass.portal.workloads.store.rules import RuleStore, add_rule, change_rule, delete_rule
from daypass.portal.workloads.store.tokens import revoke_tokens_of_rule

_SHOWN = 60
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """The content of a rule, as an Administrator wrote it; `workloads.checks` has the conditions."""

    kind: IssuerKind
    claims: Mapping[str, str]
    service_account: str
    """By username or id."""
    tenants: Mapping[str, str]
    """The names of permission sets by tenant; tenants by name or id."""
    issuer: str = ""
    """The only issuer of the kind if it is empty."""
    audience: str = ""
    """The portal's address if it is empty."""
    token_lifetime: timedelta = timedelta(minutes=15)
    session_limit: timedelta = timedelta(hours=1)
    tags: Mapping[str, str] = field(default_factory=dict)
    """The name of the session tag for each claim that becomes one."""
    jwks: str | None = None
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class WorkloadRules:
    """The actions of Administrators on workload rules. A reference to a rule is its id or name."""

    executor: ChangeExecutor
    public_url: str = ""
    """The portal's address: the audience of rules that name no other."""
    allowed_issuers: Collection[str] = ()
    """The issuers that the operator allowed, besides those that the table of kinds has."""

    def all(self) -> Sequence[WorkloadRuleRecord]:
        """Return every rule, by name."""
        with self.executor.database.reading() as connection:
            return [WorkloadRuleRecord(each) for each in RuleStore(connection).all()]

    def of_account(self, reference: str) -> Sequence[WorkloadRuleRecord]:
        """Return the rules of a service account, by name; raises `UserNotFound`."""
        with self.executor.database.reading() as connection:
            user = find_user(connection, reference).user
            return [WorkloadRuleRecord(each) for each in RuleStore(connection).of_account(user.id)]

    def find(self, reference: str) -> WorkloadRuleRecord:
        """Return one rule; raises `WorkloadRuleNotFound`."""
        with self.executor.database.reading() as connection:
            return find_rule(connection, reference)

    def is_issuer_allowed(self, record: WorkloadRuleRecord) -> bool:
        """Return whether tokens of the rule's issuer are accepted by the operator's configuration."""
        return is_issuer_allowed(record.rule, self.allowed_issuers)

    def not_allowed(self, records: Iterable[WorkloadRuleRecord]) -> Collection[RuleId]:
        """Return the ids of the rules whose issuer is not allowed by the operator's configuration."""
        return {each.rule.id for each in records if not self.is_issuer_allowed(each)}

    def put(
        self, reference: str, definition: RuleDefinition, by: Author, expected: Version | None = None
    ) -> WorkloadRuleRecord:
        """Create a rule with the name *reference*, or replace a rule, which ends its tokens.

        The expected version of a rule that does not exist is `Version("")`. Raises `InvalidRequest` with the
        reason for which a rule is refused, `UserNotFound`, `TenantNotFound`, `PermissionSetNotFound` or
        `PreconditionFailed`.
        """
        rule_id, now, name = RuleId(uuid4().hex), self.executor.clock(), self._name_of(reference)

        def plan(connection: Connection) -> Change | None:
            old = RuleStore(connection).find(name) if is_storable(name) else None
            # A rule that does not exist has a version too, so that a creation can expect that there is none.
            version = Version("") if old is None else WorkloadRuleRecord(old).version
            check_version(expected, version, f"The workload rule “{name}”")
            new = self._rule(connection, rule_id if old is None else old.rule.id, name, definition)
            # What is refused today, such as an issuer that the operator removed, can still be disabled.
            if old is None or new != replace(old.rule, is_disabled=True):
                check_rule(new, self.allowed_issuers)
            if old is None:
                proof = reauthentication.to_put_workload_rule(None, new)
                writes = add_rule(new, by=author_id(by), at=now)
                return Change(writes, {}, _facts(connection, new), proof=proof)
            if new == old.rule:
                return None
            return Change(
                (*change_rule(new, at=now), revoke_tokens_of_rule(new.id, at=now)),
                _facts(connection, old.rule),
                _facts(connection, new),
                proof=reauthentication.to_put_workload_rule(old.rule, new),
            )

        self.executor.execute(single_change("workload_rule.put", name, by, plan))
        return self.find(name)

    def disable(self, reference: str, by: Author, *, is_disabled: bool = True) -> WorkloadRuleRecord:
        """Disable a rule and end its tokens, or enable it again.

        Raises `WorkloadRuleNotFound`, and `InvalidRequest` if the operator no longer allows the issuer.
        """
        name, now = self.find(reference).rule.name, self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            old = find_rule(connection, name).rule
            new = replace(old, is_disabled=is_disabled)
            if new == old:
                return None
            if not is_disabled:
                check_issuer_allowed(new, self.allowed_issuers)
            writes = (*change_rule(new, at=now), revoke_tokens_of_rule(new.id, at=now))
            proof = reauthentication.to_put_workload_rule(old, new)
            # Tokens end in both directions: one that was given before the rule was disabled must not come
            # back with it.
            return Change(writes, {"disabled": old.is_disabled}, {"disabled": is_disabled}, proof=proof)

        self.executor.execute(single_change("workload_rule.put", name, by, plan))
        return self.find(name)

    def remove(self, reference: str, by: Author, expected: Version | None = None) -> None:
        """Delete a rule and end its tokens; raises `WorkloadRuleNotFound` or `PreconditionFailed`."""
        name, now = self.find(reference).rule.name, self.executor.clock()

        def plan(connection: Connection) -> Change:
            old = find_rule(connection, name)
            check_version(expected, old.version, f"The workload rule “{name}”")
            # Before the deletion, which removes the rows by which the tokens are found.
            writes = revoke_tokens_of_rule(old.rule.id, at=now), delete_rule(old.rule.id)
            return Change(writes, _facts(connection, old.rule), {})

        self.executor.execute(single_change("workload_rule.remove", name, by, plan))

    def _name_of(self, reference: str) -> str:
        """Return the name of the rule with that name or id; the reference itself if there is none."""
        with self.executor.database.reading() as connection:
            found = RuleStore(connection).find(reference) if is_storable(reference) else None
        return reference if found is None else found.rule.name

    def _rule(
        self, connection: Connection, rule_id: RuleId, name: str, definition: RuleDefinition
    ) -> WorkloadRule:
        with invalid_field("service_account"):
            account = _service_account(connection, definition.service_account)
        with invalid_field("tenants"):
            tenants = sorted(
                _tenants(connection, account, definition.tenants, self.executor.clock()), key=_by_name
            )
        return WorkloadRule(
            id=rule_id,
            name=name,
            kind=definition.kind,
            issuer=definition.issuer or KINDS[definition.kind].issuer,
            audience=definition.audience or self.public_url,
            claims=dict(definition.claims),
            user_id=account.id,
            token_lifetime=definition.token_lifetime,
            session_limit=definition.session_limit,
            tags=dict(definition.tags),
            jwks=definition.jwks,
            is_disabled=definition.is_disabled,
            tenants=tuple(tenants),
        )


def find_rule(connection: Connection, reference: str) -> WorkloadRuleRecord:
    """Return the rule with this name or id; raises `WorkloadRuleNotFound`."""
    found = RuleStore(connection).find(reference) if is_storable(reference) else None
    if found is None:
        name = printable(reference, _SHOWN)
        raise WorkloadRuleNotFound(f"There is no workload rule “{name}”. Check its name.")
    return WorkloadRuleRecord(found)


def _service_account(connection: Connection, reference: str) -> User:
    user = find_user(connection, reference).user
    if user.kind is not UserKind.SERVICE:
        raise InvalidRequest(
            f"“{user.username}” is a person. A rule needs a service account, so that jobs do not act in a "
            "person's name."
        )
    if user.is_administrator:
        raise InvalidRequest(
            f"“{user.username}” is an Administrator. A rule needs a service account that is a User."
        )
    return user


def _tenants(
    connection: Connection, account: User, asked: Mapping[str, str], now: datetime
) -> Iterator[RuleTenant]:
    own = {
        each.tenant.id: entitlements_to_tenant(account, each.membership, each.by_groups)
        for each in TenantStore(connection).list_for(account.id, now)
    }
    seen = set()
    for reference, set_name in asked.items():
        tenant = find_tenant(connection, reference).tenant
        permission_set = find_permission_set(connection, set_name)
        if tenant.id in seen:
            raise InvalidRequest(f"The rule lists “{tenant.name}” twice.")
        seen.add(tenant.id)
        if tenant.id not in own:
            raise InvalidRequest(
                f"“{account.username}” is not a member of “{tenant.name}”. Add the membership first: a rule "
                "only narrows what its service account may do."
            )
        if not within_rule(own[tenant.id], permission_set):
            raise InvalidRequest(
                f"“{account.username}” cannot get “{permission_set.name}” in “{tenant.name}”: its membership "
                "gives another permission set. A rule only narrows what its service account may do."
            )
        yield RuleTenant(tenant.id, tenant.name, permission_set)


def _by_name(tenant: RuleTenant) -> str:
    return tenant.name


def _facts(connection: Connection, rule: WorkloadRule) -> dict[str, Scalar]:
    """Return the content of a rule for the audit event; of its keys only a digest."""
    keys = {} if rule.jwks is None else {"keys": sha256(rule.jwks.encode()).hexdigest()[:16]}
    return {
        "kind": rule.kind.value,
        "issuer": rule.issuer,
        "audience": rule.audience,
        "claims": json.dumps(dict(rule.claims), sort_keys=True),
        "service_account": find_user(connection, rule.user_id).user.username,
        "tenants": ", ".join(f"{each.name}:{each.permission_set.name}" for each in rule.tenants),
        "token_lifetime": rule.token_lifetime // _SECOND,
        "session_limit": rule.session_limit // _SECOND,
        "session_tags": json.dumps(dict(rule.tags), sort_keys=True),
        "disabled": rule.is_disabled,
        **keys,
    }
