"""Tests of the doctor: findings, levels, and the commands that fix them."""

import json
import shlex
from collections.abc import Callable, Set
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.accounts.registry import Accounts
from daypass.portal.accounts.store import VerifiedPolicies, find_verified
from daypass.portal.aws import policies
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES, REQUIRED_POLICY_NAMES, shared_policies
from daypass.portal.aws.iam import AwsRoles
from daypass.portal.aws.tenant_role import TENANT_POLICY
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.diagnostics.doctor import Doctor
from daypass.portal.diagnostics.finding import Finding, Level, readiness
from daypass.portal.errors import AwsUnavailable
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import TENANT_SERVICES, TENANT_VALIDITY
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON, FakeBroker, FakeClock, retargeted
from tests.portal.aws.trust.former import former_trust
from tests.settings import store_setting

ACCOUNT = Account.known("aws", "123456789012", "duploservices-", "duplomaster")
PORTAL = "arn:aws:iam::123456789012:user/daypass-portal"
DEV = Tenant.with_role(
    TenantId("dev-id"), "dev01", "us-west-2", ACCOUNT.role_arn("duploservices-dev01"), "external"
)


def role(arn: str, external_id: str | None, **changed: object) -> dict[str, Any]:
    """Return a correct role with the changes of *changed*."""
    return {
        "Arn": arn,
        "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": trust_policy(PORTAL, external_id, "dev01" if external_id else None),
        "PermissionsBoundary": {"PermissionsBoundaryArn": ACCOUNT.boundary_arn},
        "Tags": [{"Key": "TENANT_NAME", "Value": "dev01"}],
        **changed,
    }


