"""The validated configuration of a portal process."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from daypass.common.origins import authority
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.secret import Secret

Network = IPv4Network | IPv6Network


class PasswordSignIn(StrEnum):
    """The users who may sign in with a password of the portal."""

    ON = "on"
    BREAK_GLASS = "break-glass"
    """Only the account that the operator made for the time when identity providers are down."""


class LegacyLoopback(StrEnum):
    """The sessions that legacy clients may get through the browser."""

    ON = "on"
    TENANT_ONLY = "tenant-only"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """The AWS endpoints, and the names of the portal's roles."""

    region: str
    partition: str
    role_prefix: str
    master_role: str
    endpoint_url: str | None
    signin_url: str | None
    console_url: str | None
    extra_regions: frozenset[str] = frozenset()
    """Regions that are accepted although their names do not follow the known pattern."""


class LogLevel(StrEnum):
    """The lowest level of log lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """The form of log lines. AUTO is CONSOLE on a terminal, else JSON."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class AccessLog(StrEnum):
    """The requests that are logged. ON leaves out successful probes and scrapes of metrics."""

    ON = "on"
    ALL = "all"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """The places where /metrics is served; it is not served by default."""

    listen: tuple[str, int] | None = None
    """Address and port of the additional listener, which asks for no token."""
    token: Secret | None = None
    """The bearer token for /metrics on the portal's own address."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The level and form of log lines, and the requests that are logged."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO
    access_log: AccessLog = AccessLog.ON


@dataclass(frozen=True, slots=True)
class PortalConfig:
    """The configuration of one portal process."""

    database_url: str = field(repr=False)
    """Not in the `repr`, because it may have a password."""
    stated_public_url: str | None
    host: str
    port: int
    certificate: Path | None
    private_key: Path | None
    is_behind_proxy: bool
    trusted_proxies: tuple[Network, ...]
    threads: int
    pin_to_one_cpu: bool
    require_attribution: bool
    legacy_loopback: LegacyLoopback
    aws: AwsConfig
    stop_timeout: timedelta = timedelta(seconds=25)
    """The longest time between a stop signal and the end of the process."""
    metrics: MetricsConfig = MetricsConfig()
    logs: LogConfig = LogConfig()
    exports_traces: bool = False
    providers: tuple[ProviderConfig, ...] = ()
    """The OpenID Connect providers, in the order in which the sign-in page offers them."""
    password_sign_in: PasswordSignIn = PasswordSignIn.ON
    contact: str = ""
    """Whom users ask for access; empty for the names of Administrators."""
    workload_issuers: tuple[str, ...] = ()
    """The issuers of workloads' ID tokens that rules may name besides the public ones."""

    @property
    def serves_tls(self) -> bool:
        """Whether this process terminates TLS itself."""
        return self.certificate is not None

    @property
    def public_url(self) -> str:
        """The origin under which browsers and clients reach the portal."""
        if self.stated_public_url is not None:
            return self.stated_public_url
        scheme = "https" if self.serves_tls else "http"
        return f"{scheme}://{authority(self.host, self.port)}"
