"""Reading of the configuration from the environment, once at the start."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address, ip_network
from os import getuid
from pathlib import Path
from pwd import getpwuid
from typing import TypeVar
from urllib.parse import urlsplit

from daypass.common.console.partitions import CONSOLE_PARTITIONS, partition_of
from daypass.common.console.regions import extra_regions, region_error
from daypass.portal.config.model import (
    AccessLog,
    AwsConfig,
    LegacyLoopback,
    LogConfig,
    LogFormat,
    LogLevel,
    MetricsConfig,
    Network,
    PortalConfig,
)
from daypass.portal.config.variables import (
    ACCESS_LOG,
    AWS_CONSOLE_URL,
    AWS_ENDPOINT_URL,
    AWS_REGION,
    AWS_SIGNIN_URL,
    BEHIND_PROXY,
    DATABASE_URL,
    LEGACY_LOOPBACK,
    LISTEN,
    LOG_FORMAT,
    LOG_LEVEL,
    MASTER_ROLE,
    METRICS_LISTEN,
    METRICS_TOKEN,
    ONE_CORE,
    PUBLIC_URL,
    REQUIRE_ATTRIBUTION,
    ROLE_PREFIX,
    STOP_TIMEOUT,
    THREADS,
    TLS_CERTIFICATE,
    TLS_KEY,
    TRACES,
    TRUSTED_PROXIES,
    ConfigError,
    Variable,
)
from daypass.portal.secret import Secret

Choice = TypeVar("Choice", LegacyLoopback, LogLevel, LogFormat, AccessLog)

_SHORTEST_TOKEN = 16

DATABASE_FILE = "daypass.db"


def read_config(environ: Mapping[str, str]) -> PortalConfig:
    """Read every variable; raises `ConfigError` at the first that is missing or invalid."""
    host, port = _address(LISTEN, environ)
    certificate, private_key = _file(TLS_CERTIFICATE, environ), _file(TLS_KEY, environ)
    if (certificate is None) != (private_key is None):
        missing = TLS_KEY if private_key is None else TLS_CERTIFICATE
        raise ConfigError(f"{missing.name} is not set. Certificate and key belong together.")
    config = PortalConfig(
        database_url=database_url(environ),
        stated_public_url=_origin(PUBLIC_URL, environ),
        host=host,
        port=port,
        certificate=certificate,
        private_key=private_key,
        is_behind_proxy=_flag(BEHIND_PROXY, environ),
        trusted_proxies=_networks(environ),
        threads=_number(THREADS, environ, 1, 512),
        pin_to_one_cpu=_flag(ONE_CORE, environ),
        require_attribution=_flag(REQUIRE_ATTRIBUTION, environ),
        legacy_loopback=_choice(LegacyLoopback, LEGACY_LOOPBACK, environ),
        aws=_aws(environ),
        stop_timeout=timedelta(seconds=_number(STOP_TIMEOUT, environ, 2, 300)),
        metrics=_metrics(environ),
        logs=LogConfig(
            _choice(LogLevel, LOG_LEVEL, environ),
            _choice(LogFormat, LOG_FORMAT, environ),
            _choice(AccessLog, ACCESS_LOG, environ),
        ),
        exports_traces=_flag(TRACES, environ),
    )
    _require_tls_off_loopback(config)
    return config


def _require_tls_off_loopback(config: PortalConfig) -> None:
    if not (ip_address(config.host).is_loopback or config.serves_tls or config.is_behind_proxy):
        raise ConfigError(
            f"{LISTEN.name} would expose the portal to the network without TLS, with tokens unencrypted. "
            f"Set {TLS_CERTIFICATE.name} and {TLS_KEY.name}, or {BEHIND_PROXY.name}=true if a proxy "
            "terminates TLS."
        )
    if ip_address(config.host).is_unspecified and config.stated_public_url is None:
        raise ConfigError(f"{PUBLIC_URL.name} is not set. It takes {PUBLIC_URL.takes}.")


def _aws(environ: Mapping[str, str]) -> AwsConfig:
    region = read_region(environ)
    partition = partition_of(region)
    if partition not in CONSOLE_PARTITIONS:
        known = ", ".join(CONSOLE_PARTITIONS)
        raise ConfigError(
            f"{AWS_REGION.name}={region} is in the partition {partition}. Daypass works in {known}."
        )
    # With another AWS endpoint, its keys must not be sent to the sign-in endpoint of the real AWS.
    endpoint_url = _origin(AWS_ENDPOINT_URL, environ)
    return AwsConfig(
        region=region,
        partition=partition,
        role_prefix=read_role_name(ROLE_PREFIX, environ),
        master_role=read_role_name(MASTER_ROLE, environ),
        endpoint_url=endpoint_url,
        signin_url=_origin(AWS_SIGNIN_URL, environ) or endpoint_url,
        console_url=_origin(AWS_CONSOLE_URL, environ) or endpoint_url,
        extra_regions=extra_regions(environ),
    )


def read_region(environ: Mapping[str, str]) -> str:
    """Return the portal's region; raise `ConfigError` if it is missing or AWS cannot have it."""
    region = AWS_REGION.read(environ)
    if error := region_error(region, extra_regions(environ)):
        raise ConfigError(f"{AWS_REGION.name}: {error}")
    return region


