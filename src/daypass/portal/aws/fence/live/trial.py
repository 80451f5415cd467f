"""The sessions, clients and names with which the checks are made."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from daypass.portal.access.session_names import TENANT_TAG as TENANT_SESSION_TAG
from daypass.portal.accounts.model import Account
from daypass.portal.aws.policies import TENANT_TAG, Statement
from daypass.portal.aws.transport.proxy import boto_proxies

Client: TypeAlias = Any
"""A boto3 client of any service."""

TENANT = "livecheck"
"""The beginning of the tenant's name; the rest is random, so that no other tenant has the name."""

OTHER_TENANT = "another"
"""The value of the tag on resources that stand for another tenant's."""

_CONFIG = Config(connect_timeout=5, read_timeout=60, s3={"addressing_style": "path"})
# Longer than a run with many deviations. AWS allows no more where the operator's own role assumes this one.
_SESSION_SECONDS = 3600
_FIRST_ERROR = 300
"""The lowest HTTP status that is no success."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The place to which requests go."""

    region: str
    url: str | None = None
    """The address of an AWS that is not the real one, or None."""


class NotPossible(Exception):
    """A check's own preparation failed, so the answer would say nothing about the request."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Identity:
    """The AWS clients of one set of credentials."""

    def __init__(
        self,
        session: boto3.Session,
        endpoint: Endpoint,
        keys: Mapping[str, str] | None = None,
        *,
        prepares: bool = False,
    ) -> None:
        """Make no client yet; *prepares* turns AWS's errors into `NotPossible`.

        *keys* are boto3's arguments of other credentials than the session's.
        """
        self._session, self._endpoint, self._keys, self._prepares = session, endpoint, keys, prepares
        self._clients: dict[str, Client] = {}

    @classmethod
    def of_profile(cls, profile: str | None, endpoint: Endpoint) -> "Identity":
        """Return the identity of an AWS profile, or of AWS's usual sources."""
        return cls(boto3.Session(profile_name=profile), endpoint)

    def client(self, service: str) -> Client:
        """Return the client of a service."""
        if service not in self._clients:
            proxies = boto_proxies(self._endpoint.url or "https://amazonaws.com")
            created: Client = self._session.client(
                service,  # type: ignore[call-overload]  # any of AWS's services
                region_name=self._endpoint.region,
                endpoint_url=self._endpoint.url,
                # An address of its own has no host names for single accounts.
                config=_CONFIG.merge(Config(proxies=proxies)),
                **(self._keys or {}),
            )
            if self._prepares:
                created.meta.events.register("after-call", _raise_not_possible)
            self._clients[service] = created
        return self._clients[service]

    def for_preparation(self) -> "Identity":
        """Return the same identity, whose errors are `NotPossible`."""
        return Identity(self._session, self._endpoint, self._keys, prepares=True)

    def with_keys(self, access_key_id: str, secret_access_key: str, session_token: str) -> "Identity":
        """Return the identity of other keys, which shares the loaded service descriptions."""
        keys = {
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret_access_key,
            "aws_session_token": session_token,
        }
        return Identity(self._session, self._endpoint, keys)


