"""Finds out, once and at start, who the portal is in AWS, and makes its broker."""

import re

from botocore.httpsession import get_cert_path
from botocore.session import Session

from daypass.portal.access.broker import AWS_TIME
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.console import Destinations, Federation
from daypass.portal.aws.credentials import OwnCredentials
from daypass.portal.aws.errors import unreadable
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.post import Endpoint
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
            f"There is no AWS partition “{config.partition}”; there are {', '.join(PARTITIONS)}."
        )

    ca_file = get_cert_path(session.get_config_variable("ca_bundle") or True)
    credentials = OwnCredentials(session)

    def endpoint(url: str) -> Endpoint:
        return Endpoint(url, connections=connections, ca_file=ca_file, timing=timing)

    sts = QueryService(
        endpoint(config.endpoint_url or partition.sts_url(config.region)),
        "sts",
        config.region,
        credentials,
        timing,
    )
    iam = QueryService(
        endpoint(config.endpoint_url or partition.iam_url), "iam", partition.iam_region, credentials, timing
    )
    account_id, arn_partition, is_session = _who_am_i(sts, timing)
    if arn_partition != partition.name:
        raise AwsMisconfigured(
            f"The portal is set to partition {partition.name}, but its keys are of {arn_partition}."
        )
    return AwsBroker(
        account_id=account_id,
        partition=partition.name,
        # Keys with a session token are capped like a role's, whoever they belong to.
        is_chained=is_session or credentials.frozen().token is not None,
        sts=sts,
        iam=iam,
        federation=Federation(
            endpoint(config.signin_url or partition.signin_url(config.region)), public_url, timing
        ),
        destinations=Destinations(partition, config.console_url),
        timing=timing,
    )


def _who_am_i(sts: QueryService, timing: Timing) -> tuple[str, str, bool]:
    asked = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    answer = sts.call(asked, timing.within(AWS_TIME.total_seconds()))
    arn = _ARN.fullmatch(answer.get(_IDENTITY + "Arn", ""))
    if arn is None:
        raise unreadable()
    partition, account_id, resource = arn.groups()
    return account_id, partition, not resource.startswith(("user/", "root"))
