"""Tests of the broker against the sandbox AWS, which enforces trust, tags and limits."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.access.broker import Deadline, RoleMaximumExceeded
from daypass.portal.access.model import AssumeRoleParameters
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.errors import AwsMisconfigured, AwsThrottled, AwsTrustRefused, AwsUnavailable
from daypass.portal.permission_sets.model import FULL, READ_ONLY, PermissionSet
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys, client
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.permission_sets.examples import custom, deny

PORTAL = "broker-portal"
SESSION_ACTIONS = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]


@dataclass(frozen=True, slots=True)
class Account:
    """An account with roles of different trust policies."""

    portal: OwnKeys
    user_arn: str
    open: str
    plain: str
    closed: str
    long: str


@pytest.fixture(scope="session")
def account(sandbox_process: SandboxProcess) -> Account:
    """A user for the portal and its roles, created once."""
    iam = client(sandbox_process, "iam")
    user_arn = iam.create_user(UserName=PORTAL)["User"]["Arn"]
    allowed = {"Effect": "Allow", "Action": [*SESSION_ACTIONS, "iam:GetRole"], "Resource": "*"}
    iam.put_user_policy(UserName=PORTAL, PolicyName="all", PolicyDocument=_document(allowed))
    key = iam.create_access_key(UserName=PORTAL)["AccessKey"]

    def role(name: str, principal: str, actions: list[str], **options: Any) -> str:  # noqa: ANN401  boto3's own
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": actions,
            "Condition": {"StringEquals": {"sts:ExternalId": "external"}},
        }
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust), **options)[
            "Role"
        ]["Arn"]
        everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_document(everything))
        return arn

    stranger = iam.create_user(UserName="broker-stranger")["User"]["Arn"]
    return Account(
        portal=OwnKeys(key["AccessKeyId"], key["SecretAccessKey"]),
        user_arn=user_arn,
        open=role("broker-open", user_arn, SESSION_ACTIONS),
        plain=role("broker-plain", user_arn, ["sts:AssumeRole"]),
        closed=role("broker-closed", stranger, SESSION_ACTIONS),
        long=role("broker-long", user_arn, SESSION_ACTIONS, MaxSessionDuration=7200),
    )


def _document(statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def broker(sandbox: SandboxProcess, account: Account) -> Iterator[AwsBroker]:
    """A broker with long-term keys of the portal's user."""
    yield _connected(sandbox, account.portal)


def _connected(sandbox: SandboxProcess, keys: OwnKeys) -> AwsBroker:
    config = aws_config(sandbox.endpoint_url, region=sandbox.region)
    return connected(config, connections=2, session=keys.session())


def _soon() -> Deadline:
    return Deadline(time.monotonic() + 60)


def _session(role_arn: str, validity: timedelta = timedelta(hours=1)) -> AssumeRoleParameters:
    return AssumeRoleParameters(
        role_arn=role_arn,
        region="us-west-2",
        session_name="dana@example.com",
        duration=validity,
        external_id="external",
        source_identity="0123456789abcdef0123456789abcdef",
        tags={"daypass:issuance": "feed", "daypass:tenant": "dev01"},
        permission_set=FULL,
    )


def test_a_session_names_its_user_and_ends_after_its_duration(
    broker: AwsBroker, sandbox: SandboxProcess, account: Account
) -> None:
    before = datetime.now(UTC)  # noqa: TID251  the sandbox goes by the machine's clock

    credentials = broker.assume(_session(account.open), attributed=True, deadline=_soon())

    keys = Keys(
        credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        credentials.session_token.reveal(),
    )
    arn = client(sandbox, "sts", keys).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{sandbox.account_id}:assumed-role/broker-open/dana@example.com"
    assert abs(credentials.expires_at - before - timedelta(hours=1)) < timedelta(seconds=10)


