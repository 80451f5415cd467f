"""The attributes of tenants' SQS queues, for the check of their dead letters."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from botocore.config import Config
from botocore.session import Session

from daypass.portal.accounts.model import Account
from daypass.portal.aws import policies
from daypass.portal.aws.credentials import PortalCredentials
from daypass.portal.aws.iam import MANAGEMENT_CONFIG
from daypass.portal.aws.iam_errors import classified
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.patches import aws_cli
from daypass.portal.aws.transport.proxy import boto_proxies
from daypass.portal.tenants.model import Tenant

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_ATTRIBUTES: Any = ["QueueArn", "RedrivePolicy", "RedriveAllowPolicy"]
ANY_QUEUE = "*"
"""Stands for every queue of the account among the queues whose dead letters one accepts."""
# AWS's limit for one RedriveAllowPolicy.
_MAX_SOURCES = 10


@dataclass(frozen=True, slots=True)
class AwsQueues:
    """Tenants' queues, of which the portal reads attributes and no messages."""

    account: Account
    sqs: Callable[[str], "SQSClient"]
    """Returns a client for a region."""

    def prefix(self, tenant: Tenant) -> str:
        """Return what the names of the tenant's queues begin with."""
        return f"{self.account.role_prefix}{tenant.name}-"

    def read(self, tenant: Tenant) -> Sequence["Queue"]:
        """Return the tenant's queues; raises an `AwsError`."""
        sqs, needs = self.sqs(tenant.target.region), "sqs:ListQueues and sqs:GetQueueAttributes"
        with classified(f"read the queues of {tenant.name}", needs, "there is no such queue", service="sqs"):
            return [Queue.read(sqs, url) for url in _urls(sqs, self.prefix(tenant))]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, its dead-letter queue, and the queues whose dead letters it accepts."""

    url: str
    arn: str
    target: str | None
    accepted: Sequence[str]

    @classmethod
    def read(cls, sqs: "SQSClient", url: str) -> Self:
        """Return the queue of that URL; raises botocore's errors."""
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_ATTRIBUTES)["Attributes"]
        redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
        rule = json.loads(attributes.get("RedriveAllowPolicy") or "{}")
        accepted = {"denyAll": [], "byQueue": rule.get("sourceQueueArns", [])}
        # Without a rule AWS accepts the dead letters of any queue.
        allowed = accepted.get(rule.get("redrivePermission", ""), [ANY_QUEUE])
        return cls(url, attributes["QueueArn"], redrive.get("deadLetterTargetArn"), allowed)

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.arn.rpartition(":")[2]

    def limited_to(self, sources: Sequence[str]) -> str:
        """Return the command that lets the queue accept the dead letters of the first ten of these only."""
        rule: dict[str, object] = {"redrivePermission": "denyAll"}
        if sources:
            rule = {"redrivePermission": "byQueue", "sourceQueueArns": list(sources[:_MAX_SOURCES])}
        return aws_cli(
            *("sqs", "set-queue-attributes", "--region", self.arn.split(":")[3], "--queue-url", self.url),
            *("--attributes", policies.to_json({"RedriveAllowPolicy": policies.to_json(rule)})),
        )


def _urls(sqs: "SQSClient", prefix: str) -> Sequence[str]:
    # Without a page size SQS returns the first 1,000 queues and no token for the others.
    pages = sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix=prefix, PaginationConfig={"PageSize": 1000}
    )
    return [url for page in pages for url in page.get("QueueUrls", [])]


def aws_queues(account: Account, endpoint_url: str | None, credentials: PortalCredentials) -> AwsQueues:
    """Return the queues of *account*, read with the portal's own credentials, without calling AWS."""
    session = Session()
    credentials.share_with(session)

    @cache
    def sqs(region: str) -> "SQSClient":
        # Importing boto3 takes a third of a second, and only the doctor reads queues.
        import boto3

        url = endpoint_url or f"https://sqs.{region}.{PARTITIONS[account.partition].dns_suffix}"
        config = MANAGEMENT_CONFIG.merge(Config(proxies=boto_proxies(url)))
        boto = boto3.Session(botocore_session=session)
        return boto.client("sqs", region_name=region, endpoint_url=endpoint_url, config=config)

    return AwsQueues(account, sqs)
