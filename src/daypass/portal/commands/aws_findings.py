"""The findings of `daypass portal doctor` on AWS, and those that are possible without AWS."""

import shlex
import ssl
from collections.abc import Iterator
from contextlib import closing

from daypass.common.proxies import ProxyError
from daypass.portal.accounts.registry import Accounts
from daypass.portal.accounts.store import find_verified
from daypass.portal.aws.factory import make_account, make_broker
from daypass.portal.aws.iam import aws_roles
from daypass.portal.aws.patches import aws_cli
from daypass.portal.aws.queues import aws_queues
from daypass.portal.aws.transport.proxy import service_urls, used_proxies
from daypass.portal.clock import utc_now
from daypass.portal.commands.doctor import NO_AWS
from daypass.portal.config.model import AwsConfig, PortalConfig
from daypass.portal.diagnostics.doctor import Doctor, every_tenant, region_findings
from daypass.portal.diagnostics.finding import Finding, Level, run_check
from daypass.portal.diagnostics.queues import DeadLetters
from daypass.portal.errors import AwsError, AwsUnavailable
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.storage.engine import Database


def aws_findings(config: PortalConfig, database: Database) -> Iterator[Finding]:
    """Yield the findings on proxies, then the doctor's; without AWS, those on regions and the connection."""
    try:
        for proxy in used_proxies(config.aws):
            yield Finding("proxy", Level.FINE, "portal", f"AWS is called through {proxy}.")
        broker = make_broker(config.aws, public_url=config.public_url, connections=1)
        # A credential process that hangs must not outlive this command.
        with closing(broker.credentials):
            account = make_account(config.aws, broker)
            roles = aws_roles(
                config.aws,
                account,
                credentials=broker.credentials,
                verified_policies=lambda: find_verified(database, account),
                services_of=lambda tenant_id: SettingsReader(database).of_tenant(tenant_id, TENANT_SERVICES),
            )
            broker.identity.discover()
            queues = aws_queues(account, config.aws.endpoint_url, broker.credentials)
            doctor = Doctor(
                database=database,
                accounts=Accounts(account),
                broker=broker,
                roles=roles,
                clock=utc_now,
                dead_letters=DeadLetters(queues),
                extra_regions=config.aws.extra_regions,
            )
            yield from doctor.examine()
    except AwsError as error:
        yield from run_check("tenants", "database", lambda: _regions(config.aws, database))
        yield _no_aws(config.aws, error)


def _regions(config: AwsConfig, database: Database) -> Iterator[Finding]:
    for tenant in every_tenant(database):
        yield from region_findings(tenant, config.partition, config.extra_regions)


def _no_aws(config: AwsConfig, error: AwsError) -> Finding:
    url, cause = service_urls(config)["sts"], _cause_of(error)
    if isinstance(error, AwsUnavailable):
        sentence = error.reason if cause is None else f"AWS could not be reached: {cause}."
        patch = f"curl --verbose {shlex.quote(url)}"
    else:
        sentence = error.reason
        patch = aws_cli("sts", "get-caller-identity", "--region", config.region, "--endpoint-url", url)
    sentence = f"{sentence} The endpoint is {url}. Roles, policies and queues were not checked."
    return Finding(NO_AWS, Level.ERROR, "AWS", sentence, patch)


def _cause_of(error: BaseException) -> str | None:
    """Return what the operating system or TLS reported, or None.

    Messages of other errors are left out, since they may repeat the password of a proxy.
    """
    cause = None
    following: BaseException | None = error
    while following is not None:
        if isinstance(following, ProxyError):
            # The error's reason describes it and names the proxy.
            return None
        if isinstance(following, ssl.SSLCertVerificationError):
            cause = following.verify_message
        elif isinstance(following, TimeoutError):
            cause = "timeout"
        elif isinstance(following, OSError):
            cause = following.strerror or cause
        following = following.__cause__
    return cause