def _raise_not_possible(http_response: Any, parsed: Any, **_: object) -> None:  # noqa: ANN401  botocore's
    if http_response.status_code >= _FIRST_ERROR:
        raise NotPossible(str(parsed.get("Error", {}).get("Code", http_response.status_code)))


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a trial's resources, all of which begin with the tenant's prefix."""

    account: Account
    tenant: str

    @classmethod
    def new(cls, account: Account) -> "Names":
        """Return names that no earlier trial has used."""
        return cls(account, f"{TENANT}{secrets.token_hex(3)}")

    @property
    def prefix(self) -> str:
        """The tenant's prefix without its final dash, which is also the name of its role."""
        return f"{self.account.role_prefix}{self.tenant}"

    @property
    def untagged_role(self) -> str:
        """The name of a role that has the fence and not the tenant's tag."""
        return f"{self.prefix}-untagged"

    @property
    def passed_role(self) -> str:
        """The name of the role that the tenant passes to Lambda."""
        return f"{self.prefix}-passed"

    @property
    def own_queue(self) -> str:
        """The name of a queue with the tenant's tag."""
        return f"{self.prefix}-own"

    @property
    def foreign_queue(self) -> str:
        """The name of a queue with another tenant's tag."""
        return f"{self.prefix}-foreign"

    @property
    def similar_queue(self) -> str:
        """The name of a queue of a tenant whose name begins with this one's."""
        return f"{self.prefix}x-queue"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of the account."""
        return f"arn:{self.account.partition}:{service}:{self.account.region}:{self.account.id}:{resource}"


@dataclass(slots=True)
class Trial:
    """The tenant of the checks: its role's sessions, and the operator's credentials."""

    names: Names
    operator: Identity
    endpoint: Endpoint
    external_id: str = field(default_factory=lambda: secrets.token_hex(16))
    _sessions: dict[str, Identity] = field(default_factory=dict)
    _preparing: Identity | None = None

    def as_operator(self, service: str) -> Client:
        """Return a client of the operator for what a check needs; its errors are no answers."""
        if self._preparing is None:
            self._preparing = self.operator.for_preparation()
        return self._preparing.client(service)

    @property
    def tag(self) -> dict[str, str]:
        """The tenant's tag."""
        return {TENANT_TAG: self.names.tenant}

    def tags(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """Return the tenant's tag in the spelling of a service."""
        return [{key: TENANT_TAG, value: self.names.tenant}]

    def tenant(self, service: str) -> Client:
        """Return a client with a full session of the tenant's role."""
        return self.session("full").client(service)

    def untagged(self, service: str) -> Client:
        """Return a client with a session of the role without the tenant's tag."""
        if "untagged" not in self._sessions:
            self._sessions["untagged"] = self._begin(role=self.names.untagged_role)
        return self._sessions["untagged"].client(service)

    def session(self, name: str, policies: Sequence[str] = (), *statements: Statement) -> Identity:
        """Return the session of that name; the first call begins it, with these session policies."""
        if name not in self._sessions:
            self._sessions[name] = self._begin(policies, *statements, issuance=name)
        return self._sessions[name]

    def assume(
        self,
        policies: Sequence[str] = (),
        *statements: Statement,
        role: str = "",
        issuance: str = "full",
        tags: Mapping[str, str] | None = None,
        **more: object,
    ) -> Mapping[str, Any]:
        """Assume a role as the portal does and return STS's answer; *more* replaces single parameters."""
        given = {TENANT_SESSION_TAG: self.names.tenant, "daypass:issuance": issuance} | dict(tags or {})
        asked: dict[str, object] = {
            "RoleArn": self.names.account.role_arn(role or self.names.prefix),
            "RoleSessionName": "live-check",
            "SourceIdentity": "live-check",
            "ExternalId": self.external_id,
            "DurationSeconds": _SESSION_SECONDS,
            "Tags": [{"Key": key, "Value": value} for key, value in given.items()],
        }
        if policies:
            asked["PolicyArns"] = [{"arn": self.names.account.policy_arn(name)} for name in policies]
        if statements:
            asked["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": statements})
        asked = {key: value for key, value in (asked | more).items() if value is not None}
        answer: Mapping[str, Any] = self.operator.client("sts").assume_role(**asked)
        return answer

    def queue_url(self, name: str) -> str:
        """Return the URL of a queue."""
        url: str = self.as_operator("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        return url

    def _begin(
        self, policies: Sequence[str] = (), *statements: Statement, role: str = "", issuance: str = "full"
    ) -> Identity:
        try:
            given = self.assume(policies, *statements, role=role, issuance=issuance)["Credentials"]
        except ClientError as error:
            raise NotPossible(str(error.response.get("Error", {}).get("Code", ""))) from error
        return self.operator.with_keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
