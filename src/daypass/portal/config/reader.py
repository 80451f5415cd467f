"""Validation of all variables together, and the configuration that they make."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from os import getuid
from pathlib import Path
from pwd import getpwuid

from daypass.common.console.partitions import CONSOLE_PARTITIONS, partition_of
from daypass.common.console.regions import region_error
from daypass.portal.config import variables as v
from daypass.portal.config.model import AwsConfig, LogConfig, MetricsConfig, PortalConfig
from daypass.portal.config.provider_reader import provider_rules, read_providers
from daypass.portal.config.values import Values
from daypass.portal.config.variables import (
    AWS_REGION,
    BEHIND_PROXY,
    DATABASE_URL,
    LISTEN,
    PUBLIC_URL,
    TLS_CERTIFICATE,
    TLS_KEY,
    ConfigError,
    config_error,
)

DATABASE_FILE = "daypass.db"


def read_config(environ: Mapping[str, str], default_file: Path | None = None) -> PortalConfig:
    """Read the environment and the files that it names; the result depends on nothing else.

    *default_file* is the configuration file that is read if it exists and DAYPASS_CONFIG is not set.
    Raises `ConfigError` with all errors, each on its own line if there are several.
    """
    values = Values(environ, default_file)
    if problems := find_problems(values):
        raise config_error(problems)
    return build_config(values)


def find_problems(values: Values) -> Sequence[str]:
    """Return a sentence for each error in the configuration, those in the configuration file first."""
    found = dict.fromkeys(values.problems)
    checks: list[Callable[[], object]] = [partial(_check, values, variable) for variable in values.variables]
    # Without the file, other errors may be a consequence of values that are missing.
    if values.is_complete:
        checks += (partial(rule, values) for rule in (*_RULES, *provider_rules(values)))
    for check in checks:
        try:
            check()
        except ConfigError as error:
            found[str(error)] = None
    return tuple(found)


def _check(values: Values, variable: v.Variable[object]) -> None:
    if values.find(variable).text:
        values.get(variable)


def build_config(values: Values) -> PortalConfig:
    """Make the configuration of values without errors."""
    host, port = values.get(LISTEN)
    return PortalConfig(
        database_url=database_url(values),
        stated_public_url=values.get_optional(PUBLIC_URL),
        host=host,
        port=port,
        certificate=values.get_optional(TLS_CERTIFICATE),
        private_key=values.get_optional(TLS_KEY),
        is_behind_proxy=values.get(BEHIND_PROXY),
        trusted_proxies=values.get(v.TRUSTED_PROXIES),
        threads=values.get(v.THREADS),
        pin_to_one_cpu=values.get(v.ONE_CORE),
        require_attribution=values.get(v.REQUIRE_ATTRIBUTION),
        legacy_loopback=values.get(v.LEGACY_LOOPBACK),
        aws=_aws(values),
        stop_timeout=values.get(v.STOP_TIMEOUT),
        metrics=MetricsConfig(values.get_optional(v.METRICS_LISTEN), values.get_optional(v.METRICS_TOKEN)),
        logs=LogConfig(values.get(v.LOG_LEVEL), values.get(v.LOG_FORMAT), values.get(v.ACCESS_LOG)),
        exports_traces=values.get(v.TRACES),
        providers=read_providers(values),
        password_sign_in=values.get(v.PASSWORDS),
        contact=values.get_optional(v.CONTACT) or "",
        workload_issuers=values.get_optional(v.WORKLOAD_ISSUERS) or (),
    )


def _require_certificate_with_key(values: Values) -> None:
    is_set = {variable: bool(values.find(variable).text) for variable in (TLS_CERTIFICATE, TLS_KEY)}
    if len({*is_set.values()}) == 2:
        missing = next(variable for variable in is_set if not is_set[variable])
        raise ConfigError(f"{missing.name} is not set. Certificate and key belong together.")


def _require_tls_off_loopback(values: Values) -> None:
    host, _ = values.get(LISTEN)
    has_tls = bool(values.find(TLS_CERTIFICATE).text or values.find(TLS_KEY).text)
    if not (ip_address(host).is_loopback or has_tls or values.get(BEHIND_PROXY)):
        raise ConfigError(
            f"{LISTEN.name} would expose the portal to the network without TLS, with tokens unencrypted. "
            f"Set {TLS_CERTIFICATE.name} and {TLS_KEY.name}, or {BEHIND_PROXY.name}=true if a proxy "
            "terminates TLS."
        )


def _require_public_url_on_all_addresses(values: Values) -> None:
    host, _ = values.get(LISTEN)
    if ip_address(host).is_unspecified and not values.find(PUBLIC_URL).text:
        raise ConfigError(f"{PUBLIC_URL.name} is not set. It takes {PUBLIC_URL.takes}.")


def _aws(values: Values) -> AwsConfig:
    region = read_region(values)
    # With another AWS endpoint, its keys must not be sent to the sign-in endpoint of the real AWS.
    endpoint_url = values.get_optional(v.AWS_ENDPOINT_URL)
    return AwsConfig(
        region=region,
        partition=partition_of(region),
        role_prefix=values.get(v.ROLE_PREFIX),
        master_role=values.get(v.MASTER_ROLE),
        endpoint_url=endpoint_url,
        signin_url=values.get_optional(v.AWS_SIGNIN_URL) or endpoint_url,
        console_url=values.get_optional(v.AWS_CONSOLE_URL) or endpoint_url,
        extra_regions=values.get_optional(v.EXTRA_REGIONS) or frozenset(),
    )


def read_region(values: Values) -> str:
    """Return the portal's region; raise `ConfigError` if it is missing or AWS cannot have it."""
    region, extra = values.get(AWS_REGION), values.get_optional(v.EXTRA_REGIONS)
    if error := region_error(region, extra or frozenset()):
        raise ConfigError(f"{values.find(AWS_REGION).place}: {error}")
    return region


def _require_known_partition(values: Values) -> None:
    region = read_region(values)
    partition = partition_of(region)
    if partition not in CONSOLE_PARTITIONS:
        known = ", ".join(CONSOLE_PARTITIONS)
        raise ConfigError(
            f"{AWS_REGION.name}={region} is in the partition {partition}. Daypass works in {known}."
        )


def database_url(values: Values) -> str:
    """Return the URL of the database: the configured one, else the file that the portal uses by default."""
    if configured := values.get_optional(DATABASE_URL):
        return configured
    # The default of earlier versions. Without it, the database would seem empty after an upgrade.
    if Path(DATABASE_FILE).exists():
        return f"sqlite:///{DATABASE_FILE}"
    return f"sqlite:///{state_directory(values.environ) / DATABASE_FILE}"


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


_RULES: Sequence[Callable[[Values], object]] = (
    _require_known_partition,
    _require_certificate_with_key,
    _require_tls_off_loopback,
    _require_public_url_on_all_addresses,
    database_url,
)
