"""Tests of the admin policy with an independent IAM evaluator."""

import pytest

from daypass.portal.accounts.model import Account, set_role_name
from daypass.portal.aws import policies
from tests.evaluator.run import ACCOUNT_ID, Request, Rights, allowed

ACCOUNT = Account.known("aws", ACCOUNT_ID, "duploservices-", "duplomaster")
USER = f"arn:aws:iam::{ACCOUNT_ID}:user/daypass-portal"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/portal/daypass-portal"
MASTER = ACCOUNT.role_arn("duplomaster")
TENANT = ACCOUNT.role_arn("duploservices-dev01")
SET_ROLE = ACCOUNT.role_arn(set_role_name("dev01", "support"))
OTHER_USER, OTHER_ROLE = USER.replace("daypass-portal", "other"), ACCOUNT.role_arn("other")


def rights(principal: str) -> Rights:
    session = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/duplomaster/alice@example.com"
    return Rights(policies.master_policy(ACCOUNT, principal), principal=session)


def on(resource: str, *actions: str) -> list[Request]:
    return [
        Request(action, resource, {"iam:PassedToService": "lambda.amazonaws.com"} if "Pass" in action else {})
        for action in actions
    ]


WRITES_OF_USERS = (
    *("iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey", "iam:CreateLoginProfile"),
    *("iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:PutUserPermissionsBoundary", "iam:DeleteUser"),
    *("iam:TagUser", "iam:UpdateUser"),
)
WRITES_OF_ROLES = (
    *("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePolicy"),
    *("iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary", "iam:UpdateRole"),
    *("iam:CreateRole", "iam:DeleteRole", "iam:TagRole", "iam:UntagRole"),
    *("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"),
)
PROTECTED = [
    *on(USER, *WRITES_OF_USERS),
    *on(MASTER, *WRITES_OF_ROLES, "iam:PassRole"),
    *on(TENANT, *WRITES_OF_ROLES),
    *on(SET_ROLE, *WRITES_OF_ROLES, "iam:PassRole", "iam:DetachRolePolicy"),
    *(
        request
        for name in (
            "daypass-boundary",
            "daypass-boundary-2",
            "daypass-fence-guards",
            "daypass-level-operator",
        )
        for request in on(
            ACCOUNT.policy_arn(name),
            *("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy"),
        )
    ),
]
FREE = [
    *on(USER, "iam:GetUser", "iam:ListAccessKeys"),
    *on(MASTER, "iam:GetRole", "iam:ListRolePolicies"),
    *on(TENANT, "iam:GetRolePolicy", "iam:PassRole"),
    *on(SET_ROLE, "iam:GetRole", "iam:ListAttachedRolePolicies"),
    *on(ACCOUNT.boundary_arn, "iam:GetPolicyVersion"),
    *on(OTHER_USER, "iam:CreateUser", "iam:CreateAccessKey"),
    *on(OTHER_ROLE, "iam:CreateRole", "iam:UpdateAssumeRolePolicy", "sts:AssumeRole", "iam:PassRole"),
    Request("s3:PutBucketPolicy", "arn:aws:s3:::duploservices-dev01-files"),
    Request("sqs:SetQueueAttributes", f"arn:aws:sqs:us-west-2:{ACCOUNT_ID}:duploservices-dev01-jobs"),
]


def test_an_admin_session_cannot_change_the_portal_s_own_access() -> None:
    found = allowed(rights(USER), [*PROTECTED, *FREE])

    assert found == {str(request) for request in FREE}


def test_a_portal_that_runs_with_a_role_is_protected_too() -> None:
    protected = on(ROLE, *WRITES_OF_ROLES, "iam:PassRole")

    assert allowed(rights(ROLE), protected) == set()


@pytest.mark.parametrize("principal", [USER, ROLE])
def test_the_admin_policy_leaves_room_for_others_in_the_size_limit(principal: str) -> None:
    assert len(policies.to_json(policies.master_policy(ACCOUNT, principal))) < 2048
