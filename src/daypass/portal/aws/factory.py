"""Construction of the broker for the portal's own AWS account."""

import re

from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path
from botocore.session import Session

from daypass.portal.access.broker import AWS_TIME_LIMIT
from daypass.portal.access.issuing_status import CredentialStatus, IssuingStatus
from daypass.portal.accounts.model import DEFAULT, Account
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.console import FEDERATION_PATH, Destinations, Federation
from daypass.portal.aws.credentials import PortalCredentials, no_credentials
from daypass.portal.aws.errors import invalid_response
from daypass.portal.aws.identity import PortalIdentity, Principal
from daypass.portal.aws.partitions import PARTITIONS, Partition
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.aws.transport.connection_pool import Endpoint
from daypass.portal.aws.transport.proxy import chosen_proxy
from daypass.portal.aws.transport.query import QueryService
from daypass.portal.config.model import AwsConfig
from daypass.portal.errors import AwsMisconfigured

_IDENTITY = "GetCallerIdentityResponse/GetCallerIdentityResult/"
_ARN = re.compile(r"arn:([a-z-]+):(?:iam|sts)::([0-9]{12}):(.+)")


def make_broker(
    config: AwsConfig,
    *,
    public_url: str,
    connections: int,
    session: Session | None = None,
    timing: Timing | None = None,
) -> AwsBroker:
    """Return a broker for the account of the portal's own credentials, without calling AWS.

    The caller must start `identity.discover` before the first session. Raises `AwsMisconfigured` for a
    setting that cannot work: an unknown partition or profile, or an invalid proxy.
    """
    timing = timing or Timing()
    partition, ca_file = _partition(config), _ca_file(session or Session())
    credentials = PortalCredentials(session, timing)

    def endpoint(url: str) -> Endpoint:
        return Endpoint(url, connections=connections, ca_file=ca_file, timing=timing, proxy=chosen_proxy(url))

    sts = endpoint(config.endpoint_url or partition.sts_url(config.region))
    iam = endpoint(config.endpoint_url or partition.iam_url)
    signin = endpoint(
        (config.signin_url or partition.signin_url(config.region)).rstrip("/") + FEDERATION_PATH
    )
    observed = CredentialStatus()
    security_tokens = QueryService(sts, "sts", config.region, credentials, timing, observed.observe)
    identity = PortalIdentity(lambda: _caller_identity(security_tokens, partition, timing), timing)

    def issuing() -> IssuingStatus:
        return observed() if identity.failure is None else IssuingStatus(identity.failure.code)

    return AwsBroker(
        identity=identity,
        partition=partition.name,
        credentials=credentials,
        sts=security_tokens,
        iam=QueryService(iam, "iam", partition.iam_region, credentials, timing, observed.observe),
        federation=Federation(signin, public_url, timing),
        destinations=Destinations(partition, config.console_url),
        timing=timing,
        issuing=issuing,
        role_prefix=config.role_prefix,
    )


def make_account(config: AwsConfig, broker: AwsBroker) -> Account:
    """Return the account of the portal's own credentials; its id is unknown until *broker* has learned it."""
    return Account(
        name=DEFAULT,
        partition=config.partition,
        region=config.region,
        role_prefix=config.role_prefix,
        master_role=config.master_role,
        find_id=broker.identity.account_id,
    )


def _partition(config: AwsConfig) -> Partition:
    partition = PARTITIONS.get(config.partition)
    if partition is None:
        raise AwsMisconfigured(
            f"There is no AWS partition {config.partition}; there are {', '.join(PARTITIONS)}."
        )
    return partition


def _ca_file(session: Session) -> str | None:
    try:
        # `True` stands for the certificates that botocore itself uses.
        return get_cert_path(session.get_config_variable("ca_bundle") or True)
    except BotoCoreError as error:
        # botocore found no such profile.
        raise no_credentials() from error


def browser_origins(config: AwsConfig) -> tuple[str, ...]:
    """Return the origins of the console and its sign-in, for a Content Security Policy."""
    if config.signin_url is not None or config.console_url is not None:
        return tuple(dict.fromkeys(url for url in (config.signin_url, config.console_url) if url))
    partition = PARTITIONS.get(config.partition)
    hosts = () if partition is None else (partition.signin_host, partition.console_host)
    # Each region has its own subdomains of these hosts.
    return tuple(f"https://{prefix}{host}" for host in hosts for prefix in ("", "*."))


def _caller_identity(sts: QueryService, partition: Partition, timing: Timing) -> Principal:
    """Return the portal's own identity; raises an `AwsError`."""
    request = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    answer = sts.call(request, timing.within(AWS_TIME_LIMIT.total_seconds()))
    arn = _ARN.fullmatch(answer.get(_IDENTITY + "Arn", ""))
    if arn is None:
        raise invalid_response()
    arn_partition, account_id, resource = arn.groups()
    if arn_partition != partition.name:
        raise AwsMisconfigured(
            f"The portal is set to partition {partition.name}, but its keys are of {arn_partition}."
        )
    # The others are `assumed-role/…` and `federated-user/…`.
    is_session = not (resource == "root" or resource.startswith("user/"))
    return Principal(account_id, is_session, arn[0])
