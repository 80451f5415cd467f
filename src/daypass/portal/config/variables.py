"""The environment variables that configure the portal."""

from collections.abc import Mapping
from dataclasses import dataclass


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

STOP_TIMEOUT = Variable(
    "DAYPASS_STOP_TIMEOUT",
    "a whole number of seconds from 2 to 300",
    "25",
    "The longest time between a stop signal and the end. Requests in progress have most of it.",
)
METRICS_LISTEN = Variable(
    "DAYPASS_METRICS_LISTEN",
    "ADDRESS:PORT, such as 127.0.0.1:9464",
    "",
    "An additional address that serves /metrics without authentication. Keep it on a private network.",
)
METRICS_TOKEN = Variable(
    "DAYPASS_METRICS_TOKEN",
    "a text of 16 characters or more",
    "",
    "The bearer token for /metrics on the portal's own address. Without it, /metrics is not served there.",
)
LOG_LEVEL = Variable(
    "DAYPASS_LOG_LEVEL",
    "debug, info, warning or error",
    "info",
    "The lowest level of log lines that are written.",
)
LOG_FORMAT = Variable(
    "DAYPASS_LOG_FORMAT",
    "auto, json or console",
    "auto",
    "The form of log lines: by default JSON, and text on a terminal.",
)
ACCESS_LOG = Variable(
    "DAYPASS_ACCESS_LOG",
    "on, all or off",
    "on",
    "Whether each request is logged: on leaves out successful probes and metrics, all leaves out none.",
)
TRACES = Variable(
    "DAYPASS_TRACES",
    "true or false",
    "false",
    "Whether OpenTelemetry traces are exported, as the OTEL_ variables say; needs the extra daypass[otel].",
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
    STOP_TIMEOUT,
    METRICS_LISTEN,
    METRICS_TOKEN,
    LOG_LEVEL,
    LOG_FORMAT,
    ACCESS_LOG,
    TRACES,
)
