"""The shipped table of IAM's actions."""

import pytest

from daypass.portal.aws.fence.known_actions import is_known_action
from tests.evaluator.known_actions import TABLE, table


def test_the_table_is_that_of_the_authorization_data() -> None:
    assert TABLE.read_text(encoding="utf-8") == table()


@pytest.mark.parametrize(
    "pattern", ["*", "sqs:SendMessage", "sqs:sendMESSAGE", "sqs:List*", "s3:Get?bject", "ec2:*"]
)
def test_actions_and_patterns_that_match_one_are_known(pattern: str) -> None:
    assert is_known_action(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["", "sqs", "sqs:", "sqs:SendMail", "sqs:Liste*", "nosuch:*", "*:List*", "s*:List*", "sqs:Send Message"],
)
def test_other_texts_are_no_known_actions(pattern: str) -> None:
    assert not is_known_action(pattern)
