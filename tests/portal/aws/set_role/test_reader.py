"""Reading the role of a permission set with the portal's permissions: pages, documents, refusals of IAM."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest

from daypass.portal.access.broker import Deadline, SetRole
from daypass.portal.aws import policies
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import to_json
from daypass.portal.aws.set_role.reader import MOST_INLINE_POLICIES, SetRoleReader
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.errors import AwsError, AwsNotAllowed, AwsRefused, AwsThrottled, AwsUnavailable
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import client
from tests.portal.aws.conftest import Portal, aws_config, connected
from tests.portal.aws.stub import FakeTiming, Script, StubAws, answer, error

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/portal"
NAME = "daypass-set-dev01.support"
TENANT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/duploservices-dev01"
WANTED = SetRole(f"arn:aws:iam::{ACCOUNT}:role/{NAME}", TENANT_ROLE, "dev01", "e-1", None)
DENY = {"Statement": {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}}
GUARDS = [f"arn:aws:iam::{ACCOUNT}:policy/daypass-fence-{name}" for name in ("guards", "denies")]


def iam(action: str, *inside: str) -> Script:
    body = f'<{action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{action}Result>'
    return answer(200, f"{body}{''.join(inside)}</{action}Result></{action}Response>".encode())


def role(trust: str | None = None) -> Script:
    document = trust or quote(to_json(trust_policy(USER, "e-1", "dev01")))
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/daypass-boundary-2"
    return iam(
        "GetRole",
        f"<Role><Arn>{WANTED.role_arn}</Arn><AssumeRolePolicyDocument>{document}</AssumeRolePolicyDocument>",
        f"<PermissionsBoundary><PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn></PermissionsBoundary>",
        "<Tags><member><Key>empty</Key><Value></Value></member>",
        "<member><Key>TENANT_NAME</Key><Value>dev01</Value></member></Tags></Role>",
    )


def attached(*arns: str, marker: str = "") -> Script:
    members = "".join(f"<member><PolicyArn>{arn}</PolicyArn></member>" for arn in arns)
    return iam("ListAttachedRolePolicies", f"<AttachedPolicies>{members}</AttachedPolicies>", _end(marker))


def names(*named: str, marker: str = "") -> Script:
    members = "".join(f"<member>{escape(name)}</member>" for name in named)
    return iam("ListRolePolicies", f"<PolicyNames>{members}</PolicyNames>", _end(marker))


def inline(text: str) -> Script:
    return iam("GetRolePolicy", f"<PolicyDocument>{quote(text)}</PolicyDocument>")


def _end(marker: str) -> str:
    more = f"<Marker>{marker}</Marker>" if marker else ""
    return f"<IsTruncated>{'true' if marker else 'false'}</IsTruncated>{more}"


def tenant_role(boundary: str = "daypass-boundary-2", arn: str = TENANT_ROLE) -> Script:
    policy = f"arn:aws:iam::{ACCOUNT}:policy/{boundary}"
    bounded = f"<PermissionsBoundaryArn>{policy}</PermissionsBoundaryArn>"
    return iam(
        "GetRole",
        f"<Role><Arn>{arn}</Arn><PermissionsBoundary>{bounded}</PermissionsBoundary></Role>",
    )


def judged(broker: AwsBroker, stub: StubAws, waits: FakeTiming, *scripts: Script) -> str:
    """Return the problem of a role with these answers, in a tenant whose own role is of generation 2."""
    stub.requests.clear()
    stub.scripts = [tenant_role(), *scripts]
    problem = broker.find_set_role_problem(WANTED, Deadline(waits.monotonic() + 8))
    asked = stub.requests.pop(0)
    assert asked["RoleName"] == TENANT_ROLE.rpartition("/")[2]
    return problem


@pytest.mark.parametrize(
    "script",
    [
        tenant_role("daypass-boundary"),
        iam("GetRole", f"<Role><Arn>{TENANT_ROLE}</Arn></Role>"),
        tenant_role(arn=TENANT_ROLE.replace("role/", "role/path/")),
        error(404, "NoSuchEntity"),
    ],
)
def test_a_tenant_whose_own_role_is_not_of_generation_2_has_no_such_roles(
    broker: AwsBroker, stub: StubAws, waits: FakeTiming, script: Script
) -> None:
    stub.scripts = [script, role(), attached(*GUARDS), names()]

    problem = broker.find_set_role_problem(WANTED, Deadline(waits.monotonic() + 8))

    assert f"{TENANT_ROLE} is not of generation 2" in problem
    assert "`daypass portal fence plan --tenant dev01`" in problem


def test_the_policies_of_all_pages_count(broker: AwsBroker, stub: StubAws, waits: FakeTiming) -> None:
    own = f"arn:aws:iam::{ACCOUNT}:policy/own"
    pages = [attached(*GUARDS, marker="a&amp;1"), attached(own)]

    problem = judged(broker, stub, waits, role(), *pages, names())

    assert f"the attached policy {own}" in problem
    assert [asked.get("Marker") for asked in stub.requests] == [None, None, "a&1", None]

    inlines = [names("one", marker="2"), names("two"), inline(json.dumps(DENY)), inline("{}")]
    problem = judged(broker, stub, waits, role(), attached(*GUARDS), *inlines)

    assert "The inline policy “two”" in problem
    assert [asked.get("PolicyName") for asked in stub.requests][-2:] == ["one", "two"]
    assert judged(broker, stub, waits, role(), attached(*GUARDS), names()) == ""


@pytest.mark.parametrize(
    "document",
    [
        "not JSON",
        "[]",
        '"Deny"',
        '{"Statement": {"Effect": "Allow", "Effect": "Deny", "Action": "*", "Resource": "*"}}',
        '{"Statement": {"Effect": "Deny", "EFFECT": "Allow", "Action": "*", "Resource": "*"}}',
        "[" * 10_000,
    ],
)
def test_a_document_that_is_not_understood_is_refused(
    broker: AwsBroker, stub: StubAws, waits: FakeTiming, document: str
) -> None:
    problem = judged(broker, stub, waits, role(), attached(*GUARDS), names("own"), inline(document))

    assert "The inline policy “own”" in problem
    problem = judged(broker, stub, waits, role(quote(document)), attached(*GUARDS), names())
    assert "The trust policy of" in problem


def test_a_missing_role_is_a_problem(broker: AwsBroker, stub: StubAws, waits: FakeTiming) -> None:
    problem = judged(broker, stub, waits, error(404, "NoSuchEntity"))

    assert problem == (f"There is no role {WANTED.role_arn}. Remedy: `daypass portal fence apply`.")
    assert stub.requests[0]["RoleName"] == NAME


@pytest.mark.parametrize(
    ("scripts", "kind", "said"),
    [
        (
            [error(403, "AccessDenied")],
            AwsNotAllowed,
            "It takes iam:GetRole on the role; the statement ReadRoles",
        ),
        ([role(), error(403, "AccessDenied")], AwsNotAllowed, "It takes iam:ListAttachedRolePolicies on"),
        (
            [role(), attached(*GUARDS), names("own"), error(403, "AccessDenied")],
            AwsNotAllowed,
            "It takes iam:GetRolePolicy on",
        ),
        ([error(400, "Throttling")], AwsThrottled, "throttled"),
        ([error(500, "InternalFailure")], AwsUnavailable, "internal error"),
        ([iam("GetRole", "<Role></Role>")], AwsRefused, "not a valid response"),
        ([role(), iam("ListAttachedRolePolicies")], AwsRefused, "not a valid response"),
        ([role(), iam("ListAttachedRolePolicies", "<IsTruncated>true</IsTruncated>")], AwsRefused, "valid"),
        ([role(), attached(*GUARDS), error(404, "NoSuchEntity")], AwsError, "there is no such role"),
        (
            [role(), attached(*GUARDS), names(*(f"p{n}" for n in range(MOST_INLINE_POLICIES + 1)))],
            AwsRefused,
            f"has {MOST_INLINE_POLICIES + 1} inline policies",
        ),
    ],
)
def test_a_role_that_cannot_be_read_is_an_error_and_not_a_proof(
    broker: AwsBroker,
    stub: StubAws,
    waits: FakeTiming,
    scripts: list[Script],
    kind: type[AwsError],
    said: str,
) -> None:
    with pytest.raises(kind, match=said):
        judged(broker, stub, waits, *scripts)


def test_a_role_of_another_account_is_never_asked_for(broker: AwsBroker, stub: StubAws) -> None:
    other = replace(WANTED, role_arn=WANTED.role_arn.replace(ACCOUNT, "210987654321"))
    stub.requests.clear()

    with pytest.raises(AwsNotAllowed, match="its credentials are of the account 123456789012"):
        broker.find_set_role_problem(other, Deadline(time.monotonic() + 60))
    assert stub.requests == []


@pytest.mark.parametrize("prefix", ["", "daypass-", "daypass-set-", "daypass-set-x"])
def test_no_role_is_used_whose_name_could_be_a_tenants_own(
    broker: AwsBroker, stub: StubAws, prefix: str
) -> None:
    stub.requests.clear()

    problem = replace(broker, role_prefix=prefix).find_set_role_problem(
        WANTED, Deadline(time.monotonic() + 60)
    )

    assert "DAYPASS_ROLE_PREFIX" in problem
    assert stub.requests == []


def test_the_deadline_bounds_all_calls_together(broker: AwsBroker, stub: StubAws, waits: FakeTiming) -> None:
    def slow(script: Script) -> Script:
        def play(handler: object) -> None:
            waits.sleep(3)
            script(handler)  # type: ignore[arg-type]  # a stub's handler

        return play

    scripts = [slow(each) for each in (role(), attached(*GUARDS), names("own"), inline(json.dumps(DENY)))]
    with pytest.raises(AwsUnavailable):
        judged(broker, stub, waits, *scripts)
    assert len(stub.requests) == 4


@pytest.fixture
def made(sandbox: SandboxProcess, portal: Portal) -> Iterator[SetRole]:
    """The role of a set in the sandbox, as it should be."""
    tenant_role = portal.account.role_arn(f"{portal.account.role_prefix}read")
    wanted = SetRole(portal.account.role_arn("daypass-set-read.support"), tenant_role, "read", "e-1", None)
    name, root = wanted.role_arn.rpartition("/")[2], client(sandbox, "iam")
    own = tenant_role.rpartition("/")[2]
    for each in (own, name):
        root.create_role(
            RoleName=each,
            AssumeRolePolicyDocument=to_json(trust_policy(portal.user_arn, "e-1", "read")),
            PermissionsBoundary=portal.account.policy_arn("daypass-boundary-2"),
            Tags=[{"Key": policies.TENANT_TAG, "Value": "read"}],
        )
    arns = [portal.account.policy_arn(each) for each in FENCE_POLICY_NAMES]
    for arn in arns:
        root.attach_role_policy(RoleName=name, PolicyArn=arn)
    root.put_role_policy(RoleName=name, PolicyName="own + more", PolicyDocument=json.dumps(DENY))
    yield wanted
    root.delete_role_policy(RoleName=name, PolicyName="own + more")
    for arn in arns:
        root.detach_role_policy(RoleName=name, PolicyArn=arn)
    for each in (own, name):
        root.delete_role(RoleName=each)


def test_the_portals_own_permissions_suffice(sandbox: SandboxProcess, portal: Portal, made: SetRole) -> None:
    broker = connected(aws_config(sandbox.endpoint_url, region=sandbox.region), session=portal.keys.session())
    deadline = Deadline(time.monotonic() + 60)

    assert broker.find_set_role_problem(made, deadline) == ""
    state = SetRoleReader(broker.iam, made.role_arn, deadline).read()
    assert state is not None
    assert state.inline == {"own + more": DENY}
    missing = replace(made, role_arn=f"{made.role_arn}2")
    assert "There is no role" in broker.find_set_role_problem(missing, deadline)
