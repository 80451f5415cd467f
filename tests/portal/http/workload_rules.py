"""Workload rules of a world, stored directly, and tokens by them."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from daypass.portal.audit.event import OPERATOR
from daypass.portal.identity.model import TokenKind
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.model import RuleId, RuleTenant, WorkloadRule
from daypass.portal.workloads.store.rules import add_rule, change_rule
from daypass.portal.workloads.store.tokens import add_workload_token
from tests.fixtures.ci_issuer import GITHUB_JOB
from tests.portal.http.world import DANA, DEV, PROD, PUBLIC_URL, World

SHOP = {name: GITHUB_JOB[name] for name in ("repository_id", "repository_owner_id", "ref", "ref_protected")}
"""The claims that a rule for the repository of `GITHUB_JOB` demands."""


def rule_of(world: World, issuer: str, username: str = DANA, **changed: object) -> WorkloadRule:
    """Return a rule by which a job of the shop's main branch reads dev01 as *username*."""
    rule = WorkloadRule(
        id=RuleId(uuid4().hex),
        name="shop",
        kind=IssuerKind.GITHUB,
        issuer=issuer,
        audience=PUBLIC_URL,
        claims=SHOP,
        user_id=world.users[username].id,
        token_lifetime=timedelta(minutes=15),
        session_limit=timedelta(hours=1),
        tags={"repository": "repository", "run_id": "run"},
        tenants=(RuleTenant(DEV.id, DEV.name, READ_ONLY),),
    )
    return replace(rule, **changed)  # type: ignore[arg-type]  # by name


def stored(world: World, rule: WorkloadRule) -> WorkloadRule:
    """Store a new rule and return it."""
    with world.database.writing() as connection:
        for change in add_rule(rule, by="x", at=world.clock()):
            change.apply(connection)
    return rule


def changed(world: World, rule: WorkloadRule, **changes: object) -> WorkloadRule:
    """Store a change of a rule, without the effects that a change by an Administrator has."""
    new = replace(rule, **changes)  # type: ignore[arg-type]  # by name
    with world.database.writing() as connection:
        for change in change_rule(new, at=world.clock()):
            change.apply(connection)
    return new


def workload_token(world: World, username: str = DANA, **of_rule: object) -> str:
    """Return a workload's token by a new rule for dev01 and prod01 with full access."""
    everything = (RuleTenant(DEV.id, DEV.name, FULL), RuleTenant(PROD.id, PROD.name, FULL))
    name = f"rule-{uuid4().hex[:8]}"
    rule = rule_of(world, "https://ci.example.com", username, name=name, tenants=everything)
    rule = stored(world, replace(rule, **of_rule))  # type: ignore[arg-type]  # by name
    user = world.users[username]
    ends_at = world.clock() + rule.token_lifetime
    token = world.identity.new_token(
        user, TokenKind.WORKLOAD, rule.name, expires_at=ends_at, grant_ends_at=None
    )
    secret = world.identity.add_token(token, user, OPERATOR).reveal()
    with world.database.writing() as connection:
        add_workload_token(token.id, rule.id, {"repository": "acme/shop"}).apply(connection)
    return secret
