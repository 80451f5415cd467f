"""Permissions that a role loses with the fence."""

from collections.abc import Mapping

import pytest

from daypass.portal.accounts.model import Generation
from daypass.portal.aws.fence.documents import TENANT as VARIABLE
from daypass.portal.aws.fence.rollout.account_state import RoleInAccount
from daypass.portal.aws.fence.rollout.losses import losses
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import Document, document

PREFIX = "arn:aws:sqs:*:123456789012:duploservices-"


def statement(effect: str, actions: object, resources: object = "*") -> Document:
    return {"Effect": effect, "Action": actions, "Resource": resources}


WANTED: Mapping[str, Document] = {
    **{name: document() for name in FENCE_POLICY_NAMES},
    "daypass-fence-data": document(statement("Allow", "sqs:*", f"{PREFIX}{VARIABLE}-*")),
    "daypass-fence-denies": document(statement("Deny", "sqs:*Permission")),
    Generation.SHARED.boundary: document(statement("Allow", ["sqs:*", "s3:Get*", "s3:List*"])),
}
OWN_QUEUES = f"{PREFIX}dev01-*"


def found(allowed: Document, *, name: str = "tenant", **more: Document) -> list[tuple[list[str], str]]:
    """Return the losses of a role with these inline policies, each as its actions and its reason."""
    inline = {name: document(allowed), **more}
    role = RoleInAccount("dev01", "arn:aws:iam::123456789012:role/x", is_own=False, inline=inline)
    return [(list(loss.actions), loss.reason) for loss in losses(role, WANTED)]


@pytest.mark.parametrize(
    ("allowed", "name", "expected"),
    [
        (statement("Allow", "sqs:SendMessage", OWN_QUEUES), "tenant", []),
        (statement("Allow", "sqs:SendMessage"), "own", []),
        (
            statement("Allow", "kinesis:*"),
            "own",
            [(["kinesis:*"], "the boundary allows no action of it")],
        ),
        (
            statement("Allow", "s3:*"),
            "own",
            [(["s3:*"], "the boundary allows a part of it only")],
        ),
        (
            statement("Allow", "s3:GetObject"),
            "tenant",
            [(["s3:GetObject"], "no policy of the fence allows it")],
        ),
        (
            statement("Allow", "sqs:SendMessage", f"{PREFIX}dev02-*"),
            "tenant",
            [(["sqs:SendMessage"], "the fence allows it on other resources, or under a condition")],
        ),
        (
            statement("Allow", "sqs:*", OWN_QUEUES),
            "tenant",
            [(["sqs:*Permission"], "the fence denies it")],
        ),
        (
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            "own",
            [
                (
                    ["*"],
                    "it allows all actions but some; the boundary limits it to the services of the fence",
                )
            ],
        ),
    ],
)
def test_a_loss_has_the_actions_and_the_reason(
    allowed: Document, name: str, expected: list[tuple[list[str], str]]
) -> None:
    assert found(allowed, name=name) == expected


def test_actions_that_are_denied_today_are_no_loss() -> None:
    limit: Document = {"Effect": "Deny", "NotAction": "sqs:*", "Resource": "*"}

    assert (
        found(statement("Allow", ["kinesis:*", "sqs:SendMessage"], OWN_QUEUES), limit=document(limit)) == []
    )
    # AWS has no other action of the pattern that the fence denies.
    today = document(statement("Deny", ["sqs:AddPermission", "sqs:RemovePermission"]))
    assert found(statement("Allow", "sqs:*", OWN_QUEUES), today=today) == []
