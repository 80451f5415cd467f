"""Finds out, once and at start, who the portal is in AWS, and makes its broker."""

import re

from botocore.httpsession import get_cert_path
from botocore.session import Session

from daypass.portal.access.broker import AWS_TIME
from daypass.portal.access.issuing import CredentialStatus
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.console import FEDERATION_PATH, Destinations, Federation
from daypass.portal.aws.credentials import OwnCredentials
from daypass.portal.aws.errors import unreadable
from daypass.portal.aws.partitions import PARTITIONS, Partition
from daypass.portal.aws.post import Endpoint
from daypass.portal.aws.proxy import chosen_proxy
from daypass.portal.aws.query import QueryService
from daypass.portal.aws.timing import Timing
from daypass.portal.config import AwsConfig
from daypass.portal.errors import AwsMisconfigured

_IDENTITY = "GetCallerIdentityResponse/GetCallerIdentityResult/"
_ARN = re.compile(r"arn:([a-z-]+):(?:iam|sts)::([0-9]{12}):(.+)")


def connect(
    config: AwsConfig,
    *,
    public_url: str,
    connections: int,
    session: Session | None = None,
    timing: Timing | None = None,
) -> AwsBroker:
    """A broker for the account that the portal's own credentials belong to; asks STS for it.

    Raises an `AwsError` that says what is missing: credentials, a reachable STS, the right partition.
    """
    session = session or Session()
    timing = timing or Timing()
    partition = PARTITIONS.get(config.partition)
    if partition is None:
        raise AwsMisconfigured(
            f"Daypass does not support the AWS partition {config.partition}, only {', '.join(PARTITIONS)}."
        )
    credentials = OwnCredentials(session)
    ca_file = get_cert_path(session.get_config_variable("ca_bundle") or True)

    def endpoint(url: str) -> Endpoint:
        return Endpoint(url, connections=connections, ca_file=ca_file, timing=timing, proxy=chosen_proxy(url))

    sts = endpoint(config.endpoint_url or partition.sts_url(config.region))
    iam = endpoint(config.endpoint_url or partition.iam_url)
    signin = endpoint(
        (config.signin_url or partition.signin_url(config.region)).rstrip("/") + FEDERATION_PATH
    )
    issuing = CredentialStatus()
    security_tokens = QueryService(sts, "sts", config.region, credentials, timing, issuing.observe)
    account_id, is_session = _who_am_i(security_tokens, partition, timing)
    return AwsBroker(
        account_id=account_id,
        partition=partition.name,
        # Keys with a session token are capped like a role's, whoever they belong to.
        is_chained=is_session or credentials.frozen().token is not None,
        sts=security_tokens,
        iam=QueryService(iam, "iam", partition.iam_region, credentials, timing, issuing.observe),
        federation=Federation(signin, public_url, timing),
        destinations=Destinations(partition, config.console_url),
        timing=timing,
        issuing=issuing,
    )


def browser_origins(config: AwsConfig) -> tuple[str, ...]:
    """Where a browser goes to sign in to the console, and from there: sources of a security policy."""
    if config.signin_url is not None or config.console_url is not None:
        return tuple(dict.fromkeys(url for url in (config.signin_url, config.console_url) if url))
    partition = PARTITIONS.get(config.partition)
    hosts = () if partition is None else (partition.signin_host, partition.console_host)
    # Each region has hosts of its own below these.
    return tuple(f"https://{prefix}{host}" for host in hosts for prefix in ("", "*."))


def _who_am_i(sts: QueryService, partition: Partition, timing: Timing) -> tuple[str, bool]:
    """The account, and whether the portal's keys are a session's."""
    asked = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    answer = sts.call(asked, timing.within(AWS_TIME.total_seconds()))
    arn = _ARN.fullmatch(answer.get(_IDENTITY + "Arn", ""))
    if arn is None:
        raise unreadable()
    arn_partition, account_id, resource = arn.groups()
    if arn_partition != partition.name:
        raise AwsMisconfigured(
            f"The portal is set to partition {partition.name}, but its keys are of {arn_partition}."
        )
    return account_id, not (resource == "root" or resource.startswith("user/"))
