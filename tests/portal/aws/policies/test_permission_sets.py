"""Every permission set allows a part of what full access allows, by an independent IAM evaluator."""

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from daypass.portal.aws.policies import Document, allow, document
from daypass.portal.permission_sets.model import PermissionSet, Statement
from daypass.portal.permission_sets.rendering import session_policies
from tests.evaluator.run import ACCOUNT_ID, Request, decide
from tests.portal.aws.policies.test_fence import BUCKET, FENCED, FOREIGN, OWN, QUEUE, TABLE, TOPIC
from tests.portal.permission_sets.examples import custom

MANAGED = {
    f"arn:aws:iam::{ACCOUNT_ID}:policy/reads": allow(["s3:Get*", "s3:List*", "dynamodb:Get*"], ["*"]),
    f"arn:aws:iam::{ACCOUNT_ID}:policy/queues": allow(["sqs:*"], ["*"]),
    # Wider than the role.
    "arn:aws:iam::aws:policy/AdministratorAccess": allow(["*"], ["*"]),
}
"""The statements of the managed policies, by ARN."""

REQUESTS = [
    Request("s3:GetObject", f"{BUCKET}/k", OWN),
    Request("s3:PutObject", f"{BUCKET}/k", OWN),
    Request("s3:PutBucketPolicy", BUCKET, OWN),
    Request("s3:GetObject", "arn:aws:s3:::duploservices-dev02-files/k", OWN),
    Request("s3:GetObject", f"{BUCKET}/k", FOREIGN),
    Request("dynamodb:GetItem", TABLE, OWN),
    Request("dynamodb:DeleteTable", TABLE, OWN),
    Request("sqs:ReceiveMessage", QUEUE, OWN),
    Request("sns:Publish", TOPIC, OWN),
    Request("iam:CreateUser", f"arn:aws:iam::{ACCOUNT_ID}:user/x"),
]

ACTIONS = ("s3:Get*", "s3:*", "dynamodb:Delete*", "sqs:*", "sns:Publish", "iam:*")
CONDITIONS = (None, {"StringEquals": {"aws:ResourceAccount": ACCOUNT_ID}})


def random_set(random: Random) -> PermissionSet:
    """Return a custom set with some policies and denies."""

    def statement() -> Statement:
        element = random.choice(["Action", "Action", "NotAction"])
        plain = {"Effect": "Deny", element: random.sample(ACTIONS, random.randint(1, 3)), "Resource": "*"}
        condition = random.choice(CONDITIONS)
        return plain if condition is None else {**plain, "Condition": condition}

    names = ["reads", "queues", "aws:AdministratorAccess"]
    policies = random.sample(names, random.randint(0, len(names)))
    denies = [statement() for _ in range(random.randint(0 if policies else 1, 2))]
    return custom("any", 1, *denies, policies=tuple(policies))


def session_policy(permission_set: PermissionSet) -> Document:
    """Return the union of the session policies, as AWS forms it, in one document."""
    rendered = session_policies(permission_set, "aws", ACCOUNT_ID)
    inline: Sequence[dict[str, object]] = json.loads(rendered.inline or '{"Statement": []}')["Statement"]
    return document(*inline, *(MANAGED[arn] for arn in rendered.arns))


def test_full_access_allows_every_request_that_a_set_allows() -> None:
    # A fixed seed, so that every run decides the same requests.
    random = Random(20261130)  # noqa: S311  no secret depends on it
    sets = [random_set(random) for _ in range(10)]
    sessions = [FENCED, *(replace(FENCED, session=session_policy(each)) for each in sets)]

    decisions = iter(decide([(rights, request) for rights in sessions for request in REQUESTS]))

    full = {str(request): next(decisions) for request in REQUESTS}
    narrowed = [(str(request), next(decisions)) for _ in sets for request in REQUESTS]
    assert [request for request, is_allowed in narrowed if is_allowed and not full[request]] == []
    # The comparison means something: some requests pass, and some are taken away.
    outcomes = {(full[request], is_allowed) for request, is_allowed in narrowed}
    assert outcomes == {(True, True), (True, False), (False, False)}


def test_an_allow_beside_the_policies_would_widen_a_set() -> None:
    # The reason for the rule: the evaluator unites session policies as AWS does.
    reads = session_policy(custom("any", 1, policies=("reads",)))
    widened = {**reads, "Statement": [*reads["Statement"], allow(["*"], ["*"])]}  # type: ignore[misc]  # a list
    put = Request("s3:PutObject", f"{BUCKET}/k", OWN)

    assert decide([(replace(FENCED, session=session), put) for session in (reads, widened)]) == [False, True]
