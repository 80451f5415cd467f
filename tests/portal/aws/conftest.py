"""Fixtures for brokers on a scripted AWS and on the sandbox."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from botocore.session import Session

from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.factory import make_broker
from daypass.portal.aws.iam import AwsRoles, aws_roles
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.config.model import AwsConfig
from tests.fakes import account_of
from tests.portal.aws.stub import FakeTiming, StubAws

PUBLIC_URL = "https://portal.example.com"

Connect = Callable[..., AwsBroker]


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The AWS keys that the portal starts with."""

    access_key_id: str = "AKIAEXAMPLEEXAMPLE12"
    secret_access_key: str = "OWN-SECRET-CANARY"
    session_token: str | None = None

    def session(self) -> Session:
        """Return a botocore session with these keys, isolated from this machine's configuration."""
        session = Session()
        session.set_credentials(self.access_key_id, self.secret_access_key, self.session_token)
        return session


def connected(
    config: AwsConfig,
    *,
    session: Session,
    connections: int = 1,
    public_url: str = PUBLIC_URL,
    timing: Timing | None = None,
) -> AwsBroker:
    """Return a broker that has learned its identity; raises an `AwsError`."""
    broker = make_broker(
        config, public_url=public_url, connections=connections, session=session, timing=timing
    )
    broker.identity.discover()
    return broker


def roles_at(endpoint_url: str | None, session: Session | None = None) -> AwsRoles:
    """Return the roles of an account at *endpoint_url*; None for AWS itself."""
    config = aws_config(endpoint_url)
    return aws_roles(config, account_of(config), session or OwnKeys().session())


def aws_config(
    endpoint_url: str | None,
    region: str = "us-west-2",
    partition: str = "aws",
    console_url: str | None = None,
) -> AwsConfig:
    """Return a configuration with all endpoints at *endpoint_url*."""
    return AwsConfig(
        region=region,
        partition=partition,
        role_prefix="duploservices-",
        master_role="duplomaster",
        endpoint_url=endpoint_url,
        signin_url=endpoint_url,
        console_url=console_url,
    )


@pytest.fixture
def stub() -> Iterator[StubAws]:
    """A scripted AWS."""
    stub = StubAws()
    yield stub
    stub.stop()


@pytest.fixture
def waits() -> FakeTiming:
    """A clock that advances only while the broker sleeps between retries."""
    return FakeTiming()


@pytest.fixture
def broker(stub: StubAws, waits: FakeTiming) -> AwsBroker:
    """A broker that knows its identity, on a stub that is ready for the next script."""
    timing = Timing(monotonic=waits.monotonic, sleep=waits.sleep, random=lambda: 0.5)
    return connected(
        aws_config(stub.url), public_url=PUBLIC_URL, connections=4, session=OwnKeys().session(), timing=timing
    )
