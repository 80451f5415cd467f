"""Checks of tenants' queues that accept dead letters from other queues of the account."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from botocore.config import Config
from botocore.session import Session

from daypass.portal.admin.roles.findings import Finding, Level
from daypass.portal.aws import policies
from daypass.portal.aws.credentials import PortalCredentials
from daypass.portal.aws.iam import classified
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.patches import aws_cli
from daypass.portal.aws.policies import Account
from daypass.portal.aws.transport.proxy import boto_proxies
from daypass.portal.errors import AwsError, AwsNotAllowed
from daypass.portal.tenants.model import Tenant

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_ATTRIBUTES: Any = ["QueueArn", "RedrivePolicy", "RedriveAllowPolicy"]
_ANY = "*"
_PATIENT = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})
# AWS's limit for one RedriveAllowPolicy.
_MOST_SOURCES = 10


@dataclass(frozen=True, slots=True)
class Queues:
    """Checks of tenants' queues; they read attributes and no messages."""

    account: Account
    sqs: Callable[[str], "SQSClient"]
    """Returns a client for a region."""

    def examine(self, tenants: Sequence[Tenant]) -> Iterator[Finding]:
        """Report the queues that accept dead letters of any queue, or of a queue of another tenant."""
        for tenant in tenants:
            try:
                yield from self._examine_tenant(tenant)
            except AwsNotAllowed as refusal:
                needs = [need for need in policies.portal_needs(self.account) if need.sid.endswith("Queues")]
                patch = policies.to_json(policies.document(*(need.statement for need in needs)))
                sentence = f"Dead-letter queues were not checked: {refusal.reason}"
                yield Finding("dead_letters", Level.WARNING, "queues", sentence, patch)
                return
            except AwsError as refusal:
                sentence = f"Dead-letter queues were not checked: {refusal.reason}"
                yield Finding("dead_letters", Level.WARNING, tenant.name, sentence)

    def _examine_tenant(self, tenant: Tenant) -> Iterator[Finding]:
        sqs, prefix = self.sqs(tenant.region), f"{self.account.role_prefix}{tenant.name}-"
        needs = "sqs:ListQueues and sqs:GetQueueAttributes"
        with classified(f"read the queues of {tenant.name}", needs, "there is no such queue"):
            queues = [_Queue.read(sqs, url) for url in _urls(sqs, prefix)]
        for queue in queues:
            own = f"{queue.arn.rpartition(':')[0]}:{prefix}"
            foreign = [source for source in queue.accepted if not source.startswith(own)]
            if not foreign:
                continue
            sentence = f"{queue.name} accepts the dead letters of {', '.join(foreign)}."
            if foreign == [_ANY]:
                sentence = f"Any queue of the account may move its dead letters to {queue.name}."
            sources = [other.arn for other in queues if other.target == queue.arn]
            patch = queue.limited_to(sources[:_MOST_SOURCES])
            yield Finding("dead_letters", Level.WARNING, tenant.name, sentence, patch)


@dataclass(frozen=True, slots=True)
class _Queue:
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
        allowed = accepted.get(rule.get("redrivePermission", ""), [_ANY])
        return cls(url, attributes["QueueArn"], redrive.get("deadLetterTargetArn"), allowed)

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.arn.rpartition(":")[2]

    def limited_to(self, sources: Sequence[str]) -> str:
        """Return the command that lets the queue accept the dead letters of these queues only."""
        rule: dict[str, object] = {"redrivePermission": "denyAll"}
        if sources:
            rule = {"redrivePermission": "byQueue", "sourceQueueArns": list(sources)}
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


def aws_queues(account: Account, endpoint_url: str | None, credentials: PortalCredentials) -> Queues:
    """Return the checks for *account* with the portal's own credentials, without calling AWS."""
    session = Session()
    credentials.share_with(session)

    @cache
    def sqs(region: str) -> "SQSClient":
        # Importing boto3 takes a third of a second, and only the doctor reads queues.
        import boto3

        url = endpoint_url or f"https://sqs.{region}.{PARTITIONS[account.partition].dns_suffix}"
        config = _PATIENT.merge(Config(proxies=boto_proxies(url)))
        boto = boto3.Session(botocore_session=session)
        return boto.client("sqs", region_name=region, endpoint_url=endpoint_url, config=config)

    return Queues(account, sqs)
