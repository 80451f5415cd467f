"""The sandbox AWS for every test: one process for each worker, started at first use."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from daypass.sandbox.process import SandboxProcess

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import CredentialsTypeDef

# A refusal is what most tests wait for: trying again would only make them slow. And what is malformed
# is AWS's to refuse, so botocore must let it pass.
ONE_TRY = Config(
    retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60, parameter_validation=False
)
# One for all clients: it reads the service descriptions from disk once.
_SESSION = boto3.Session()


@dataclass(frozen=True, slots=True)
class Keys:
    """Access keys, temporary ones with their token."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, credentials: "CredentialsTypeDef") -> "Keys":
        """The keys in an answer of STS."""
        return cls(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


def root_keys(sandbox: SandboxProcess) -> Keys:
    """The root's, who may do everything but assume a role."""
    return Keys(sandbox.root_key, sandbox.root_secret)


def client(sandbox: SandboxProcess, service: Any, keys: Keys | None = None) -> Any:  # noqa: ANN401  boto3's type
    """A boto3 client of the sandbox with *keys*, or the root's. It tries each call once."""
    keys = keys or root_keys(sandbox)
    return _SESSION.client(
        service,
        region_name=sandbox.region,
        endpoint_url=sandbox.endpoint_url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=ONE_TRY,
    )


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    """The process itself, for fixtures that fill it once."""
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> Iterator[SandboxProcess]:
    """The sandbox without faults and at the machine's time, whatever a test did to it before."""
    yield sandbox_process
    sandbox_process.control.reset()