@dataclass
class Iam:
    """A fake of the boto3 client, as far as the doctor uses it."""

    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_allowed: bool = True
    policies: dict[str, Any] = field(default_factory=dict)
    """Inline policies by role name, and the boundary by its ARN."""
    may_read_policies: bool = True
    attached: dict[str, list[str]] = field(default_factory=dict)
    """The ARNs of attached policies by role name."""
    may_list_attached: bool = True
    unreadable: frozenset[str] = frozenset()
    """The names and ARNs of policies that the portal may not read."""

    def list_attached_role_policies(self, RoleName: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        if not self.may_list_attached:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListAttachedRolePolicies")
        return {"AttachedPolicies": [{"PolicyArn": arn} for arn in self.attached.get(RoleName, [])]}

    def get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        if not self.is_allowed or RoleName not in self.roles:
            code = "NoSuchEntity" if self.is_allowed else "AccessDenied"
            raise ClientError({"Error": {"Code": code}}, "GetRole")
        return {"Role": self.roles[RoleName]}

    def get_role_policy(self, RoleName: str, PolicyName: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        return {"PolicyDocument": self._policy(f"{RoleName}/{PolicyName}", "GetRolePolicy")}

    def get_policy(self, PolicyArn: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        self._policy(PolicyArn, "GetPolicy")
        return {"Policy": {"DefaultVersionId": "v7"}}

    def get_policy_version(self, PolicyArn: str, VersionId: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        assert VersionId == "v7"
        return {"PolicyVersion": {"Document": self._policy(PolicyArn, "GetPolicyVersion")}}

    def _policy(self, name: str, call: str) -> Any:  # noqa: ANN401  JSON
        may_read = self.may_read_policies and name not in self.unreadable
        if not may_read or name not in self.policies:
            code = "NoSuchEntity" if may_read else "AccessDenied"
            raise ClientError({"Error": {"Code": code}}, call)
        return self.policies[name]


@pytest.fixture
def iam() -> Iam:
    return Iam(
        {
            "duplomaster": role(ACCOUNT.role_arn("duplomaster"), None),
            "duploservices-dev01": role(DEV.target.role_arn, "external"),
        },
        policies={
            "duplomaster/master": policies.master_policy(ACCOUNT, PORTAL),
            "duploservices-dev01/tenant": policies.tenant_policy(ACCOUNT, "dev01"),
            ACCOUNT.boundary_arn: policies.boundary(ACCOUNT),
        },
    )


@pytest.fixture
def shared(iam: Iam) -> Iam:
    """Return the fake with the shared policies, and a tenant's role that has them."""
    iam.policies |= {
        ACCOUNT.policy_arn(name): document for name, document in shared_policies(ACCOUNT).items()
    }
    del iam.policies["duploservices-dev01/tenant"]
    change(
        iam,
        PermissionsBoundary={"PermissionsBoundaryArn": ACCOUNT.boundary_of(Generation.SHARED)},
    )
    iam.attached["duploservices-dev01"] = [ACCOUNT.policy_arn(name) for name in FENCE_POLICY_NAMES]
    return iam


def verify(sqlite_url: str) -> None:
    """Record that the account was seen to have the shared policies."""
    with closing(Database(sqlite_url)) as database, database.writing() as connection:
        VerifiedPolicies(connection).record(ACCOUNT.id, dict.fromkeys(REQUIRED_POLICY_NAMES, "digest"), NOON)


def roles_of(
    iam: Any,  # noqa: ANN401  a fake of boto3's client
    principal: Callable[[], str] = lambda: PORTAL,
    skew: timedelta = timedelta(),
    database: Database | None = None,
) -> AwsRoles:
    def verified() -> Set[str]:
        return set() if database is None else find_verified(database, ACCOUNT)

    def services(tenant_id: TenantId) -> frozenset[str] | None:
        if database is None:
            return None
        return SettingsReader(database).of_tenant(tenant_id, TENANT_SERVICES)

    return AwsRoles(ACCOUNT, lambda: iam, lambda: iam, principal, lambda: NOON + skew, services, verified)


Examine = Callable[..., list[Finding]]


@pytest.fixture
def examine(sqlite_url: str, iam: Iam) -> Examine:
    database = Database(sqlite_url)
    with database.writing() as connection:
        TenantStore(connection).add(DEV, NOON)
    database.close()

    def run(
        *, is_chained: bool = False, skew: timedelta = timedelta(), with_fine: bool = False
    ) -> list[Finding]:
        opened = Database(sqlite_url)
        roles = roles_of(iam, skew=skew, database=opened)
        broker = FakeBroker(is_chained=is_chained)
        findings = list(Doctor(opened, Accounts(ACCOUNT), broker, roles, FakeClock()).examine())
        opened.close()
        return [finding for finding in findings if with_fine or finding.level is not Level.FINE]

    return run


def change(iam: Iam, **changed: object) -> None:
    iam.roles["duploservices-dev01"] |= changed


def test_a_doctor_examines_the_tenants_of_its_own_account_and_of_no_other_known_one(
    sqlite_url: str, iam: Iam
) -> None:
    other = Account.known("aws", "222222222222", "duploservices-", "duplomaster", name="other")
    with closing(Database(sqlite_url)) as database:
        with database.writing() as connection:
            for name, account_id in (("there", other.id), ("foreign", "333333333333")):
                arn = f"arn:aws:iam::{account_id}:role/duploservices-{name}"
                tenant = Tenant.with_role(TenantId(name), name, "us-west-2", arn, None)
                TenantStore(connection).add(tenant, NOON)
        accounts = Accounts(ACCOUNT, other)

        findings = list(Doctor(database, accounts, FakeBroker(), roles_of(iam), FakeClock()).examine())

    assert {finding.subject for finding in findings} & {"there", "foreign"} == {"foreign"}


def test_a_tenant_in_a_region_of_another_partition_is_an_error(sqlite_url: str, iam: Iam) -> None:
    database, elsewhere = Database(sqlite_url), retargeted(DEV, region="cn-north-1")
    with database.writing() as connection:
        TenantStore(connection).add(elsewhere, NOON)

    finding = Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles_of(iam), FakeClock()).examine_tenant(
        elsewhere
    )[0]
    database.close()

    assert (finding.code, finding.level) == ("region", Level.ERROR)
    assert "aws-cn" in finding.sentence


def test_a_tenant_in_a_misspelled_region_of_an_older_version_is_an_error(sqlite_url: str, iam: Iam) -> None:
    database, misspelled = Database(sqlite_url), retargeted(DEV, region="us-est-1")
    doctor = Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles_of(iam), FakeClock())
    with database.writing() as connection:
        TenantStore(connection).add(misspelled, NOON)

    findings = [
        *doctor.examine_tenant(misspelled),
        *replace(doctor, extra_regions={"us-est-1"}).examine_tenant(misspelled),
    ]
    database.close()

    (finding,) = (finding for finding in findings if finding.code == "region")
    assert finding.level is Level.ERROR
    assert "Did you mean us-east-1 or us-west-1?" in finding.sentence


def test_a_correct_account_gives_no_finding(examine: Examine) -> None:
    assert examine() == []


def test_one_tenant_can_be_examined_alone_and_while_aws_is_unreachable(sqlite_url: str, iam: Iam) -> None:
    def unreachable() -> str:
        raise AwsUnavailable("AWS does not answer.")

    database = Database(sqlite_url)
    del iam.roles["duplomaster"]
    roles = roles_of(iam)
    offline = roles_of(iam, unreachable)
    with database.writing() as connection:
        TenantStore(connection).add(DEV, NOON)

    (well,) = Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles, FakeClock()).examine_tenant(DEV)
    (unknown,) = Doctor(database, Accounts(ACCOUNT), FakeBroker(), offline, FakeClock()).examine_tenant(DEV)
    database.close()

    assert (well.subject, well.level) == ("dev01", Level.FINE)
    assert (unknown.level, unknown.sentence) == (Level.WARNING, "AWS does not answer.")


def test_a_missing_role_comes_with_the_command_that_creates_it(examine: Examine, iam: Iam) -> None:
    del iam.roles["duploservices-dev01"]

    (finding,) = examine()

    assert (finding.code, finding.level, finding.subject) == ("missing", Level.ERROR, "dev01")
    create, put = finding.patch.split(" && ")
    assert shlex.split(create) == [
        *("aws", "iam", "create-role", "--role-name", "duploservices-dev01"),
        *("--assume-role-policy-document", policies.to_json(trust_policy(PORTAL, "external", "dev01"))),
        *("--permissions-boundary", ACCOUNT.boundary_arn),
        *("--tags", f"Key={policies.TENANT_TAG},Value=dev01"),
    ]
    assert shlex.split(put) == [
        *(
            "aws",
            "iam",
            "put-role-policy",
            "--role-name",
            "duploservices-dev01",
            "--policy-name",
            TENANT_POLICY,
        ),
        *("--policy-document", policies.to_json(policies.tenant_policy(ACCOUNT, "dev01"))),
    ]


def test_the_command_for_a_missing_role_has_the_path_of_its_arn(sqlite_url: str, iam: Iam) -> None:
    elsewhere = retargeted(DEV, role_arn=f"arn:aws:iam::{ACCOUNT.id}:role/teams/blue/their-role")
    database = Database(sqlite_url)

    (finding,) = Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles_of(iam), FakeClock()).examine_tenant(
        elsewhere
    )
    database.close()

    assert finding.patch.startswith("aws iam create-role --role-name their-role --path /teams/blue/ ")


