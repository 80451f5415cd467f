"""A broker on a stub AWS, and one on the sandbox."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from botocore.session import Session

from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.factory import make_broker
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.config import AwsConfig
from tests.portal.aws.stub import FakeTiming, StubAws

PUBLIC_URL = "https://portal.example.com"

Connect = Callable[..., AwsBroker]


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """What the portal is started with."""

    access_key_id: str = "AKIAEXAMPLEEXAMPLE12"
    secret_access_key: str = "OWN-SECRET-CANARY"
    session_token: str | None = None

    def session(self) -> Session:
        """A botocore session that finds these keys and nothing of this machine."""
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
    """A broker that has learned its account; raises the `AwsError` that says what is missing."""
    broker = make_broker(
        config, public_url=public_url, connections=connections, session=session, timing=timing
    )
    broker.identity.learn()
    return broker


def aws_config(
    endpoint_url: str | None,
    region: str = "us-west-2",
    partition: str = "aws",
    console_url: str | None = None,
) -> AwsConfig:
    """A configuration whose endpoints are all at *endpoint_url*."""
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
    """Time that passes only while the broker waits between tries."""
    return FakeTiming()


@pytest.fixture
def broker(stub: StubAws, waits: FakeTiming) -> AwsBroker:
    """A broker that has found out who it is, on a stub that is ready for the next script."""
    timing = Timing(monotonic=waits.monotonic, sleep=waits.sleep, chance=lambda: 0.5)
    return connected(
        aws_config(stub.url), public_url=PUBLIC_URL, connections=4, session=OwnKeys().session(), timing=timing
    )
