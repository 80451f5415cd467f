"""Tests of the portal's AWS identity at start."""

from pathlib import Path

import pytest
from botocore.session import Session

from daypass.portal.aws.factory import browser_origins
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.config.model import AwsConfig
from daypass.portal.config.reader import read_config
from daypass.portal.errors import AwsError, AwsMisconfigured, AwsUnavailable
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.aws.stub import Script, StubAws, answer, error, identity


@pytest.mark.parametrize(
    ("arn", "token", "is_chained"),
    [
        ("arn:aws:iam::123456789012:user/portal", None, False),
        ("arn:aws:iam::123456789012:user/some/path/portal", None, False),
        ("arn:aws:iam::123456789012:root", None, False),
        ("arn:aws:sts::123456789012:assumed-role/portal/i-0123", "token", True),
        ("arn:aws:sts::123456789012:federated-user/portal", "token", True),
        ("arn:aws:iam::123456789012:user/portal", "of GetSessionToken", True),
    ],
)
def test_a_session_of_any_kind_means_role_chaining(
    stub: StubAws, arn: str, token: str | None, is_chained: bool
) -> None:
    stub.play(identity(arn))

    broker = connected(aws_config(stub.url), session=OwnKeys(session_token=token).session())

    assert broker.is_chained is is_chained
    assert broker.identity.account_id() == "123456789012"
    assert broker.partition == "aws"


def test_keys_of_another_partition_are_refused(stub: StubAws) -> None:
    stub.play(identity("arn:aws-cn:iam::123456789012:user/portal"))

    with pytest.raises(AwsMisconfigured, match="aws-cn"):
        connected(aws_config(stub.url), session=OwnKeys().session())


def test_an_unknown_partition_is_refused_without_calling_aws(stub: StubAws) -> None:
    config = aws_config(stub.url, partition="aws-moon")

    with pytest.raises(AwsMisconfigured, match="aws-us-gov"):
        connected(config, session=OwnKeys().session())

    assert stub.requests == []


def test_the_error_for_missing_keys_says_how_to_set_them(
    stub: StubAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(AwsMisconfigured, match="AWS_ACCESS_KEY_ID"):
        connected(aws_config(stub.url), session=Session())


@pytest.mark.parametrize(
    ("script", "kind"),
    [(error(403, "InvalidClientTokenId"), AwsMisconfigured), (answer(200, b"hello"), AwsError)],
)
def test_rejected_keys_are_an_error_at_start(stub: StubAws, script: Script, kind: type[AwsError]) -> None:
    stub.play(script)

    with pytest.raises(kind):
        connected(aws_config(stub.url), session=OwnKeys().session())


def test_an_unreachable_aws_is_an_error_at_start(stub: StubAws) -> None:
    url = stub.url
    stub.stop()

    with pytest.raises(AwsUnavailable):
        connected(aws_config(url), session=OwnKeys().session())


@pytest.mark.parametrize(
    ("partition", "region", "sts", "signin", "console"),
    [
        (
            "aws",
            "eu-central-1",
            "https://sts.eu-central-1.amazonaws.com",
            "https://eu-central-1.signin.aws.amazon.com",
            "https://eu-central-1.console.aws.amazon.com",
        ),
        (
            "aws",
            "us-east-1",
            "https://sts.us-east-1.amazonaws.com",
            "https://signin.aws.amazon.com",
            "https://us-east-1.console.aws.amazon.com",
        ),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "https://sts.us-gov-west-1.amazonaws.com",
            "https://signin.amazonaws-us-gov.com",
            "https://us-gov-west-1.console.amazonaws-us-gov.com",
        ),
        (
            "aws-cn",
            "cn-north-1",
            "https://sts.cn-north-1.amazonaws.com.cn",
            "https://signin.amazonaws.cn",
            "https://cn-north-1.console.amazonaws.cn",
        ),
        (
            "aws-eusc",
            "eusc-de-east-1",
            "https://sts.eusc-de-east-1.amazonaws.eu",
            "https://eusc-de-east-1.signin.amazonaws-eusc.eu",
            "https://eusc-de-east-1.console.amazonaws-eusc.eu",
        ),
    ],
)
def test_each_partition_has_its_own_hosts(
    partition: str, region: str, sts: str, signin: str, console: str
) -> None:
    hosts = PARTITIONS[partition]

    assert (hosts.sts_url(region), hosts.signin_url(region), hosts.console_url(region)) == (
        sts,
        signin,
        console,
    )


def started_with(**more: str) -> AwsConfig:
    return read_config({"DAYPASS_AWS_REGION": "eu-west-1", **more}).aws


def test_browser_origins_are_the_sign_in_and_console_of_the_partition() -> None:
    assert browser_origins(started_with()) == (
        "https://signin.aws.amazon.com",
        "https://*.signin.aws.amazon.com",
        "https://console.aws.amazon.com",
        "https://*.console.aws.amazon.com",
    )
    assert browser_origins(started_with(DAYPASS_AWS_REGION="us-gov-west-1"))[0] == (
        "https://signin.amazonaws-us-gov.com"
    )


def test_browser_origins_are_the_configured_endpoints_alone() -> None:
    assert browser_origins(started_with(DAYPASS_AWS_ENDPOINT_URL="http://127.0.0.1:4566")) == (
        "http://127.0.0.1:4566",
    )
