"""Sessions of a permission set's own role, from `fence apply` to the keys, in the sandbox."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import SessionRequest
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.aws import policies
from daypass.portal.aws.factory import make_account
from daypass.portal.aws.fence.rollout.operator import Operator
from daypass.portal.aws.fence.rollout.rollouts import SetRoles
from daypass.portal.aws.fence.rollout.set_roles_in_account import AccountSetRoleReader
from daypass.portal.aws.fence.shared import shared_policies
from daypass.portal.aws.policies import to_json
from daypass.portal.aws.tenant_role import make_tenant_role
from daypass.portal.clock import utc_now
from daypass.portal.errors import AwsPolicyRefused
from daypass.portal.identity.scopes import Scope
from daypass.portal.permission_sets.store import add_permission_set
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.store import change_member
from tests.fakes import NOON, retargeted
from tests.fixtures.sandbox import Keys, client
from tests.portal.access.conftest import DANA, DEV, Rig, build, caller
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.aws.fence.rollout.conftest import Lab
from tests.portal.permission_sets.examples import ANALYST

NAME = f"daypass-set-dev01.{ANALYST.name}"
OWN_BUCKET, NEIGHBOURS_BUCKET = "duploservices-dev01-files", "duploservices-dev02-files"


def tenant_role(lab: Lab) -> str:
    return lab.account.role_arn("duploservices-dev01")


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal in which Dana has the permission set, and an account with the fence."""

    lab: Lab
    rig: Rig
    issuer: Issuer

    def keys(self) -> Keys:
        """Return the keys of a new session, before which the role is read again."""
        with self.rig.database.writing() as connection:
            CachedRoleStore(connection).forget(self.lab.account.role_arn(NAME))
        issued = self.issuer.issue(caller(DANA), SessionRequest(Scope.of_tenant("dev01"))).credentials
        return Keys(issued.access_key_id, issued.secret_access_key.reveal(), issued.session_token.reveal())

    def refusal(self) -> str:
        """Return what the check of the role finds before a session, which is refused."""
        with pytest.raises(AwsPolicyRefused, match="failed its check"):
            self.keys()
        arn = self.lab.account.role_arn(NAME)
        with self.rig.database.reading() as connection:
            return CachedRoleStore(connection).find(arn).problem or ""

    def may_list(self, bucket: str, keys: Keys) -> bool:
        """Return whether the keys may list a bucket."""
        try:
            client(self.lab.sandbox, "s3", keys).list_objects_v2(Bucket=bucket)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False
        return True

    def apply(self) -> None:
        """Run `daypass portal fence apply`."""
        operator = Operator("arn:aws:iam::123456789012:user/operator", self.lab.account, self.lab.iam)
        sets = SetRoles(AccountSetRoleReader(operator.iam, operator.guard), [ANALYST.name])
        tenant = retargeted(DEV, role_arn=tenant_role(self.lab))
        rollout = replace(self.lab.rollout(), set_roles=sets, tenants=[tenant])
        list(rollout.apply(rollout.plan()))


@pytest.fixture
def portal(lab: Lab, sqlite_url: str) -> Iterator[Portal]:
    for name, document in shared_policies(lab.account).items():
        lab.policy(name, document)
    make_tenant_role(lab.iam, lab.account, "dev01", DEV.target.external_id, lab.portal_arn, Generation.SHARED)
    allowed = to_json(policies.portal_policy(lab.account))
    lab.iam.put_user_policy(UserName="portal", PolicyName="daypass", PolicyDocument=allowed)
    for bucket in (OWN_BUCKET, NEIGHBOURS_BUCKET):
        client(lab.sandbox, "s3").create_bucket(Bucket=bucket)
    own = OwnKeys(lab.portal_keys.access_key_id, lab.portal_keys.secret_access_key)
    config = aws_config(lab.sandbox.endpoint_url, region=lab.sandbox.region)
    broker = connected(config, session=own.session())
    account = make_account(config, broker)
    with closing(Database(sqlite_url)) as database:
        for rig in build(database):
            rig.change_role(DEV, tenant_role(lab))
            with database.writing() as connection:
                add_permission_set(ANALYST, at=NOON).apply(connection)
                change_member(DEV.id, DANA.id, ANALYST).apply(connection)
            brokers = PerAccount({account.name: broker})
            issuer = Issuer(database, rig.committer, Accounts(account), brokers, utc_now)
            yield Portal(lab, rig, issuer)


