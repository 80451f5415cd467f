"""Fixtures for brokers on a scripted AWS and on the sandbox, and the portal's own user in the sandbox."""

import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from botocore.session import Session

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import AssumeRoleParameters
from daypass.portal.accounts.model import BOUNDARY, Account
from daypass.portal.aws import policies
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.factory import make_broker
from daypass.portal.aws.fence.shared import shared_policies
from daypass.portal.aws.iam import AwsRoles, aws_roles
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.config.model import AwsConfig
from daypass.portal.permission_sets.model import FULL
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.sandbox.process import SandboxProcess
from tests.fakes import account_of
from tests.fixtures.sandbox import Keys, client
from tests.portal.aws.stub import FakeTiming, StubAws

PUBLIC_URL = "https://portal.example.com"

Connect = Callable[..., AwsBroker]

PREFIX, MASTER = "made-", "made-master"


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


@dataclass(frozen=True, slots=True)
class Portal:
    """The portal's own user with the permissions of `portal_policy` alone."""

    keys: OwnKeys
    user_arn: str
    account: Account

    def roles(
        self, sandbox: SandboxProcess, verified: Set[str] = frozenset(), keys: OwnKeys | None = None
    ) -> AwsRoles:
        config = aws_config(sandbox.endpoint_url, region=sandbox.region)
        config = replace(config, role_prefix=PREFIX, master_role=MASTER)
        account = account_of(config, sandbox.account_id)
        session = (keys or self.keys).session()
        return aws_roles(config, account, session, verified_policies=lambda: verified)

    def tenant(self, name: str) -> Tenant:
        return Tenant.with_role(
            TenantId(name), name, "us-west-2", self.account.role_arn(PREFIX + name), f"{name}-external"
        )


@pytest.fixture(scope="session")
def portal(sandbox_process: SandboxProcess) -> Portal:
    """Return the portal's own user; the account has all managed policies of this version."""
    account = Account.known("aws", sandbox_process.account_id, PREFIX, MASTER)
    iam = client(sandbox_process, "iam")
    user_arn = iam.create_user(UserName="roles-portal")["User"]["Arn"]
    policy = policies.to_json(policies.portal_policy(account))
    iam.put_user_policy(UserName="roles-portal", PolicyName="daypass", PolicyDocument=policy)
    managed = {BOUNDARY: policies.boundary(account), **shared_policies(account)}
    for name, document in managed.items():
        iam.create_policy(PolicyName=name, PolicyDocument=policies.to_json(document))
    key = iam.create_access_key(UserName="roles-portal")["AccessKey"]
    return Portal(OwnKeys(key["AccessKeyId"], key["SecretAccessKey"]), user_arn, account)


def keys_of(
    sandbox: SandboxProcess, portal: Portal, tenant: Tenant, source_identity: str = "dana-id"
) -> Keys:
    config = aws_config(sandbox.endpoint_url, region=sandbox.region)
    broker = connected(config, session=portal.keys.session())
    session = AssumeRoleParameters(
        role_arn=tenant.target.role_arn,
        region=tenant.target.region,
        session_name="dana@example.com",
        duration=timedelta(hours=1),
        external_id=tenant.target.external_id,
        source_identity=source_identity,
        tags={"daypass:issuance": "feed", "daypass:tenant": tenant.name},
        permission_set=FULL,
    )
    deadline = Deadline(time.monotonic() + 60)
    given = broker.assume(session, attributed=bool(source_identity), deadline=deadline)
    return Keys(given.access_key_id, given.secret_access_key.reveal(), given.session_token.reveal())
