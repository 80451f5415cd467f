"""Tests of role provisioning with the portal's own permissions, against the sandbox, which enforces IAM."""

import shlex
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin.tenants.role_naming import RoleNaming
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.admin.transactions import ChangeExecutor
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.aws import policies
from daypass.portal.aws.tenant_role import make_tenant_role
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.diagnostics.doctor import Doctor
from daypass.portal.diagnostics.finding import readiness
from daypass.portal.errors import AwsNotAllowed, AwsRefused, AwsTrustRefused, RoleNotFound
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.store import TenantStore
from daypass.sandbox.process import SandboxProcess
from tests.fakes import NOON, FakeBroker, FakeClock, retargeted
from tests.fixtures.sandbox import Keys, client
from tests.portal.aws.conftest import PREFIX, Portal, keys_of


def test_a_created_role_gives_access_to_its_own_tenant_only(sandbox: SandboxProcess, portal: Portal) -> None:
    for name in ("one", "two"):
        portal.roles(sandbox).make(portal.tenant(name))
        client(sandbox, "s3").create_bucket(Bucket=f"{PREFIX}{name}-files")

    s3 = client(sandbox, "s3", keys_of(sandbox, portal, portal.tenant("one")))

    s3.put_object(Bucket=f"{PREFIX}one-files", Key="x", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=f"{PREFIX}two-files")