Change = Callable[[Any, Lab], object]


def attached(name: str) -> tuple[Change, Change]:
    """Return functions that attach and detach a shared policy."""

    def attach(iam: Any, lab: Lab) -> None:  # noqa: ANN401  boto3's own
        iam.attach_role_policy(RoleName=NAME, PolicyArn=lab.account.policy_arn(name))

    def detach(iam: Any, lab: Lab) -> None:  # noqa: ANN401  boto3's own
        iam.detach_role_policy(RoleName=NAME, PolicyArn=lab.account.policy_arn(name))

    return attach, detach


def bounded(iam: Any, lab: Lab) -> None:  # noqa: ANN401  boto3's own
    boundary = lab.account.boundary_of(Generation.SHARED)
    iam.put_role_permissions_boundary(RoleName=NAME, PermissionsBoundary=boundary)


def tagged(tenant: str) -> Change:
    tags = [{"Key": "TENANT_NAME", "Value": tenant}]
    return lambda iam, _: iam.tag_role(RoleName=NAME, Tags=tags)


def trusting(iam: Any, lab: Lab) -> None:  # noqa: ANN401  boto3's own
    trust = iam.get_role(RoleName=NAME)["Role"]["AssumeRolePolicyDocument"]
    more = {"Effect": "Allow", "Principal": {"AWS": lab.account.id}, "Action": "sts:AssumeRole"}
    document = json.dumps(trust | {"Statement": [*trust["Statement"], more]})
    iam.update_assume_role_policy(RoleName=NAME, PolicyDocument=document)


WIDE = to_json(policies.document(policies.allow(["s3:*"], ["*"])))
BROKEN: Mapping[str, tuple[Change, Change | None]] = {
    "The boundary of": (lambda iam, _: iam.delete_role_permissions_boundary(RoleName=NAME), bounded),
    "TENANT_NAME=dev02": (tagged("dev02"), tagged("dev01")),
    "lacks the attached policy daypass-fence-guards": attached("daypass-fence-guards")[::-1],
    "daypass-level-operator, which is no shared policy": attached("daypass-level-operator"),
    "The inline policy “wide”": (
        lambda iam, _: iam.put_role_policy(RoleName=NAME, PolicyName="wide", PolicyDocument=WIDE),
        lambda iam, _: iam.delete_role_policy(RoleName=NAME, PolicyName="wide"),
    ),
    # The last one is repaired by `fence apply`.
    "it trusts": (trusting, None),
}


def test_a_session_of_the_role_stays_in_the_tenant_and_a_changed_role_gives_none(portal: Portal) -> None:
    iam, lab = portal.lab.iam, portal.lab
    assert "There is no role" in portal.refusal()

    portal.apply()
    keys = portal.keys()
    arn = client(lab.sandbox, "sts", keys).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{lab.account.id}:assumed-role/{NAME}/dana@example.com"
    assert portal.may_list(OWN_BUCKET, keys)
    assert not portal.may_list(NEIGHBOURS_BUCKET, keys)

    for said, (change, back) in BROKEN.items():
        change(iam, lab)
        assert said in portal.refusal()
        if back is not None:
            back(iam, lab)
    portal.apply()
    assert portal.may_list(OWN_BUCKET, portal.keys())

    detach = attached("daypass-fence-data")[1]
    detach(iam, lab)
    portal.apply()
    assert not portal.may_list(OWN_BUCKET, portal.keys())

    # Of another generation, the tenant's own role may have fewer rights.
    lab.iam.delete_role_permissions_boundary(RoleName=f"{lab.account.role_prefix}dev01")
    assert "is not of generation 2" in portal.refusal()
