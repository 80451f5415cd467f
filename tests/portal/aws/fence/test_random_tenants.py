"""The results of the matrix for dev01 hold for any tenants, decided by an independent IAM evaluator."""

import random
from collections.abc import Iterator

from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import resolve
from daypass.portal.aws.fence.levels import LEVELS, LevelName
from daypass.portal.aws.fence.model import Example
from daypass.portal.errors import InvalidRequest
from daypass.portal.tenants.names import LONGEST, check_name
from tests.evaluator.run import Request, Rights, decide
from tests.portal.aws.fence.rights import ACCOUNT, filled, request, rights, tagged, tagging

PAIRS = 60
EXAMPLES = [example for service in offered_services() for example in service.examples]


def fixed_chance() -> random.Random:
    """Return a generator with a fixed seed, so that every run decides the same requests."""
    return random.Random(20261130)  # noqa: S311  no secret


def name(chance: random.Random) -> str:
    """Return a name of a tenant, of any length that the portal allows."""
    length = chance.choice((2, 3, 8, LONGEST))
    return chance.choice("ab") + "".join(chance.choice("ab1-") for _ in range(length - 1))


def pairs(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield two tenants that the portal lets exist beside each other, many with a common beginning."""
    while True:
        one = name(chance)
        other = chance.choice((name(chance), f"{one}{name(chance)}"[:LONGEST], one[:-1]))
        try:
            check_name(one, ())
            check_name(other, (one,))
        except InvalidRequest:
            continue
        yield one, other


def about(example: Example, tenant: str, owner: str) -> Request:
    """Return the request of an example that *tenant* makes about a resource of *owner*."""
    told = {"name": {}, "tag": tagged(owner), "create": tagging(owner)}[example.fence]
    resource = resolve(example.resource, ACCOUNT, owner)
    return request(example.action, resource, {**filled(example, owner), **told}, tenant)


def session(made: Request, tenant: str, level: LevelName | None = None) -> Rights:
    return rights(made.action, tenant, level)


def test_any_tenant_uses_its_own_resources_and_not_those_of_another() -> None:
    chance = fixed_chance()
    found = [(*pair, chance.choice(EXAMPLES)) for pair, _ in zip(pairs(chance), range(PAIRS), strict=False)]
    own = [about(example, one, one) for one, _, example in found]
    foreign = [about(example, one, other) for one, other, example in found]
    tenants = [one for one, _, _ in found]

    decided = decide(
        [(session(made, tenant), made) for made, tenant in zip([*own, *foreign], tenants * 2, strict=True)]
    )

    assert decided == [True] * PAIRS + [False] * PAIRS, found


def test_no_level_of_any_tenant_allows_what_full_access_denies() -> None:
    attempts, chance = [], fixed_chance()
    for (one, other), _ in zip(pairs(chance), range(PAIRS), strict=False):
        made = about(chance.choice(EXAMPLES), one, chance.choice((one, other)))
        level: LevelName = chance.choice(LEVELS)
        attempts += [(session(made, one, level), made), (session(made, one), made)]

    decided = decide(attempts)

    assert not any(lower and not full for lower, full in zip(decided[::2], decided[1::2], strict=True))
    assert any(decided[::2])