def test_a_created_role_needs_a_source_identity_and_its_own_external_id(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    tenant = portal.tenant("shut")
    portal.roles(sandbox).make(tenant)
    foreign = Tenant.with_role(
        tenant.id, tenant.name, tenant.target.region, tenant.target.role_arn, "one-external"
    )

    with pytest.raises(AwsTrustRefused):
        keys_of(sandbox, portal, foreign)
    with pytest.raises(AwsTrustRefused):
        keys_of(sandbox, portal, tenant, source_identity="")


def test_a_partial_role_is_completed_and_a_foreign_role_is_not_changed(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    tenant, iam = portal.tenant("begun"), client(sandbox, "iam")
    make_tenant_role(iam, portal.account, tenant.name, tenant.target.external_id, portal.user_arn)
    iam.delete_role_policy(RoleName=f"{PREFIX}begun", PolicyName="tenant")
    trust = policies.to_json(trust_policy(portal.user_arn, None, None))
    iam.create_role(RoleName=f"{PREFIX}foreign", AssumeRolePolicyDocument=trust)

    portal.roles(sandbox).make(tenant)
    with pytest.raises(AwsRefused, match="was not created for this tenant"):
        portal.roles(sandbox).make(portal.tenant("foreign"))

    assert iam.list_role_policies(RoleName=f"{PREFIX}begun")["PolicyNames"] == ["tenant"]
    assert iam.list_role_policies(RoleName=f"{PREFIX}foreign")["PolicyNames"] == []


def test_the_portal_cannot_create_a_role_without_the_boundary(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    iam: Any = client(sandbox, "iam", Keys(portal.keys.access_key_id, portal.keys.secret_access_key))
    trust = policies.to_json(trust_policy(portal.user_arn, None, None))
    everything = policies.to_json(policies.document(policies.allow(["*"], ["*"])))
    client(sandbox, "iam").create_role(RoleName=f"{PREFIX}free", AssumeRolePolicyDocument=trust)

    with pytest.raises(ClientError, match="AccessDenied"):
        iam.create_role(RoleName=f"{PREFIX}wide", AssumeRolePolicyDocument=trust)
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.put_role_policy(RoleName=f"{PREFIX}free", PolicyName="x", PolicyDocument=everything)


def test_a_maximum_is_set_and_read(sandbox: SandboxProcess, portal: Portal) -> None:
    tenant, roles = portal.tenant("long"), portal.roles(sandbox)
    roles.make(tenant)
    # A temporary error is retried.
    sandbox.control.add_fault("throttle", "iam", "UpdateRole", count=1)

    roles.set_maximum(tenant.target.role_arn, timedelta(hours=4))

    state = roles.read(tenant.target.role_arn)
    assert state.maximum == timedelta(hours=4)
    assert state.boundary_arn == portal.account.boundary_arn
    assert state.tags == {"TENANT_NAME": "long"}
    assert state.trust == trust_policy(portal.user_arn, "long-external", "long")


def test_a_missing_permission_and_a_missing_role_are_different_errors(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    roles = portal.roles(sandbox)
    foreign = portal.account.role_arn("somebody-elses")

    with pytest.raises(AwsNotAllowed, match=r"It takes iam:UpdateRole\."):
        roles.set_maximum(foreign, timedelta(hours=2))
    with pytest.raises(RoleNotFound, match=r"there is no such role\.$"):
        roles.read(portal.account.role_arn(f"{PREFIX}missing"))
    with pytest.raises(RoleNotFound, match=r"there is no such role\.$"):
        roles.set_maximum(portal.account.role_arn(f"{PREFIX}missing"), timedelta(hours=2))


def test_the_sessions_of_a_deleted_tenant_lose_all_permissions(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    tenant, roles = portal.tenant("gone"), portal.roles(sandbox)
    roles.make(tenant)
    bucket = f"{PREFIX}gone-files"
    client(sandbox, "s3").create_bucket(Bucket=bucket)
    s3 = client(sandbox, "s3", keys_of(sandbox, portal, tenant))
    s3.put_object(Bucket=bucket, Key="x", Body=b"x")

    assert roles.empty(tenant)

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="x", Body=b"x")
    roles.make(tenant)
    s3.put_object(Bucket=bucket, Key="x", Body=b"x")


def test_only_a_role_that_the_portal_created_is_emptied(sandbox: SandboxProcess, portal: Portal) -> None:
    iam, roles = client(sandbox, "iam"), portal.roles(sandbox)
    operators, elsewhere = portal.tenant("theirs"), portal.tenant("elsewhere")
    elsewhere = retargeted(
        elsewhere, role_arn=f"arn:aws:iam::{sandbox.account_id}:role/team/{PREFIX}elsewhere"
    )
    for tenant, path in ((operators, "/"), (elsewhere, "/team/")):
        # The role is like that of the doctor's command.
        iam.create_role(
            RoleName=f"{PREFIX}{tenant.name}",
            Path=path,
            AssumeRolePolicyDocument=policies.to_json(
                trust_policy(portal.user_arn, tenant.target.external_id, tenant.name)
            ),
            PermissionsBoundary=portal.account.boundary_arn,
            Tags=[{"Key": "TENANT_NAME", "Value": tenant.name}],
        )

    assert not roles.empty(operators)
    assert not roles.empty(elsewhere)
    assert roles.empty(portal.tenant("never-made")), "no role, no rights"

    assert iam.list_role_policies(RoleName=f"{PREFIX}theirs")["PolicyNames"] == []


def test_a_tenant_added_again_with_its_role_arn_gets_the_permissions_restored(
    sandbox: SandboxProcess, portal: Portal, database: Database
) -> None:
    roles, role_arn = portal.roles(sandbox), portal.account.role_arn(f"{PREFIX}cycle")
    bucket = f"{PREFIX}cycle-files"
    client(sandbox, "s3").create_bucket(Bucket=bucket)
    with closing(Committer(database, FakeClock())) as committer:
        rules = RoleNaming(portal.account)
        tenants = Tenants(ChangeExecutor(database, committer, FakeClock()), rules, roles)
        made = tenants.create("cycle", "us-west-2", OPERATOR, external_id="same").tenant
        s3 = client(sandbox, "s3", keys_of(sandbox, portal, made))
        s3.put_object(Bucket=bucket, Key="x", Body=b"x")

        assert tenants.delete("cycle", OPERATOR) == ""
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=bucket, Key="x", Body=b"x")
        again = tenants.create("cycle", "us-west-2", OPERATOR, role_arn=role_arn, external_id="same").tenant

    assert again.target.role_arn == made.target.role_arn == role_arn
    s3 = client(sandbox, "s3", keys_of(sandbox, portal, again))
    s3.put_object(Bucket=bucket, Key="x", Body=b"x")


def test_only_a_role_that_the_portal_created_and_emptied_is_restored(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    iam, roles = client(sandbox, "iam"), portal.roles(sandbox)
    emptied, changed, operators = (portal.tenant(name) for name in ("emptied", "changed", "by-hand"))
    for tenant in (emptied, changed):
        roles.make(tenant)
    roles.empty(emptied)
    own = policies.document(policies.allow(["s3:ListAllMyBuckets"], ["*"]))
    iam.create_role(
        RoleName=f"{PREFIX}by-hand",
        AssumeRolePolicyDocument=policies.to_json(trust_policy(portal.user_arn, None, None)),
    )
    for role_name, policy in ((f"{PREFIX}changed", own), (f"{PREFIX}by-hand", policies.nothing())):
        iam.put_role_policy(RoleName=role_name, PolicyName="tenant", PolicyDocument=policies.to_json(policy))

    restored = [roles.restore(one) for one in (emptied, changed, operators, portal.tenant("never-made"))]

    assert restored == [True, False, False, False]
    assert roles.policy(emptied.target.role_arn, "tenant") == policies.tenant_policy(
        portal.account, "emptied"
    )
    assert roles.policy(changed.target.role_arn, "tenant") == own
    assert roles.policy(operators.target.role_arn, "tenant") == policies.nothing()


def test_a_recreated_tenant_can_issue_once_its_role_has_the_new_external_id(
    sandbox: SandboxProcess, portal: Portal, sqlite_url: str
) -> None:
    roles, tenant = portal.roles(sandbox), portal.tenant("again")
    roles.make(tenant)
    roles.empty(tenant)
    again = retargeted(tenant, external_id="a-new-external-id")
    database = Database(sqlite_url)
    with database.writing() as connection:
        TenantStore(connection).add(again, NOON)
    doctor = Doctor(database, Accounts(portal.account), FakeBroker(), roles, FakeClock())

    roles.make(again)
    ready = readiness(doctor.examine_tenant(again))

    assert ready.can_issue is False
    with pytest.raises(AwsTrustRefused):
        keys_of(sandbox, portal, again)
    (obstacle,) = ready.obstacles
    words = shlex.split(obstacle.patch)
    assert words[:5] == ["aws", "iam", "update-assume-role-policy", "--role-name", f"{PREFIX}again"]
    client(sandbox, "iam").update_assume_role_policy(RoleName=words[4], PolicyDocument=words[6])
    assert readiness(doctor.examine_tenant(again)).can_issue is True
    keys_of(sandbox, portal, again)
    database.close()


def test_requests_that_need_the_first_client_at_once_share_one(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    roles = portal.roles(sandbox)
    start = threading.Barrier(4)

    def first_client(_: int) -> object:
        start.wait()
        return roles.iam()

    with ThreadPoolExecutor(4) as threads:
        clients = list(threads.map(first_client, range(4)))

    assert all(each is clients[0] for each in clients)
