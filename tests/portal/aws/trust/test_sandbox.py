"""Tests of the trust policy in the sandbox AWS, which enforces it: the session tags that a role accepts."""

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import AssumeRoleParameters, IssuanceId
from daypass.portal.access.session_names import session_tags
from daypass.portal.aws.policies import to_json
from daypass.portal.aws.trust.policy import merge_trust, trust_policy
from daypass.portal.permission_sets.model import FULL
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.aws.trust.former import former_trust
from tests.sandbox.world import World, allow, document, trust

TENANT = "dev01"


@dataclass(frozen=True, slots=True)
class Trusted:
    """A portal's user, and roles that trust it."""

    world: World
    user_arn: str
    keys: Keys

    def role(self, suffix: str, trusted: object, *statements: dict[str, Any]) -> str:
        """Create a role with this trust policy; return its ARN."""
        iam, name = self.world.client("iam"), f"{self.world.name}-{suffix}"
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trusted))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return arn

    def issue(self, role_arn: str, external_id: str | None, tenant: str | None) -> Keys:
        """Assume a role as the portal does."""
        config = aws_config(self.world.sandbox.endpoint_url, region=self.world.sandbox.region)
        own = OwnKeys(self.keys.access_key_id, self.keys.secret_access_key)
        named = tenant and Tenant.with_role(TenantId("t"), tenant, "us-west-2", role_arn, external_id)
        session = AssumeRoleParameters(
            role_arn=role_arn,
            region="us-west-2",
            session_name="dana@example.com",
            duration=timedelta(hours=1),
            external_id=external_id,
            source_identity="dana-id",
            tags=session_tags(IssuanceId("feed"), named or None),
            permission_set=FULL,
        )
        deadline = Deadline(time.monotonic() + 60)
        keys = connected(config, session=own.session()).assume(session, attributed=True, deadline=deadline)
        return Keys(keys.access_key_id, keys.secret_access_key.reveal(), keys.session_token.reveal())

    def send(self, role_arn: str, tags: dict[str, str], keys: Keys | None = None) -> Keys:
        """Assume a role with these session tags, by default with the portal's keys."""
        sent = [{"Key": key, "Value": value} for key, value in tags.items()]
        more: dict[str, Any] = {"ExternalId": "external", "SourceIdentity": "dana-id", "Tags": sent}
        return self.world.assume(keys or self.keys, role_arn, **more)


@pytest.fixture
def portal(sandbox: SandboxProcess) -> Trusted:
    world = World(sandbox)
    return Trusted(world, *world.user())


USUAL = {"daypass:issuance": "feed", "daypass:tenant": TENANT}
REFUSED: list[dict[str, str]] = [
    USUAL | {"TENANT_NAME": "dev02"},
    USUAL | {"TENANT_NAME": TENANT},
    USUAL | {"tenant_name": "dev02"},
    USUAL | {"daypass:tenant": "dev02"},
    USUAL | {"daypass:tenant": "dev01-x"},
    USUAL | {"project": "x"},
    {"daypass:issuance": "feed"},
]


def test_a_tenants_role_accepts_the_portals_tags_and_no_others(portal: Trusted) -> None:
    role_arn = portal.role("own", trust_policy(portal.user_arn, "external", TENANT))

    portal.issue(role_arn, "external", TENANT)
    for tags in REFUSED:
        with pytest.raises(ClientError, match="sts:TagSession"):
            portal.send(role_arn, tags)


def test_a_master_role_accepts_the_portals_tags_and_no_others(portal: Trusted) -> None:
    role_arn = portal.role("master", trust_policy(portal.user_arn, None, None))

    portal.issue(role_arn, None, None)
    for tags in ({"TENANT_NAME": "dev02"}, {"project": "x"}):
        with pytest.raises(ClientError, match="sts:TagSession"):
            portal.send(role_arn, {"daypass:issuance": "feed"} | tags)


def test_a_role_of_an_earlier_version_is_repaired_and_keeps_its_other_principals(portal: Trusted) -> None:
    ops_arn, ops = portal.world.user(suffix="ops")
    former: Any = former_trust(portal.user_arn, "external")
    former["Statement"].append(trust(ops_arn))
    role_arn = portal.role("old", former)
    iam, name = portal.world.client("iam"), role_arn.rpartition("/")[2]
    portal.issue(role_arn, "external", TENANT)
    for keys in (portal.keys, ops):
        portal.send(role_arn, USUAL | {"TENANT_NAME": "dev02"}, keys)

    stored = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    own = trust_policy(portal.user_arn, "external", TENANT)
    merged = to_json(merge_trust(stored, own, portal.user_arn))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=merged)

    portal.issue(role_arn, "external", TENANT)
    portal.send(role_arn, {"project": "x"}, ops)
    for keys in (portal.keys, ops):
        with pytest.raises(ClientError, match="sts:TagSession"):
            portal.send(role_arn, USUAL | {"TENANT_NAME": "dev02"}, keys)


def test_a_session_of_a_further_role_can_be_denied_by_the_issuance(portal: Trusted) -> None:
    first_arn = portal.role("first", trust_policy(portal.user_arn, None, None), allow("sts:*"))
    denied = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/daypass:issuance": "feed"}},
    }
    trusting = {"Version": "2012-10-17", "Statement": [trust(first_arn)]}
    second_arn = portal.role("second", trusting, allow("s3:ListAllMyBuckets"))
    first = portal.issue(first_arn, None, None)
    second = portal.world.assume(first, second_arn)
    portal.world.client("s3", second).list_buckets()

    portal.world.client("iam").put_role_policy(
        RoleName=second_arn.rpartition("/")[2], PolicyName="end", PolicyDocument=document(denied)
    )

    with pytest.raises(ClientError, match="AccessDenied"):
        portal.world.client("s3", second).list_buckets()
    with pytest.raises(ClientError, match="conflicts with a transitive"):
        portal.world.assume(first, second_arn, Tags=[{"Key": "Daypass:Issuance", "Value": "other"}])


def test_a_portal_in_a_pod_passes_on_the_tags_of_eks(portal: Trusted) -> None:
    pod_arn = portal.world.role(trust(portal.user_arn), allow("sts:*"), suffix="pod")
    tags = [{"Key": "kubernetes-namespace", "Value": "x"}, {"Key": "eks-cluster-arn", "Value": "y"}]
    pod = portal.world.assume(portal.keys, pod_arn, Tags=tags, TransitiveTagKeys=[tag["Key"] for tag in tags])
    role_arn = portal.role("in-pod", trust_policy(pod_arn, "external", TENANT))

    portal.send(role_arn, USUAL, pod)
    with pytest.raises(ClientError, match="sts:TagSession"):
        portal.send(role_arn, USUAL | {"TENANT_NAME": TENANT}, pod)
