"""Tests of the proxy from the environment, for the portal's connections and for boto3."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.session import Session

from daypass.portal.access.broker import Deadline
from daypass.portal.aws.tagging import make_finder
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.errors import AwsError, AwsMisconfigured, AwsUnavailable
from tests.http_proxy import HttpProxy
from tests.portal.aws.conftest import OwnKeys, aws_config, connected, roles_at
from tests.portal.aws.stub import FakeTiming, StubAws, error, identity
from tests.portal.aws.test_console import KEYS, OK, TABLE
from tests.portal.aws.test_tagging import CREDENTIALS, QUERY, page
from tests.portal.processes import Operator
from tests.tls import Authority, new_authority

HOSTS = (
    "sts.us-west-2.amazonaws.com",
    "iam.amazonaws.com",
    "tagging.eu-west-1.amazonaws.com",
    "us-west-2.signin.aws.amazon.com",
)
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for the scripted AWS."""
    return new_authority(tmp_path_factory.mktemp("aws"), *HOSTS)


@pytest.fixture
def aws(authority: Authority) -> Iterator[StubAws]:
    """A scripted AWS with TLS."""
    stub = StubAws(authority.server)
    yield stub
    stub.stop()


@pytest.fixture
def proxy(aws: StubAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpProxy]:
    """A proxy to that AWS, set in the environment."""
    for name in (*PROXY_VARIABLES, "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    proxy = HttpProxy(dict.fromkeys(HOSTS, aws.port))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    yield proxy
    proxy.close()


def trusting(authority: Authority) -> Session:
    session = OwnKeys().session()
    session.set_config_variable("ca_bundle", str(authority.ca_file))
    return session


def test_every_service_is_called_through_the_proxy(
    aws: StubAws, proxy: HttpProxy, authority: Authority
) -> None:
    config = aws_config(None)
    soon = Deadline(time.monotonic() + 30)

    broker = connected(config, session=trusting(authority))
    aws.play(error(403, "AccessDenied"))
    assert broker.role_maximum("arn:aws:iam::123456789012:role/x", soon) is None
    aws.play(OK)
    assert broker.console_url(KEYS, TABLE, soon).reveal().startswith(f"https://{HOSTS[3]}/federation?")
    aws.play(page("arn:aws:s3:::one"))
    source = make_finder(config, connections=1, session=trusting(authority))
    assert len(list(source.pages(QUERY, CREDENTIALS, soon))) == 1

    assert {request.split()[1] for request in proxy.requests} == {f"{host}:443" for host in HOSTS}
    assert {request.split()[0] for request in proxy.requests} == {"CONNECT"}


def test_boto3_uses_the_same_proxy(aws: StubAws, proxy: HttpProxy, authority: Authority) -> None:
    roles = roles_at(None, trusting(authority))

    assert roles.principal() == "arn:aws:iam::123456789012:user/portal"
    aws.play(error(404, "NoSuchEntity"))
    with pytest.raises(AwsError):
        roles.read("arn:aws:iam::123456789012:role/x")

    assert set(proxy.requests) == {f"CONNECT {host}:443" for host in HOSTS[:2]}


def test_boto3_honours_all_proxy_like_the_portal_connections(
    proxy: HttpProxy, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    monkeypatch.delenv("HTTPS_PROXY")

    roles_at(None, trusting(authority)).principal()

    assert proxy.requests == [f"CONNECT {HOSTS[0]}:443"]


def test_an_aws_on_loopback_is_called_directly(
    stub: StubAws, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.setenv(name, proxy.url)

    connected(aws_config(stub.url), session=OwnKeys().session())
    roles_at(stub.url).principal()

    assert len(stub.requests) == 2
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("status", "login", "kind", "said", "tries"),
    [
        (None, "portal:right", AwsMisconfigured, "does not accept the user and password in HTTPS_PROXY", 1),
        (403, None, AwsMisconfigured, "refuses connections to sts.us-west-2.amazonaws.com:443", 1),
        (503, None, AwsUnavailable, "could not connect to sts.us-west-2.amazonaws.com:443", 3),
    ],
)
def test_the_error_for_a_failing_proxy_names_it_without_its_password(
    proxy: HttpProxy,
    authority: Authority,
    waits: FakeTiming,
    monkeypatch: pytest.MonkeyPatch,
    status: int | None,
    login: str | None,
    kind: type[AwsError],
    said: str,
    tries: int,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://portal:canary@{proxy.authority}")
    proxy.status, proxy.login = status, login
    timing = Timing(monotonic=waits.monotonic, sleep=waits.sleep, random=lambda: 0.5)

    with pytest.raises(kind) as raised:
        connected(aws_config(None), session=trusting(authority), timing=timing)

    assert said in raised.value.reason
    assert proxy.url in raised.value.reason
    assert "canary" not in raised.value.reason
    assert len(proxy.requests) == tries


def test_the_error_for_an_unreachable_proxy_names_its_variable(
    authority: Authority, waits: FakeTiming, monkeypatch: pytest.MonkeyPatch
) -> None:
    timing = Timing(monotonic=waits.monotonic, sleep=waits.sleep, random=lambda: 0.5)
    for value, kind, remedy in (
        ("http://127.0.0.1:1", AwsUnavailable, f"add {HOSTS[0]} to NO_PROXY"),
        ("http://proxy.example.invalid:1", AwsMisconfigured, f"add {HOSTS[0]} to NO_PROXY"),
        ("socks5://127.0.0.1:1", AwsMisconfigured, "list the host in NO_PROXY"),
    ):
        monkeypatch.setenv("HTTPS_PROXY", value)
        with pytest.raises(kind, match=f"HTTPS_PROXY.*{re.escape(remedy)}"):
            connected(aws_config(None), session=trusting(authority), timing=timing)


def test_the_doctor_names_the_proxy_that_forwards_its_requests(
    stub: StubAws, sqlite_url: str, tmp_path: Path
) -> None:
    # Without TLS a proxy forwards single requests instead of a tunnel, for both kinds of clients.
    stub.play(identity(), identity(), identity(), error(404, "NoSuchEntity"))
    proxy = HttpProxy({"aws.example.invalid": stub.port})
    proxy.login = "portal:canary"
    environment = {
        "HOME": str(tmp_path),
        "DAYPASS_DATABASE_URL": sqlite_url,
        "DAYPASS_AWS_REGION": "us-west-2",
        "DAYPASS_AWS_ENDPOINT_URL": "http://aws.example.invalid",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    named = f"http://portal:canary@{proxy.authority}"
    try:
        examined = Operator(tmp_path, environment).run_inside("doctor", HTTP_PROXY=named)
        proxy.login = "portal:changed"
        refused = Operator(tmp_path, environment).run_inside("doctor", HTTP_PROXY=named)
    finally:
        proxy.close()

    assert f"✓ portal: AWS is called through the proxy {proxy.url} (from HTTP_PROXY).\n" in examined.stdout
    assert "There is no role" in examined.stdout
    assert set(proxy.requests) == {"POST http://aws.example.invalid/"}
    assert refused.returncode == 2
    assert "does not accept the user and password in HTTP_PROXY" in refused.stdout
    assert "canary" not in examined.stdout + examined.stderr + refused.stdout + refused.stderr
