"""Types of configuration values: how a text or a TOML value is validated, and what each type takes."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from daypass.common.console.regions import EXTRA_REGIONS, extra_regions
from daypass.common.origins import is_loopback_host
from daypass.portal.config.model import Network
from daypass.portal.secret import Secret

Value_co = TypeVar("Value_co", covariant=True)
Choice = TypeVar("Choice", bound=StrEnum)

_DATABASES = {"sqlite", "postgres", "postgresql", "postgresql+psycopg"}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class InvalidValue(ValueError):
    """A text is no value of its type. The message is the reason, or empty; it omits the text."""


class ValueType(Protocol[Value_co]):
    """A type of configuration values."""

    toml: ClassVar[type]
    """The TOML type that a configuration file may use besides strings."""

    @property
    def takes(self) -> str:
        """The values that it accepts, as the end of the sentence "It takes ..."."""

    def parse(self, text: str) -> Value_co:
        """Return the value of a text that is not empty; raises `InvalidValue`."""


@dataclass(frozen=True, slots=True)
class Text:
    """Any text."""

    takes: str
    toml: ClassVar[type] = str

    def parse(self, text: str) -> str:
        """Return the text."""
        return text


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The URL of a database, of which only the scheme is checked; storage parses the rest."""

    takes: ClassVar[str] = "sqlite:///PATH or postgresql://USER@HOST/NAME"
    toml: ClassVar[type] = str

    def parse(self, text: str) -> str:
        """Return the URL."""
        scheme, separator, _ = text.partition("://")
        if not separator or scheme not in _DATABASES:
            raise InvalidValue
        return text


@dataclass(frozen=True, slots=True)
class Regions:
    """Names of AWS regions, separated by commas."""

    takes: str
    toml: ClassVar[type] = list

    def parse(self, text: str) -> frozenset[str]:
        """Return the names."""
        return extra_regions({EXTRA_REGIONS: text})


@dataclass(frozen=True, slots=True)
class Token:
    """A secret of at least *shortest* characters."""

    shortest: int
    toml: ClassVar[type] = str

    @property
    def takes(self) -> str:
        """The values that it accepts."""
        return f"a text of {self.shortest} characters or more"

    def parse(self, text: str) -> Secret:
        """Return the secret."""
        if len(text) < self.shortest:
            raise InvalidValue
        return Secret(text)


@dataclass(frozen=True, slots=True)
class Issuers:
    """URLs of token issuers, separated by commas; each as the claim `iss` has it."""

    takes: ClassVar[str] = "https:// URLs with commas between them, each exactly as its tokens name it"
    toml: ClassVar[type] = list

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the URLs; one of this machine may have http."""
        issuers = tuple(each.strip() for each in text.split(","))
        if not all(_is_issuer(each) for each in issuers):
            raise InvalidValue
        return issuers


def _is_issuer(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_plain = text.isascii() and text.isprintable() and not any(sign in text for sign in " ?#@*")
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host or ""))
    return bool(host) and is_plain and is_secure


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number within bounds."""

    least: int
    most: int
    toml: ClassVar[type] = int

    @property
    def takes(self) -> str:
        """The values that it accepts."""
        return f"a whole number from {self.least} to {self.most}"

    def parse(self, text: str) -> int:
        """Return the number; only ASCII digits are accepted."""
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(self.most))
        if not (is_number and self.least <= int(text) <= self.most):
            raise InvalidValue
        return int(text)


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration in whole seconds, within bounds."""

    least: int
    most: int
    toml: ClassVar[type] = int

    @property
    def takes(self) -> str:
        """The values that it accepts."""
        return f"a whole number of seconds from {self.least} to {self.most}"

    def parse(self, text: str) -> timedelta:
        """Return the duration."""
        return timedelta(seconds=Number(self.least, self.most).parse(text))


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    takes: ClassVar[str] = "true or false"
    toml: ClassVar[type] = bool

    def parse(self, text: str) -> bool:
        """Return the boolean; 1 and 0 are accepted too."""
        if (value := _FLAGS.get(text.lower())) is None:
            raise InvalidValue
        return value


@dataclass(frozen=True, slots=True)
class OneOf(Generic[Choice]):
    """A member of an enumeration."""

    choices: type[Choice]
    toml: ClassVar[type] = str

    @property
    def takes(self) -> str:
        """The values that it accepts."""
        *others, last = self.choices
        return f"{', '.join(others)} or {last}"

    def parse(self, text: str) -> Choice:
        """Return the member; case is ignored."""
        try:
            return self.choices(text.lower())
        except ValueError as error:
            raise InvalidValue from error


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address with a port."""

    takes: str
    toml: ClassVar[type] = str

    def parse(self, text: str) -> tuple[str, int]:
        """Return address and port; localhost is 127.0.0.1."""
        host, _, port = text.rpartition(":")
        try:
            address = ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
        except ValueError as error:
            raise InvalidValue from error
        return str(address), Number(0, 65535).parse(port)


@dataclass(frozen=True, slots=True)
class Networks:
    """IP networks, separated by commas."""

    takes: ClassVar[str] = "addresses or networks with commas between them, such as 10.0.0.5,192.168.0.0/24"
    toml: ClassVar[type] = list

    def parse(self, text: str) -> tuple[Network, ...]:
        """Return the networks."""
        try:
            return tuple(ip_network(part.strip()) for part in text.split(","))
        except ValueError as error:
            raise InvalidValue from error


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin of HTTP: scheme, host and port."""

    takes: str = "an http or https origin"
    toml: ClassVar[type] = str

    def parse(self, text: str) -> str:
        """Return the origin without a slash at its end."""
        text = text.removesuffix("/")
        try:
            parts = urlsplit(text)
            is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise InvalidValue from error
        # Compared with its parts, so that a path, a query or a fragment is refused rather than dropped.
        if not is_origin or "@" in parts.netloc or text != f"{parts.scheme}://{parts.netloc}":
            raise InvalidValue
        return text


@dataclass(frozen=True, slots=True)
class ReadableFile:
    """The path of a file that this process can read."""

    takes: str
    toml: ClassVar[type] = str

    def parse(self, text: str) -> Path:
        """Return the path."""
        path = Path(text)
        try:
            path.open("rb").close()
        except OSError as error:
            raise InvalidValue(f"{path_name(text)} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise InvalidValue from error
        return path


@dataclass(frozen=True, slots=True)
class RoleName:
    """The name of an IAM role, or its beginning."""

    takes: str
    toml: ClassVar[type] = str

    def parse(self, text: str) -> str:
        """Return the name, if IAM accepts it."""
        is_allowed = all(sign.isalnum() or sign in "_+=,.@-" for sign in text)
        if len(text) > 64 or not text.isascii() or not is_allowed:
            raise InvalidValue
        return text


def path_name(text: str) -> str:
    """Return a path for an error message.

    A text that is not an absolute path may be a secret in the wrong place, so it is not repeated.
    """
    return text if text.startswith("/") and text.isprintable() else "the file"
