"""`daypass portal fence verify --live` on an account in the sandbox."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from daypass.portal.aws.fence.live.checks import CHECKS
from daypass.portal.aws.fence.live.model import Answer, LiveCheck, LiveResult
from daypass.portal.aws.fence.live.resources import remove
from daypass.portal.aws.fence.live.run import LiveVerification
from daypass.portal.aws.policies import document, to_json
from daypass.portal.commands.fence_live import result_line, run_and_remove
from tests.fixtures.sandbox import client, root_keys
from tests.portal.aws.fence.rollout.conftest import Lab
from tests.portal.processes import Operator

# The checks that the sandbox cannot answer, with its answer and the reason.
NOT_SERVED: Mapping[str, tuple[Answer, str]] = {
    "s3-tag-resource": (Answer.NONE, "it has no S3 control API"),
    "cloudfront-create-with-tags": (Answer.NONE, "it has no CloudFront"),
}


def roles(lab: Lab) -> set[str]:
    """Return the names of the account's roles."""
    return {role["RoleName"] for role in lab.iam.list_roles()["Roles"]}


def left_over(lab: Lab) -> list[object]:
    """Return what the account has of the kinds that the checks create."""
    sandbox = lab.sandbox
    found = [
        client(sandbox, "sqs").list_queues().get("QueueUrls", []),
        client(sandbox, "s3").list_buckets()["Buckets"],
        client(sandbox, "lambda").list_functions()["Functions"],
        client(sandbox, "elbv2").describe_target_groups()["TargetGroups"],
        client(sandbox, "efs").describe_file_systems()["FileSystems"],
        client(sandbox, "acm").list_certificates()["CertificateSummaryList"],
        client(sandbox, "apigateway").get_rest_apis()["items"],
        client(sandbox, "ssm").describe_parameters()["Parameters"],
        client(sandbox, "ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"],
    ]
    groups = client(sandbox, "ec2").describe_security_groups()["SecurityGroups"]
    named = [group for group in groups if group["GroupName"] != "default"]
    return [each for kind in [*found, named] for each in kind]


def test_the_sandbox_gives_the_expected_answers_and_keeps_nothing(fenced: Lab, operator: Operator) -> None:
    ran = operator.run_inside("fence", "verify", "--live", "--yes", "--format", "json")

    checks = {check["id"]: check for check in json.loads(ran.stdout)["checks"]}
    assert list(checks) == [check.id for check in CHECKS]
    different = {name: check["answer"] for name, check in checks.items() if not check["is_expected"]}
    assert different == {name: answer for name, (answer, _) in NOT_SERVED.items()}
    assert checks["tag-given-away"]["code"] == "AccessDenied"
    assert "38 of 40 checks have the expected answer." in ran.stderr
    assert ran.returncode == 1
    assert roles(fenced) == set()
    assert left_over(fenced) == []


def test_there_are_40_checks_with_names_of_their_own() -> None:
    assert len(CHECKS) == len({check.id for check in CHECKS}) == 40


def test_a_run_that_was_killed_is_cleaned_up_by_the_next_one(
    fenced: Lab, verification: LiveVerification
) -> None:
    next(verification.run())
    assert len(roles(fenced)) == 3

    assert [(names.tenant, left) for names, left in verification.clean_up_earlier()] == [
        (verification.names.tenant, [])
    ]

    assert roles(fenced) == set()
    assert left_over(fenced) == []
    assert list(verification.clean_up_earlier()) == []


def test_an_interrupted_run_removes_what_it_created(fenced: Lab, verification: LiveVerification) -> None:
    times = iter([0.0, 0.0])

    def interrupt_at_the_second_check() -> float:
        time = next(times, None)
        if time is None:
            assert len(roles(fenced)) == 3
            raise KeyboardInterrupt
        return time

    with pytest.raises(KeyboardInterrupt):
        run_and_remove(replace(verification, monotonic=interrupt_at_the_second_check), "json")

    assert roles(fenced) == set()
    assert left_over(fenced) == []


def test_roles_of_other_tenants_are_not_cleaned_up(fenced: Lab, verification: LiveVerification) -> None:
    for name in ("duploservices-livecheck", "duploservices-livechecks", "livecheck0a1b2c"):
        fenced.iam.create_role(RoleName=name, AssumeRolePolicyDocument=to_json(document()))

    assert list(verification.clean_up_earlier()) == []


def test_resources_that_cannot_be_removed_are_named_and_found_by_the_next_run(
    fenced: Lab, verification: LiveVerification
) -> None:
    next(verification.run())
    fenced.sandbox.control.add_fault("error", "sqs", "GetQueueUrl")

    left = verification.remove()
    assert [each.partition(" (")[0] for each in left] == [f"sqs: {verification.names.prefix}-*"]
    assert roles(fenced) == {verification.names.prefix}

    fenced.sandbox.control.clear_faults()
    assert [left for _, left in verification.clean_up_earlier()] == [[]]
    assert roles(fenced) == set()


def test_removal_of_nothing_is_no_error(verification: LiveVerification) -> None:
    assert remove(verification.operator, verification.names) == []


def test_nothing_is_created_without_consent(fenced: Lab, operator: Operator) -> None:
    refused = operator.run_inside("fence", "verify", "--live", typed="n\n")

    assert refused.returncode == 2
    assert "40 checks in the account" in refused.stderr
    assert "three IAM roles" in refused.stderr
    assert "Nothing was created." in refused.stderr
    assert roles(fenced) == set()


def test_without_the_shared_policies_nothing_is_checked(lab: Lab, operator: Operator) -> None:
    refused = operator.run_inside("fence", "verify", "--live", "--yes")

    assert refused.returncode == 2
    assert "Run `daypass portal fence apply` first" in refused.stderr
    assert roles(lab) == set()


def test_the_root_user_is_told_to_use_another_identity(fenced: Lab, operator: Operator) -> None:
    root = root_keys(fenced.sandbox)

    refused = operator.run_inside(
        "fence",
        "verify",
        "--live",
        "--yes",
        AWS_ACCESS_KEY_ID=root.access_key_id,
        AWS_SECRET_ACCESS_KEY=root.secret_access_key,
    )

    assert refused.returncode == 2
    assert "AWS lets the root user assume no role." in refused.stderr


def test_yes_without_live_is_an_error(operator: Operator) -> None:
    assert "--yes goes with --live" in operator.run_inside("fence", "verify", "--yes").stderr


def test_a_deviation_is_shown_with_its_meaning() -> None:
    check = LiveCheck("a", "Try it", Answer.DENIED, "Is it so?", "Stop.", lambda _: None)

    assert result_line(LiveResult(check, Answer.DENIED, "AccessDenied")) == "✓ a: denied (AccessDenied)"
    assert (
        result_line(LiveResult(check, Answer.ALLOWED, "")) == "! a: allowed, expected denied. Try it. Stop."
    )
    assert result_line(LiveResult(check, Answer.NONE, "Busy")) == "? a: no answer (Busy). Try it."
