"""boto3 clients of the demo's AWS, independent of this machine's AWS configuration."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import boto3
from botocore.config import Config

from daypass.demo.seed.fixtures import REGION
from daypass.portal.secret import Secret
from daypass.sandbox.botocore_session import isolated_session

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_iam import IAMClient
    from types_boto3_kinesis import KinesisClient
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_sts import STSClient

CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 2},
    # The demo's AWS has one address, so a bucket cannot be part of the host's name.
    s3={"addressing_style": "path"},
    # The demo's AWS is on this machine, so a proxy from the environment must not be used.
    proxies={},
)


@dataclass(frozen=True, slots=True)
class Keys:
    """A set of AWS keys; long-term ones have no session token."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None


class _ClientArguments(TypedDict):
    endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str | None
    config: Config


class Aws:
    """The clients of the demo's AWS for one set of keys."""

    def __init__(self, endpoint_url: str, keys: Keys, session: boto3.Session | None = None) -> None:
        self._endpoint_url = endpoint_url
        self._keys = keys
        self._session = session or _session()

    def with_keys(self, keys: Keys) -> "Aws":
        """Return clients with other keys that share the loaded service descriptions."""
        return Aws(self._endpoint_url, keys, self._session)

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", **self._arguments)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self._session.client("dynamodb", **self._arguments)

    @cached_property
    def sqs(self) -> "SQSClient":
        return self._session.client("sqs", **self._arguments)

    @cached_property
    def sns(self) -> "SNSClient":
        return self._session.client("sns", **self._arguments)

    @cached_property
    def kinesis(self) -> "KinesisClient":
        return self._session.client("kinesis", **self._arguments)

    @cached_property
    def apigateway(self) -> "APIGatewayClient":
        return self._session.client("apigateway", **self._arguments)

    @cached_property
    def functions(self) -> Any:  # noqa: ANN401  its types are not installed
        return self._session.client("lambda", **self._arguments)

    @cached_property
    def logs(self) -> Any:  # noqa: ANN401  its types are not installed
        return self._session.client("logs", **self._arguments)

    @cached_property
    def sts(self) -> "STSClient":
        return self._session.client("sts", **self._arguments)

    @cached_property
    def iam(self) -> "IAMClient":
        return self._session.client("iam", **self._arguments)

    @property
    def _arguments(self) -> _ClientArguments:
        token = self._keys.session_token
        return {
            "endpoint_url": self._endpoint_url,
            "aws_access_key_id": self._keys.access_key_id,
            "aws_secret_access_key": self._keys.secret_access_key.reveal(),
            "aws_session_token": token.reveal() if token else None,
            "config": CONFIG,
        }


def _session() -> boto3.Session:
    return boto3.Session(botocore_session=isolated_session(), region_name=REGION)