def test_the_root_user_is_an_error_and_no_role_is_compared_with_it(sqlite_url: str, iam: Iam) -> None:
    iam.roles["duploservices-dev01"] = {}
    with closing(Database(sqlite_url)) as database:
        with database.writing() as connection:
            TenantStore(connection).add(DEV, NOON)
        roles = roles_of(iam, lambda: f"arn:aws:iam::{ACCOUNT.id}:root")
        (finding,) = Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles, FakeClock()).examine()

    assert (finding.code, finding.level, finding.patch) == ("identity", Level.ERROR, "")
    assert "root user" in finding.sentence


def test_a_missing_master_role_comes_with_its_policy_and_without_a_boundary(
    examine: Examine, iam: Iam
) -> None:
    del iam.roles["duplomaster"]

    (finding,) = examine()

    assert (finding.code, finding.subject) == ("missing", "master role")
    create, put = finding.patch.split(" && ")
    assert "--permissions-boundary" not in create
    assert shlex.split(put)[-1] == policies.to_json(policies.master_policy(ACCOUNT, PORTAL))


def test_a_trust_policy_of_an_earlier_version_is_a_warning_with_the_command_that_replaces_it(
    examine: Examine, iam: Iam
) -> None:
    change(iam, AssumeRolePolicyDocument=former_trust(PORTAL, "external"))
    iam.roles["duplomaster"]["AssumeRolePolicyDocument"] = former_trust(PORTAL, None)

    found = examine()

    assert [(finding.code, finding.level) for finding in found] == [("tenant_tag", Level.WARNING)] * 2
    assert policies.to_json(trust_policy(PORTAL, None, None)) in found[0].patch
    assert policies.to_json(trust_policy(PORTAL, "external", "dev01")) in found[1].patch


def test_a_duration_above_the_role_maximum_comes_with_the_command_that_raises_it(
    examine: Examine, sqlite_url: str
) -> None:
    database = Database(sqlite_url)
    with database.writing() as connection:
        place = (DEV.id, TENANT_VALIDITY.type, TENANT_VALIDITY.key)
        store_setting(connection, *place, "7200", by="operator", now=NOON)
    database.close()

    (finding,) = examine()

    assert (finding.code, finding.level) == ("maximum", Level.WARNING)
    assert finding.patch.endswith("--role-name duploservices-dev01 --max-session-duration 7200")


