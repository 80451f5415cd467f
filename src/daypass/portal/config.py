"""The configuration of the process: environment variables, read once at the start and validated."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from os import getuid
from pathlib import Path
from pwd import getpwuid
from urllib.parse import urlsplit

from daypass.common.console.partitions import CONSOLE_PARTITIONS, partition_of
from daypass.common.console.regions import extra_regions, region_error

Network = IPv4Network | IPv6Network


class LegacyLoopback(StrEnum):
    """The sessions that legacy clients may get through the browser."""

    ON = "on"
    TENANT_ONLY = "tenant-only"
    OFF = "off"


class ConfigError(Exception):
    """A variable is missing or invalid; the message names it and what it takes."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable; the table of the documentation is generated from these."""

    name: str
    takes: str
    default: str | None
    """None if the variable is required."""
    help: str

    def read(self, environ: Mapping[str, str]) -> str:
        """Return the value that is set, or else the default; raises `ConfigError` if there is neither."""
        text = environ.get(self.name, "").strip() or self.default
        if text is None:
            raise ConfigError(f"{self.name} is not set. It takes {self.takes}.")
        return text

    def refuse(self) -> ConfigError:
        """Return the error for an invalid value; it omits the value, which may be a misplaced secret."""
        return ConfigError(f"{self.name} has an invalid value. It takes {self.takes}.")


DATABASE_URL = Variable(
    "DAYPASS_DATABASE_URL",
    "sqlite:///PATH or postgresql://USER@HOST/NAME",
    "",
    "Where everything is kept. SQLite serves one process; PostgreSQL serves any number. By default, "
    "daypass.db in the state directory: STATE_DIRECTORY, else XDG_STATE_HOME/daypass, else "
    "~/.local/state/daypass. An existing daypass.db in the current folder stays in use.",
)
DATABASE_FILE = "daypass.db"
PUBLIC_URL = Variable(
    "DAYPASS_PUBLIC_URL",
    "the origin by which people reach the portal, such as https://portal.example.com",
    "",
    "What links are made of; the Host header of a request never is. By default, the address listened on.",
)
LISTEN = Variable(
    "DAYPASS_LISTEN",
    "ADDRESS:PORT, such as 127.0.0.1:8443 or [::]:8443; port 0 is any free one",
    "127.0.0.1:8443",
    "Where the portal listens. Beyond this machine it wants TLS, its own or a proxy's.",
)
TLS_CERTIFICATE = Variable(
    "DAYPASS_TLS_CERTIFICATE",
    "the path of a readable PEM file",
    "",
    "The certificate to serve with, followed by its intermediate ones.",
)
TLS_KEY = Variable(
    "DAYPASS_TLS_KEY",
    "the path of a readable PEM file",
    "",
    "The private key of that certificate, without a passphrase.",
)
BEHIND_PROXY = Variable(
    "DAYPASS_BEHIND_PROXY",
    "true or false",
    "false",
    "Whether a proxy in front of the portal terminates TLS; then X-Forwarded-For of a trusted one counts.",
)
TRUSTED_PROXIES = Variable(
    "DAYPASS_TRUSTED_PROXIES",
    "addresses or networks with commas between them, such as 10.0.0.5,192.168.0.0/24",
    "127.0.0.1,::1",
    "The proxies whose statement of the client's address is trusted; no other is.",
)
THREADS = Variable(
    "DAYPASS_THREADS",
    "a whole number from 1 to 512",
    "32",
    "Threads for pages and API calls, three times as many for AWS; eight times as many requests may wait.",
)
ONE_CORE = Variable(
    "DAYPASS_ONE_CORE",
    "true or false",
    "true",
    "Whether a process works on one core, where it gets more done; false where other work is bound to cores.",
)
REQUIRE_ATTRIBUTION = Variable(
    "DAYPASS_REQUIRE_ATTRIBUTION",
    "true or false",
    "false",
    "Whether roles that refuse a session's identity and tags are refused, rather than used without them.",
)
LEGACY_LOOPBACK = Variable(
    "DAYPASS_LEGACY_LOOPBACK",
    "on, tenant-only or off",
    "on",
    "Whether duploctl and duplo-jit get in through the browser; nothing proves to them whose token comes.",
)
AWS_REGION = Variable(
    "DAYPASS_AWS_REGION",
    "an AWS region, such as eu-central-1",
    None,
    "Whose STS is asked, and where admin sessions land. It says which partition the account is in.",
)
EXTRA_REGIONS = Variable(
    "DAYPASS_EXTRA_REGIONS",
    "names of AWS regions with commas between them, such as eu-central-3,us-south-1",
    "",
    "Regions that this version refuses as misspelled although AWS has them, such as one on a new continent.",
)
AWS_ENDPOINT_URL = Variable(
    "DAYPASS_AWS_ENDPOINT_URL",
    "an http or https origin",
    "",
    "An STS and IAM other than AWS's own, such as the sandbox's.",
)
AWS_SIGNIN_URL = Variable(
    "DAYPASS_AWS_SIGNIN_URL",
    "an http or https origin",
    "",
    "Where console links sign in. By default AWS's own, or the endpoint above where one is set.",
)
AWS_CONSOLE_URL = Variable(
    "DAYPASS_AWS_CONSOLE_URL",
    "an http or https origin",
    "",
    "Where console links land. By default AWS's own, or the endpoint above where one is set.",
)
ROLE_PREFIX = Variable(
    "DAYPASS_ROLE_PREFIX",
    "letters, digits and any of _+=,.@-",
    "duploservices-",
    "What comes before a tenant's name in the names of its role and its resources.",
)
MASTER_ROLE = Variable(
    "DAYPASS_MASTER_ROLE",
    "the name of an IAM role",
    "duplomaster",
    "The role of admin sessions.",
)

