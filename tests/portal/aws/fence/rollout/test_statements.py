"""Comparison and combination of policies."""

import pytest

from daypass.portal.aws.fence.rollout.differences import patch
from daypass.portal.aws.fence.rollout.statements import (
    common,
    covered,
    equal,
    overlap,
    parsed,
    united,
    without_idle_denies,
    written,
)
from daypass.portal.aws.policies import Document, document


def allow(actions: object, resources: object = "*", **more: object) -> Document:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: object, resources: object = "*", **more: object) -> Document:
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


@pytest.mark.parametrize(
    ("text", "pattern", "is_covered"),
    [
        ("sqs:SendMessage", "sqs:*", True),
        ("sqs:Send*", "sqs:*", True),
        ("sqs:*", "sqs:Send*", False),
        ("SQS:sendmessage", "sqs:SendMessage", True),
        ("s3:Get*", "s3:Get?", False),
        ("a.b", "a?b", True),
        ("axb", "a.b", False),
    ],
)
def test_a_pattern_covers_all_that_another_matches(text: str, pattern: str, is_covered: bool) -> None:
    assert covered(text, [pattern]) is is_covered


@pytest.mark.parametrize(
    ("one", "other", "is_common"),
    [
        ("sqs:Send*", "sqs:*Message", True),
        ("sqs:Get*", "sqs:Send*", False),
        ("sqs:*", "sqs:", True),
        ("sqs:?et*", "sqs:Get*", True),
        ("sqs:A", "sqs:a", True),
        ("sqs:AB", "sqs:A", False),
    ],
)
def test_two_patterns_overlap_if_an_action_matches_both(one: str, other: str, is_common: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is is_common


def test_policies_are_equal_in_any_order_and_notation() -> None:
    condition = {"StringEquals": {"aws:ResourceTag/T": ["a", "b"]}}
    one = document(allow(["sqs:A", "sqs:B"], Sid="One"), deny("sns:C", Condition=condition))
    other = document(
        deny(["SNS:C"], Condition={"stringequals": {"aws:resourcetag/t": ["b", "a"]}}),
        allow(["sqs:B", "sqs:A"], ["*"]),
    )

    assert equal(one, other)
    assert not equal(one, document(allow(["sqs:A", "sqs:B"])))
    assert not equal(one, None)
    assert not equal(document(deny("sqs:A")), document(allow("sqs:A")))
    assert not equal(document(allow("s3:A", "arn:x")), document(allow("s3:A", "ARN:X")))


def test_a_union_has_no_statement_twice_and_drops_what_another_covers() -> None:
    one = parsed(document(deny(["sqs:A", "sqs:B"]), deny("sns:*")))
    other = parsed(document(deny("sqs:C"), deny("sns:Publish", "arn:x")))

    assert equal(written(united(one, other)), document(deny(["sqs:A", "sqs:B", "sqs:C", "sns:*"])))


def test_the_common_part_of_two_levels_denies_all_that_either_denies() -> None:
    one = parsed(document(allow(["sqs:*", "sns:Get*"]), deny("sqs:A")))
    other = parsed(document(allow(["sqs:Get*", "sns:*", "s3:*"]), deny(["sqs:GetB", "s3:C"])))

    both = common(one, other)

    assert equal(
        written(both), document(allow(["sqs:Get*", "sns:Get*"]), deny(["sqs:A", "sqs:GetB", "s3:C"]))
    )
    assert equal(
        written(without_idle_denies(both)), document(allow(["sqs:Get*", "sns:Get*"]), deny("sqs:GetB"))
    )


def test_a_patch_shows_the_changed_parts_of_statements() -> None:
    old = document(allow(["sqs:A", "sqs:B"]), allow("s3:*", ["arn:one", "arn:two"]), deny("sns:X"))
    new = document(allow(["sqs:B", "sqs:C"]), allow("s3:*", ["arn:one"]), deny("sns:X"), deny("ec2:Y"))

    assert [line.rstrip() for line in patch(old, new)] == [
        "  Allow",
        "      on *",
        "-     sqs:A",
        "+     sqs:C",
        "  Allow",
        "-     on arn:two",
        "+ Deny",
        "+     ec2:Y",
        "+     on *",
    ]
    assert patch(new, new) == []