def test_a_role_without_tag_or_boundary_is_reported(examine: Examine, iam: Iam) -> None:
    change(iam, Tags=[], PermissionsBoundary={})

    assert [finding.code for finding in examine()] == ["tag", "boundary"]


def test_a_missing_read_permission_is_reported_with_its_policy(examine: Examine, iam: Iam) -> None:
    iam.is_allowed = False

    findings = examine()

    assert [(finding.code, finding.level) for finding in findings] == [("unreadable", Level.WARNING)] * 2
    assert "iam:GetRole" in findings[0].patch


def without(document: Any, *sids: str) -> Any:  # noqa: ANN401  JSON
    """Return a policy of an earlier version, without these statements."""
    left = [one for one in document["Statement"] if one.get("Sid") not in sids]
    return document | {"Statement": left}


OUTDATED = [
    (ACCOUNT.boundary_arn, "OwnAccount", "boundary_policy", "portal", "create-policy-version"),
    ("duploservices-dev01/tenant", "NoForwarding", "fence", "dev01", "put-role-policy"),
    ("duplomaster/master", "PortalItself", "fence", "master role", "put-role-policy"),
]


@pytest.mark.parametrize(("policy", "sid", "code", "subject", "call"), OUTDATED)
def test_a_policy_of_an_earlier_version_comes_with_the_command_that_replaces_it(
    examine: Examine, iam: Iam, policy: str, sid: str, code: str, subject: str, call: str
) -> None:
    new = iam.policies[policy]
    iam.policies[policy] = without(new, sid)

    (finding,) = examine()

    assert (finding.code, finding.level, finding.subject) == (code, Level.WARNING, subject)
    assert f"lacks the statement {sid} of this version" in finding.sentence
    words = shlex.split(finding.patch)
    assert words[:3] == ["aws", "iam", call]
    assert json.loads(words[-1]) == new


@pytest.mark.parametrize(
    ("policy", "code", "subject"), [(policy, code, subject) for policy, _, code, subject, _ in OUTDATED]
)
def test_a_missing_policy_is_reported(
    examine: Examine, iam: Iam, policy: str, code: str, subject: str
) -> None:
    new = iam.policies.pop(policy)

    (finding,) = examine()

    assert (finding.code, finding.subject) == (code, subject)
    assert json.loads(shlex.split(finding.patch)[-1]) == new


def test_a_role_without_permissions_after_a_deletion_is_an_error(examine: Examine, iam: Iam) -> None:
    iam.policies["duploservices-dev01/tenant"] = policies.nothing()

    (finding,) = examine()

    assert (finding.code, finding.level, finding.subject) == ("emptied", Level.ERROR, "dev01")
    assert "put-role-policy" in finding.patch
    assert readiness([finding]).can_issue is False


def test_additional_statements_and_equivalent_notations_are_no_findings(examine: Examine, iam: Iam) -> None:
    written: Any = json.loads(json.dumps(iam.policies["duploservices-dev01/tenant"]))
    for statement in written["Statement"]:
        statement.pop("Sid")
        if isinstance(statement["Resource"], str):
            statement["Resource"] = [statement["Resource"]]
        statement["Action"] = statement["Action"][::-1]
    written["Statement"].append({"Effect": "Allow", "Action": "lambda:*", "Resource": "*"})
    iam.policies["duploservices-dev01/tenant"] = written

    assert examine() == []


def test_unreadable_policies_are_reported_with_the_required_permission(examine: Examine, iam: Iam) -> None:
    iam.may_read_policies = False

    findings = examine()

    assert [(finding.code, finding.subject) for finding in findings] == [
        ("unreadable_policy", "portal"),
        ("unreadable_policy", "master role"),
        ("unreadable_policy", "dev01"),
    ]
    assert "iam:GetPolicyVersion" in findings[0].patch
    assert all("iam:GetRolePolicy" in finding.patch for finding in findings[1:])


def test_role_chaining_and_a_wrong_clock_are_reported(examine: Examine) -> None:
    findings = examine(is_chained=True, skew=timedelta(minutes=3))

    assert [(finding.code, finding.level) for finding in findings] == [
        ("clock", Level.WARNING),
        ("chaining", Level.WARNING),
    ]
    assert "180 s" in findings[0].sentence


def test_a_clock_that_aws_does_not_accept_is_an_error(examine: Examine) -> None:
    (finding,) = [finding for finding in examine(skew=timedelta(minutes=10)) if finding.code == "clock"]

    assert finding.level is Level.ERROR
    assert "600 s" in finding.sentence