VARIABLES = (
    DATABASE_URL,
    PUBLIC_URL,
    LISTEN,
    TLS_CERTIFICATE,
    TLS_KEY,
    BEHIND_PROXY,
    TRUSTED_PROXIES,
    THREADS,
    ONE_CORE,
    REQUIRE_ATTRIBUTION,
    LEGACY_LOOPBACK,
    AWS_REGION,
    EXTRA_REGIONS,
    AWS_ENDPOINT_URL,
    AWS_SIGNIN_URL,
    AWS_CONSOLE_URL,
    ROLE_PREFIX,
    MASTER_ROLE,
)


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


@dataclass(frozen=True, slots=True)
class PortalConfig:
    """The configuration of one portal process."""

    database_url: str
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
        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "PortalConfig":
        """Read every variable; raises `ConfigError` at the first that is missing or invalid."""
        host, port = _address(environ)
        certificate, private_key = _file(TLS_CERTIFICATE, environ), _file(TLS_KEY, environ)
        if (certificate is None) != (private_key is None):
            missing = TLS_KEY if private_key is None else TLS_CERTIFICATE
            raise ConfigError(f"{missing.name} is not set. Certificate and key belong together.")
        config = cls(
            database_url=database_url(environ),
            stated_public_url=_origin(PUBLIC_URL, environ),
            host=host,
            port=port,
            certificate=certificate,
            private_key=private_key,
            is_behind_proxy=_flag(BEHIND_PROXY, environ),
            trusted_proxies=_networks(environ),
            threads=_threads(environ),
            pin_to_one_cpu=_flag(ONE_CORE, environ),
            require_attribution=_flag(REQUIRE_ATTRIBUTION, environ),
            legacy_loopback=_legacy_loopback(environ),
            aws=_aws(environ),
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


def _address(environ: Mapping[str, str]) -> tuple[str, int]:
    host, _, port = LISTEN.read(environ).rpartition(":")
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError as error:
        raise LISTEN.refuse() from error
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise LISTEN.refuse()
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


def _legacy_loopback(environ: Mapping[str, str]) -> LegacyLoopback:
    try:
        return LegacyLoopback(LEGACY_LOOPBACK.read(environ).lower())
    except ValueError as error:
        raise LEGACY_LOOPBACK.refuse() from error


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


def _threads(environ: Mapping[str, str]) -> int:
    text = THREADS.read(environ)
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 512):
        raise THREADS.refuse()
    return int(text)


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
