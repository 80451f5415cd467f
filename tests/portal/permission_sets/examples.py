"""Custom permission sets for tests."""

from dataclasses import replace

from daypass.portal.permission_sets import grammar
from daypass.portal.permission_sets.model import ManagedPolicy, PermissionSet, PermissionSetId, Statement


def deny(*actions: str) -> Statement:
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*"}


def custom(name: str, rank: int, *denies: Statement, policies: tuple[str, ...] = ()) -> PermissionSet:
    """Return a set whose id is derived from its name."""
    return PermissionSet(
        PermissionSetId(f"id-{name}"),
        name,
        "A test.",
        rank,
        policies=tuple(map(ManagedPolicy.parse, policies)),
        denies=grammar.denies_text(denies, grammar.any_action),
    )


OPERATOR = custom("operator", 500, deny("lambda:UpdateFunctionCode", "iam:*"))
DATA_READER = custom("data-reader", 100, deny("sqs:ReceiveMessage"), policies=("aws:ReadOnlyAccess", "own"))
ANALYST = replace(custom("analyst", 400), has_own_role=True)