def read_role_name(variable: Variable, environ: Mapping[str, str]) -> str:
    """Return a role name or prefix; raises `ConfigError` if IAM would not accept it."""
    text = variable.read(environ)
    if len(text) > 64 or not text.isascii() or not all(sign.isalnum() or sign in "_+=,.@-" for sign in text):
        raise variable.refuse()
    return text


def _address(variable: Variable, environ: Mapping[str, str]) -> tuple[str, int]:
    host, _, port = variable.read(environ).rpartition(":")
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError as error:
        raise variable.refuse() from error
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise variable.refuse()
    return str(address), int(port)


def _file(variable: Variable, environ: Mapping[str, str]) -> Path | None:
    text = variable.read(environ)
    if not text:
        return None
    path = Path(text)
    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigError(
            f"{variable.name} takes {variable.takes}, but {path} cannot be read ({error.strerror})."
        ) from error
    return path


def _flag(variable: Variable, environ: Mapping[str, str]) -> bool:
    value = {"true": True, "1": True, "false": False, "0": False}.get(variable.read(environ).lower())
    if value is None:
        raise variable.refuse()
    return value


def _choice(choices: type[Choice], variable: Variable, environ: Mapping[str, str]) -> Choice:
    try:
        return choices(variable.read(environ).lower())
    except ValueError as error:
        raise variable.refuse() from error


def database_url(environ: Mapping[str, str]) -> str:
    """Return the URL of the database: the configured one, else the file that the portal uses by default."""
    if configured := DATABASE_URL.read(environ):
        return configured
    # The default of earlier versions. Without it, the database would seem empty after an upgrade.
    if Path(DATABASE_FILE).exists():
        return f"sqlite:///{DATABASE_FILE}"
    return f"sqlite:///{state_directory(environ) / DATABASE_FILE}"


def state_directory(environ: Mapping[str, str]) -> Path:
    """Return the default state directory: systemd's StateDirectory=, else that of the XDG specification."""
    # systemd separates several directories by colons.
    if directory := environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(directory)
    base = environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return Path(base) / "daypass"
    try:
        home = Path(environ.get("HOME") or getpwuid(getuid()).pw_dir)
    except KeyError as error:
        raise ConfigError(
            f"{DATABASE_URL.name} is not set, and there is no home directory for its default."
        ) from error
    return home / ".local" / "state" / "daypass"


def _number(variable: Variable, environ: Mapping[str, str], least: int, most: int) -> int:
    text = variable.read(environ)
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and least <= int(text) <= most):
        raise variable.refuse()
    return int(text)


def _metrics(environ: Mapping[str, str]) -> MetricsConfig:
    token = METRICS_TOKEN.read(environ)
    if token and len(token) < _SHORTEST_TOKEN:
        raise METRICS_TOKEN.refuse()
    return MetricsConfig(
        listen=_address(METRICS_LISTEN, environ) if METRICS_LISTEN.read(environ) else None,
        token=Secret(token) if token else None,
    )


def _networks(environ: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(text.strip()) for text in TRUSTED_PROXIES.read(environ).split(","))
    except ValueError as error:
        raise TRUSTED_PROXIES.refuse() from error


def _origin(variable: Variable, environ: Mapping[str, str]) -> str | None:
    text = variable.read(environ).removesuffix("/")
    if not text:
        return None
    try:
        parts = urlsplit(text)
        is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise variable.refuse() from error
    # Compared with its parts, so that a path, a query or a fragment is refused rather than dropped.
    if not is_origin or "@" in parts.netloc or text != f"{parts.scheme}://{parts.netloc}":
        raise variable.refuse()
    return text
