"""Variations of the catalogue, and requests that differ between them."""

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import TENANT as VARIABLE
from daypass.portal.aws.fence.documents import boundary, fence, policy_name
from daypass.portal.aws.fence.levels import level_policy_name, levels
from daypass.portal.aws.fence.model import AllowRule, DenyRule, Service
from daypass.portal.aws.fence.rollout.statements import covered, parsed
from daypass.portal.aws.policies import Document
from tests.portal.aws.fence.rollout.evaluation import Asked

ACCOUNT = Account.known("aws", "123456789012", "duploservices-", "duplomaster")
TENANT, OTHER = "dev01", "dev02"
Rule = TypeVar("Rule", AllowRule, DenyRule)


def seeded(seed: int) -> random.Random:
    """Return a generator whose numbers are the same in every run."""
    return random.Random(seed)  # noqa: S311  a test's variations are no secret


def documents(services: Sequence[Service]) -> dict[str, Document]:
    """Return the shared policies of a catalogue by name, as `shared_policies` does for the real one."""
    return {
        **{policy_name(policy): document for policy, document in fence(ACCOUNT, services).items()},
        Generation.SHARED.boundary: boundary(ACCOUNT, services),
        **{level_policy_name(level): document for level, document in levels(services).items()},
    }


def variations(chance: random.Random) -> tuple[dict[str, Document], dict[str, Document]]:
    """Return the shared policies of two variations of the same services of the catalogue."""
    services = some_services(chance)
    return documents(varied(services, chance)), documents(varied(services, chance))


def some_services(chance: random.Random) -> Sequence[Service]:
    """Return so few services that the Denies of two variations fit into one policy."""
    offered = offered_services()
    return chance.sample(offered, min(len(offered), 10))


def varied(services: Sequence[Service], chance: random.Random) -> Sequence[Service]:
    """Return most of the services, in which rules and actions are missing, moved or conditioned."""
    return [_varied(service, chance) for service in services if chance.random() < 0.8]


def _varied(service: Service, chance: random.Random) -> Service:
    policies = ("data", "compute", "stores")
    moved = chance.choice(policies) if chance.random() < 0.3 else service.policy
    return service.model_copy(
        update={
            "policy": moved,
            "allow": tuple(_fewer(rule, chance) for rule in service.allow if chance.random() < 0.8),
            "deny": tuple(
                _conditioned(_fewer(rule, chance), chance) for rule in service.deny if chance.random() < 0.7
            ),
            "levels": service.levels.model_copy(
                update={
                    "read": _some(service.levels.read, chance),
                    "secrets": _some(service.levels.secrets, chance),
                }
            ),
        }
    )


def _some(actions: tuple[str, ...], chance: random.Random) -> tuple[str, ...]:
    return tuple(action for action in actions if chance.random() < 0.5)


def _fewer(rule: Rule, chance: random.Random) -> Rule:
    kept = tuple(action for action in rule.actions if chance.random() < 0.7) or rule.actions[:1]
    return rule.model_copy(update={"actions": kept})


def _conditioned(rule: DenyRule, chance: random.Random) -> DenyRule:
    if chance.random() < 0.8:
        return rule
    condition = {**rule.condition, "StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}
    return rule.model_copy(update={"condition": condition})


def requests(chance: random.Random, count: int, *catalogues: Mapping[str, Document]) -> Sequence[Asked]:
    """Return requests of a tenant, mostly to its own resources, for actions that *catalogues* differ in."""
    statements = [
        {statement for policy in policies.values() for statement in parsed(policy)} for policies in catalogues
    ]
    everywhere = set.intersection(*statements)
    changed = sorted({action for each in statements for one in each - everywhere for action in one.actions})
    allows = sorted(
        (one for one in set.union(*statements) if not one.is_deny), key=lambda one: sorted(one.actions)
    )
    asked: list[Asked] = []
    while changed and len(asked) < count:
        action = _concrete(chance.choice(changed), chance)
        fitting = [one for one in allows if covered(action, one.actions)]
        if not fitting:
            continue
        resource = chance.choice(sorted(chance.choice(fitting).resources))
        tenant = chance.choice([TENANT, TENANT, TENANT, OTHER])
        resource = resource.replace(VARIABLE, tenant).replace("*", "x")
        asked.append(Asked(action, resource, _context(chance)))
    return asked


def _concrete(action: str, chance: random.Random) -> str:
    if action == "*":
        return "sqs:SendMessage"
    return action.replace("*", chance.choice(["Some", "Other"]) if action.endswith(":*") else "")


def _context(chance: random.Random) -> Mapping[str, Sequence[str]]:
    context = {
        "aws:principaltag/tenant_name": [TENANT],
        "aws:requestedregion": [chance.choice(["eu-central-1", "us-east-1"])],
    }
    if chance.random() < 0.5:
        # What an own resource has, so that the rules decide.
        return context | {"aws:resourcetag/tenant_name": [TENANT]}
    for key in ("aws:resourcetag/tenant_name", "aws:requesttag/tenant_name"):
        if tag := chance.choice([None, TENANT, TENANT, OTHER]):
            context[key] = [tag]
    if chance.random() < 0.3:
        context["aws:tagkeys"] = [chance.choice(["Name", "TENANT_NAME", "tenant_name"])]
    if chance.random() < 0.2:
        context["ec2:createaction"] = ["RunInstances"]
    return context
