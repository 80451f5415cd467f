"""The variables that configure the portal, each declared once.

The help of `serve`, the reference page, `config check` and the detection of unknown names use them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from daypass.portal.config.masking import hide, mask_password
from daypass.portal.config.model import AccessLog, LegacyLoopback, LogFormat, LogLevel, PasswordSignIn
from daypass.portal.config.provider_types import PlainText
from daypass.portal.config.value_types import (
    Address,
    DatabaseUrl,
    Flag,
    Issuers,
    Networks,
    Number,
    OneOf,
    Origin,
    ReadableFile,
    Regions,
    RoleName,
    Seconds,
    Text,
    Token,
    ValueType,
)

T = TypeVar("T")

PREFIX = "DAYPASS_"
PATH_TAKES = "the absolute path of a file"
"""The values of the variables that name a file with a secret."""


class ConfigError(Exception):
    """The configuration is invalid; the message names the variable or the file, and what it takes."""


def config_error(problems: Sequence[str]) -> ConfigError:
    """Return the error with all sentences, each on its own line if there are several."""
    if len(problems) == 1:
        return ConfigError(problems[0])
    return ConfigError("\n    ".join((f"The configuration has {len(problems)} errors:", *problems)))


@dataclass(frozen=True, slots=True)
class Variable(Generic[T]):
    """A configuration variable."""

    name: str
    type: ValueType[T]
    default: str | None
    """The text that is used if nothing is set: "" if there is no value then, None if it must be set."""
    help: str
    mask: Callable[[str], str] | None = None
    """Returns the text without its secret. None if it has none; else it may also be read from a file."""

    @property
    def takes(self) -> str:
        """The values that it accepts."""
        return self.type.takes

    @property
    def key(self) -> str:
        """The key in a configuration file."""
        return self.name.removeprefix(PREFIX).lower()

    @property
    def summary(self) -> str:
        """The entry in the help of `serve`."""
        from_file = f" {self.file_name} names a file with it." if self.is_secret else ""
        default = f" [{self.default}]" if self.default else " Must be set." if self.default is None else ""
        return f"{self.help} Takes {self.takes}.{from_file}{default}"

    @property
    def is_secret(self) -> bool:
        """Whether the value may be, or have, a secret."""
        return self.mask is not None

    def has_secret(self, text: str) -> bool:
        """Whether a text of this variable has a secret, such as a URL with a password."""
        return self.mask is not None and self.mask(text) != text

    @property
    def file_name(self) -> str:
        """The variable with the path of a file that has the value; only a secret has it."""
        return f"{self.name}_FILE"

    @property
    def credential(self) -> str:
        """The name of the systemd credential with the value; only a secret has it."""
        return self.name.lower()


DEFAULT_FILE = "/etc/daypass/daypass.toml"

CONFIG = Variable(
    "DAYPASS_CONFIG",
    Text("the path of a TOML file, or /dev/null for none"),
    "",
    f"The configuration file; the environment wins over it. By default {DEFAULT_FILE}, if there is one.",
)
DATABASE_URL = Variable(
    "DAYPASS_DATABASE_URL",
    DatabaseUrl(),
    "",
    "The database. SQLite serves the workers of one machine; PostgreSQL serves any number of machines. "
    "By default, daypass.db in the state directory: STATE_DIRECTORY, else XDG_STATE_HOME/daypass, else "
    "~/.local/state/daypass. An existing daypass.db in the current folder stays in use.",
    mask_password,
)
PUBLIC_URL = Variable(
    "DAYPASS_PUBLIC_URL",
    Origin("the origin by which people reach the portal, such as https://portal.example.com"),
    "",
    "The origin of all links; the Host header of a request is never used. By default, the address of "
    "DAYPASS_LISTEN.",
)
LISTEN = Variable(
    "DAYPASS_LISTEN",
    Address("ADDRESS:PORT, such as 127.0.0.1:8443 or [::]:8443; port 0 is any free one"),
    "127.0.0.1:8443",
    "The address on which the portal listens. Beyond loopback it needs TLS, its own or a proxy's.",
)
TLS_CERTIFICATE = Variable(
    "DAYPASS_TLS_CERTIFICATE",
    ReadableFile("the path of a readable PEM file"),
    "",
    "The certificate to serve with, followed by its intermediate ones.",
)
TLS_KEY = Variable(
    "DAYPASS_TLS_KEY",
    ReadableFile("the path of a readable PEM file"),
    "",
    "The private key of that certificate, without a passphrase.",
)
BEHIND_PROXY = Variable(
    "DAYPASS_BEHIND_PROXY",
    Flag(),
    "false",
    "Whether a proxy in front of the portal terminates TLS. Only then is X-Forwarded-For used.",
)
TRUSTED_PROXIES = Variable(
    "DAYPASS_TRUSTED_PROXIES",
    Networks(),
    "127.0.0.1,::1",
    "The proxies whose X-Forwarded-For is trusted, if DAYPASS_BEHIND_PROXY is true.",
)
THREADS = Variable(
    "DAYPASS_THREADS",
    Number(1, 512),
    "32",
    "The number of threads for pages and API calls. AWS calls have three times as many; eight times as many "
    "requests may wait.",
)
ONE_CORE = Variable(
    "DAYPASS_ONE_CORE",
    Flag(),
    "true",
    "Whether a process runs on one core, which is faster; false where other work is bound to cores.",
)
REQUIRE_ATTRIBUTION = Variable(
    "DAYPASS_REQUIRE_ATTRIBUTION",
    Flag(),
    "false",
    "Whether roles that refuse a session's identity and tags are refused, instead of used without them.",
)
LEGACY_LOOPBACK = Variable(
    "DAYPASS_LEGACY_LOOPBACK",
    OneOf(LegacyLoopback),
    "on",
    "The sessions that duploctl and duplo-jit get through the browser, where they cannot verify the token's "
    "owner.",
)
PASSWORDS = Variable(
    "DAYPASS_PASSWORDS",
    OneOf(PasswordSignIn),
    "on",
    "The users who may sign in with a password of the portal: all who have one, or only the break-glass "
    "account, for the time when no identity provider answers.",
)
CONTACT = Variable(
    "DAYPASS_CONTACT",
    PlainText(200),
    "",
    "Whom users ask for access, such as aws-access@example.com: a text on their profile and on the page of a "
    "refused sign-in. By default these show the names of three Administrators, but not to people of a "
    "provider at which strangers can have accounts.",
)
WORKLOAD_ISSUERS = Variable(
    "DAYPASS_WORKLOAD_ISSUERS",
    Issuers(),
    "",
    "The issuers that workload rules may name besides those of public CI systems and clouds, such as your "
    "own GitLab. The portal fetches keys from them.",
)
AWS_REGION = Variable(
    "DAYPASS_AWS_REGION",
    Text("an AWS region, such as eu-central-1"),
    None,
    "The region of the STS endpoint and of admin sessions. It determines the partition of the account.",
)
EXTRA_REGIONS = Variable(
    "DAYPASS_EXTRA_REGIONS",
    Regions("names of AWS regions with commas between them, such as eu-central-3,us-south-1"),
    "",
    "Regions that this version refuses as misspelled although AWS has them, such as one on a new continent.",
)
AWS_ENDPOINT_URL = Variable(
    "DAYPASS_AWS_ENDPOINT_URL",
    Origin(),
    "",
    "The endpoint of STS and IAM, if it is not AWS's own, such as the sandbox's.",
)
AWS_SIGNIN_URL = Variable(
    "DAYPASS_AWS_SIGNIN_URL",
    Origin(),
    "",
    "The sign-in endpoint of console links. By default DAYPASS_AWS_ENDPOINT_URL, else AWS's own.",
)
AWS_CONSOLE_URL = Variable(
    "DAYPASS_AWS_CONSOLE_URL",
    Origin(),
    "",
    "The origin of the console. By default DAYPASS_AWS_ENDPOINT_URL, else AWS's own.",
)
ROLE_PREFIX = Variable(
    "DAYPASS_ROLE_PREFIX",
    RoleName("letters, digits and any of _+=,.@-"),
    "duploservices-",
    "The beginning of the names of tenants' roles and resources; the tenant's name follows.",
)
MASTER_ROLE = Variable(
    "DAYPASS_MASTER_ROLE",
    RoleName("the name of an IAM role"),
    "duplomaster",
    "The role of admin sessions.",
)

STOP_TIMEOUT = Variable(
    "DAYPASS_STOP_TIMEOUT",
    Seconds(2, 300),
    "25",
    "The longest time between a stop signal and the end. Requests in progress have most of it.",
)
METRICS_LISTEN = Variable(
    "DAYPASS_METRICS_LISTEN",
    Address("ADDRESS:PORT, such as 127.0.0.1:9464"),
    "",
    "An additional address that serves /metrics without authentication. Keep it on a private network.",
)
METRICS_TOKEN = Variable(
    "DAYPASS_METRICS_TOKEN",
    Token(16),
    "",
    "The bearer token for /metrics on the portal's own address. Without it, /metrics is not served there.",
    hide,
)
LOG_LEVEL = Variable(
    "DAYPASS_LOG_LEVEL",
    OneOf(LogLevel),
    "info",
    "The lowest level of log lines that are written.",
)
LOG_FORMAT = Variable(
    "DAYPASS_LOG_FORMAT",
    OneOf(LogFormat),
    "auto",
    "The form of log lines: by default JSON, and text on a terminal.",
)
ACCESS_LOG = Variable(
    "DAYPASS_ACCESS_LOG",
    OneOf(AccessLog),
    "on",
    "Whether each request is logged: on leaves out successful probes and metrics, all leaves out none.",
)
TRACES = Variable(
    "DAYPASS_TRACES",
    Flag(),
    "false",
    "Whether OpenTelemetry traces are exported, as the OTEL_ variables say; needs the extra otel.",
)

SECTIONS: Mapping[str, Sequence[Variable[Any]]] = {
    "Configuration file": (CONFIG,),
    "Database": (DATABASE_URL,),
    "Address and TLS": (PUBLIC_URL, LISTEN, TLS_CERTIFICATE, TLS_KEY, BEHIND_PROXY, TRUSTED_PROXIES),
    "Process": (THREADS, ONE_CORE, STOP_TIMEOUT),
    "Sessions": (REQUIRE_ATTRIBUTION, LEGACY_LOOPBACK),
    "Sign-in": (PASSWORDS, CONTACT, WORKLOAD_ISSUERS),
    "AWS": (
        AWS_REGION,
        EXTRA_REGIONS,
        AWS_ENDPOINT_URL,
        AWS_SIGNIN_URL,
        AWS_CONSOLE_URL,
        ROLE_PREFIX,
        MASTER_ROLE,
    ),
    "Metrics, logs and traces": (METRICS_LISTEN, METRICS_TOKEN, LOG_LEVEL, LOG_FORMAT, ACCESS_LOG, TRACES),
}
"""The variables by subject, in the order of the documentation."""

VARIABLES: Sequence[Variable[Any]] = tuple(chain.from_iterable(SECTIONS.values()))

NAMES = frozenset(
    {variable.name for variable in VARIABLES}
    | {variable.file_name for variable in VARIABLES if variable.is_secret}
)
"""The names of all environment variables, with those for the files of secrets."""
