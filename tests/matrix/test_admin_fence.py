"""Refusals for the keys of an admin session: changes to the portal's own access."""

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from daypass.demo.aws import Aws
from daypass.demo.seed.fixtures import MASTER_ROLE, PORTAL_USER
from tests.matrix.portal import Portal

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

EVERYBODY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
DEV = "duploservices-dev01"


def boundary(iam: "IAMClient") -> str:
    return iam.get_role(RoleName=DEV)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]


PROTECTED: dict[str, Callable[["IAMClient"], object]] = {
    "an access key of the portal's user": lambda iam: iam.create_access_key(UserName=PORTAL_USER),
    "a policy of the portal's user": lambda iam: iam.put_user_policy(
        UserName=PORTAL_USER, PolicyName="x", PolicyDocument=EVERYTHING
    ),
    "the trust of the master role": lambda iam: iam.update_assume_role_policy(
        RoleName=MASTER_ROLE, PolicyDocument=EVERYBODY
    ),
    "the policy of the master role": lambda iam: iam.put_role_policy(
        RoleName=MASTER_ROLE, PolicyName="master", PolicyDocument=EVERYTHING
    ),
    "the trust of a tenant's role": lambda iam: iam.update_assume_role_policy(
        RoleName=DEV, PolicyDocument=EVERYBODY
    ),
    "the policy of a tenant's role": lambda iam: iam.put_role_policy(
        RoleName=DEV, PolicyName="tenant", PolicyDocument=EVERYTHING
    ),
    "the boundary of a tenant's role": lambda iam: iam.delete_role_permissions_boundary(RoleName=DEV),
    "the boundary's policy": lambda iam: iam.create_policy_version(
        PolicyArn=boundary(iam), PolicyDocument=EVERYTHING, SetAsDefault=True
    ),
}


@pytest.fixture
def admin(portal: Portal) -> Aws:
    return portal.aws.with_keys(portal.admin_keys())


@pytest.mark.parametrize("what", PROTECTED)
def test_an_admin_session_cannot_change_access_of_the_portal(admin: Aws, what: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        PROTECTED[what](admin.iam)


def test_an_admin_session_assumes_neither_the_master_role_nor_a_tenant_s(admin: Aws) -> None:
    for name in (MASTER_ROLE, DEV):
        arn = admin.iam.get_role(RoleName=name)["Role"]["Arn"]
        with pytest.raises(ClientError, match="AccessDenied"):
            admin.sts.assume_role(RoleArn=arn, RoleSessionName="dana@example.com", SourceIdentity="dana")


def test_an_admin_session_may_do_everything_else(admin: Aws) -> None:
    name = f"admin-{uuid.uuid4().hex[:8]}"

    admin.iam.create_user(UserName=name)
    admin.iam.create_access_key(UserName=name)
    admin.s3.create_bucket(Bucket=name)

    assert admin.iam.list_role_policies(RoleName=DEV)["PolicyNames"]