@pytest.mark.parametrize(
    ("permission_set", "denied"),
    [
        (custom("operator", 500, deny("s3:DeleteObject")), {"delete"}),
        (custom("data-reader", 100, policies=("aws:ReadOnlyAccess",)), {"put", "delete"}),
        (
            custom("nothing", 1, deny("s3:GetObject"), policies=("aws:ReadOnlyAccess",)),
            {"get", "put", "delete"},
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_session_with_a_custom_set_is_narrowed(
    broker: AwsBroker,
    sandbox: SandboxProcess,
    account: Account,
    permission_set: PermissionSet,
    denied: set[str],
) -> None:
    bucket = f"broker-{permission_set.name}"
    client(sandbox, "s3").create_bucket(Bucket=bucket)
    client(sandbox, "s3").put_object(Bucket=bucket, Key="k", Body=b"")
    session = replace(_session(account.open), permission_set=permission_set)

    credentials = broker.assume(session, attributed=True, deadline=_soon())

    keys = Keys(
        credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        credentials.session_token.reveal(),
    )
    s3 = client(sandbox, "s3", keys)
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: s3.get_object(Bucket=bucket, Key="k"),
        "put": lambda: s3.put_object(Bucket=bucket, Key="k", Body=b""),
        "delete": lambda: s3.delete_object(Bucket=bucket, Key="k"),
    }
    refused = set()
    for name, call in calls.items():
        try:
            call()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            refused.add(name)
    assert refused == denied


def test_a_read_only_session_can_read_and_cannot_write(
    broker: AwsBroker, sandbox: SandboxProcess, account: Account
) -> None:
    client(sandbox, "s3").create_bucket(Bucket="broker-bucket")
    session = replace(_session(account.open), permission_set=READ_ONLY)

    credentials = broker.assume(session, attributed=True, deadline=_soon())

    keys = Keys(
        credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        credentials.session_token.reveal(),
    )
    s3 = client(sandbox, "s3", keys)
    assert s3.list_objects_v2(Bucket="broker-bucket")["KeyCount"] == 0
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket="broker-bucket", Key="x", Body=b"x")


def test_a_role_that_refuses_attribution_allows_a_session_without_it(
    broker: AwsBroker, account: Account
) -> None:
    with pytest.raises(AwsTrustRefused):
        broker.assume(_session(account.plain), attributed=True, deadline=_soon())

    assert broker.assume(_session(account.plain), attributed=False, deadline=_soon()).access_key_id


def test_no_trust_no_role_and_a_wrong_external_id_are_the_same_error(
    broker: AwsBroker, account: Account, sandbox: SandboxProcess
) -> None:
    missing = f"arn:aws:iam::{sandbox.account_id}:role/broker-missing"
    unknown = replace(_session(account.open), external_id="another")

    for session in (_session(account.closed), _session(missing), unknown):
        with pytest.raises(AwsTrustRefused):
            broker.assume(session, attributed=True, deadline=_soon())


def test_the_role_maximum_is_read_and_enforced(broker: AwsBroker, account: Account) -> None:
    assert broker.role_maximum(account.long, _soon()) == timedelta(hours=2)
    assert broker.role_maximum(account.open, _soon()) == timedelta(hours=1)
    broker.assume(_session(account.long, timedelta(hours=2)), attributed=True, deadline=_soon())

    with pytest.raises(RoleMaximumExceeded):
        broker.assume(_session(account.long, timedelta(seconds=7201)), attributed=True, deadline=_soon())


def test_a_portal_with_session_credentials_reports_role_chaining(
    broker: AwsBroker, sandbox: SandboxProcess, account: Account
) -> None:
    own = broker.assume(_session(account.open), attributed=False, deadline=_soon())
    keys = OwnKeys(own.access_key_id, own.secret_access_key.reveal(), own.session_token.reveal())

    assert not broker.is_chained
    assert _connected(sandbox, keys).is_chained


def test_a_console_link_signs_in(broker: AwsBroker, account: Account) -> None:
    credentials = broker.assume(_session(account.open), attributed=True, deadline=_soon())
    destination = broker.destination("us-west-2", None)

    link = broker.console_url(credentials, destination, _soon())

    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link.reveal(), timeout=60) as page:
        assert "dana@example.com" in page.read().decode()


@pytest.mark.parametrize(
    ("fault", "kind"), [("throttle", AwsThrottled), ("error", AwsUnavailable), ("reset", AwsUnavailable)]
)
def test_temporary_errors_are_retried_and_lasting_ones_raised(
    broker: AwsBroker, sandbox: SandboxProcess, account: Account, fault: str, kind: type[Exception]
) -> None:
    sandbox.control.add_fault(fault, "sts", "AssumeRole", count=2)
    broker.assume(_session(account.open), attributed=True, deadline=_soon())

    sandbox.control.add_fault(fault, "sts", "AssumeRole", count=3)
    with pytest.raises(kind):
        broker.assume(_session(account.open), attributed=True, deadline=_soon())


def test_a_maximum_that_iam_returns_after_three_seconds_is_not_waited_for(
    broker: AwsBroker, sandbox: SandboxProcess, account: Account
) -> None:
    # Within one read timeout, and after the two seconds that the lookup may take.
    sandbox.control.add_fault("delay", "iam", "GetRole", delay=timedelta(seconds=3), count=1)

    assert broker.role_maximum(account.open, _soon()) is None
    assert broker.role_maximum(account.open, _soon()) == timedelta(hours=1)


def test_unknown_keys_are_a_configuration_error(sandbox: SandboxProcess) -> None:
    with pytest.raises(AwsMisconfigured):
        _connected(sandbox, OwnKeys("AKIAUNKNOWNUNKNOWN12", "wrong"))
